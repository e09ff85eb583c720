"""Replayed claims -> text. A figure that agrees is shown as it was printed, and beside it in full."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import msgspec

from archprof import units
from archprof.claims.replay import Verdict
from archprof.render import csv, markdown
from archprof.render.claim_text import against, difference, full, name, settings
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from archprof.claims.figure_replay import FigureResult
    from archprof.claims.replay import ClaimResult
    from archprof.render import View

_FIGURES = (
    Column("figure", "figure"),
    Column("published", "published", number=True),
    Column("reproduced", "reproduced", number=True),
    Column("agrees", "agrees"),
)

_ALL = (
    Column("file", "file", printed=False),
    Column("line", "line", printed=False),
    Column("variant", "variant"),
    Column("settings", "settings"),
    Column("figure", "figure"),
    Column("convention", "convention"),
    Column("published", "published", number=True),
    Column("reproduced", "reproduced", number=True, absent=units.ABSENT),
    Column("measured", "measured", printed=False),
    Column("agrees", "agrees", absent=units.ABSENT),
    Column("verdict", "verdict"),
    Column("exact", "exact", printed=False),
    Column("unit", "unit", printed=False),
    Column("difference", "difference"),
    Column("note", "note"),
    Column("source", "source", printed=False),
)


def text(results: Sequence[ClaimResult], view: View) -> str:
    """A few lines a claim: what it is about, its figures, and what there is to say of them."""
    return "\n".join("\n".join(_block(result, view)) + "\n" for result in results)


def as_markdown(results: Sequence[ClaimResult], view: View) -> str:
    """One table."""
    return "\n".join(markdown.table_lines(_table(results))) + "\n"


def as_csv(results: Sequence[ClaimResult], view: View) -> str:
    """One line a figure."""
    return csv.several([], _table(results), view)


def as_json(results: Sequence[ClaimResult], view: View) -> str:
    """A list of claims."""
    return msgspec.json.format(msgspec.json.encode([_plain(result) for result in results]), indent=2).decode() + "\n"


FORMATS: Mapping[str, Callable[[Sequence[ClaimResult], View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def _block(result: ClaimResult, view: View) -> Iterator[str]:
    paint = painter(view.color)
    claim, verdict = result.claim, result.verdict
    wrong = verdict in (Verdict.differs, Verdict.failed)
    yield "   ".join(
        piece
        for piece in (paint(claim.variant, "name"), settings(claim), paint(verdict, "bad") if wrong else verdict)
        if piece
    )
    if claim.source:
        yield f"  {paint(claim.source, 'label')}"
    if result.figures:
        records = tuple(
            (name(one.published), one.published.text, _reproduced(one), _yes_or_no(one.agrees))
            for one in result.figures
        )
        for line in lay_out(Table(_FIGURES, records, label="figure"), view.width - 2, paint):
            yield f"  {line}"
    for remark in filter(None, (*map(difference, result.figures), against(result), _error(result), claim.note)):
        yield from textwrap.wrap(remark, view.width, initial_indent="  ", subsequent_indent="    ")


def _reproduced(figure: FigureResult) -> str:
    """A figure in the printed form, and in full where that says more."""
    short = figure.published.text if figure.agrees else figure.published.written(figure.measured)
    whole = full(figure)
    return short if short == whole else f"{short} ({whole})"


def _error(result: ClaimResult) -> str | None:
    return "; ".join(str(result.error).splitlines()) if result.error else None


def _yes_or_no(agrees: bool) -> str:
    return "yes" if agrees else "no"


def _table(results: Sequence[ClaimResult]) -> Table:
    return Table(_ALL, tuple(record for result in results for record in _records(result)), label="variant")


def _records(result: ClaimResult) -> Iterator[tuple[Any, ...]]:
    """One record a published figure, whether it could be replayed or not."""
    claim = result.claim
    replayed = {figure.published: figure for figure in result.figures}
    for published in claim.figures:
        about = (str(claim.path), claim.line, claim.variant, settings(claim))
        printed = (published.figure, published.convention, published.text)
        rest = (claim.note, claim.source)
        if figure := replayed.get(published):
            said = (difference(figure), against(result) if figure.exact is not None else None)
            found = (_reproduced(figure), figure.measured, _yes_or_no(figure.agrees))
            exact = (figure.exact, figure.unit, "; ".join(filter(None, said)))
            yield (*about, *printed, *found, result.verdict.value, *exact, *rest)
        else:
            yield (*about, *printed, None, None, None, result.verdict.value, None, None, _error(result), *rest)


def _plain(result: ClaimResult) -> dict[str, Any]:
    claim = result.claim
    return {
        "variant": claim.variant,
        "settings": claim.settings,
        "source": claim.source,
        "note": claim.note,
        "file": str(claim.path),
        "line": claim.line,
        "holds": claim.holds,
        "verdict": result.verdict.name,
        "error": _error(result),
        "figures": [
            {
                "figure": figure.published.figure,
                "convention": figure.published.convention,
                "published": figure.published.text,
                "measured": figure.measured,
                "agrees": figure.agrees,
                "exact": figure.exact,
                "unit": figure.unit or None,
                "lower_bound": figure.lower_bound,
                "difference": difference(figure),
                "missed": [part._asdict() for part in figure.missed],
                "added": [part._asdict() for part in figure.added],
                "otherwise": figure.otherwise,
            }
            for figure in result.figures
        ],
        "totals": result.profile.totals if result.profile else None,
        "against": result.against
        and {
            "variant": result.against.variant,
            "printed_ratio": result.against.printed,
            "exact_ratio": result.against.exact,
            "difference": against(result),
        },
    }
