"""Replayed claims -> text. A figure that agrees is shown as it was printed, and beside it in full."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.analyse.claims import Verdict
from archprof.render import csv, markdown, units
from archprof.render.layout import lay_out, painter
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from archprof.analyse.claims import ClaimResult
    from archprof.analyse.figures import FigureResult, Part
    from archprof.render import View
    from archprof.variant.claims import Claim
    from archprof.variant.published import Published

MORE_DIGITS = 2
"""Decimals beyond the printed ones in a figure that is shown in full."""

NAMED = 3
"""How many of the operations that make a difference are named at most."""

NOTABLE = 0.001
"""The share of what runs from which on a difference is spoken of."""

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

_NAMES = {"gflops": "GFLOPs", "macs": "MACs", "trainable_parameters": "trainable parameters"}


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


def complaints(result: ClaimResult) -> Iterator[str]:
    """What is wrong with a claim that should hold, with its file and line."""
    place = f"{result.claim.path}:{result.claim.line}: {result.claim.variant}"
    if result.verdict is Verdict.failed:
        yield f"{place}: {result.error}"
    if result.verdict is Verdict.differs:
        for figure in result.figures:
            if not figure.agrees:
                printed = figure.published.text
                yield f"{place}: {name(figure.published)} are printed as {printed} and come out as {_full(figure)}"


def name(published: Published) -> str:
    """What a figure is a figure of, and by whose rule."""
    what = _NAMES.get(published.figure, published.figure)
    return f"{what} by {published.convention}" if published.convention else what


def settings(claim: Claim) -> str:
    """What a claim's model was built and run with, in a few words."""
    given = {key: value for key, value in claim.settings.items() if key not in ("fuse", "set")}
    given |= claim.settings.get("set", {})
    fused = ["fused" if claim.settings["fuse"] else "not fused"] if "fuse" in claim.settings else []
    return " · ".join([*(f"{key} {value}" for key, value in given.items()), *fused])


def difference(figure: FigureResult) -> str | None:
    """How far a figure is from what runs, and why; None where there is nothing to say."""
    if figure.exact is None:
        apart = figure.measured - float(figure.published.value)
        return None if figure.agrees else f"{abs(apart):,.0f} {'more' if apart > 0 else 'fewer'} than printed"
    bound = ">= " if figure.lower_bound else ""
    sentence = f"{bound}{units.amount(figure.exact, figure.unit)} run"
    if figure.ratio is not None:
        sentence += f", {units.apart(figure.ratio, 'printed')}"
    if figure.are_macs:
        sentence += ": the MACs were printed, each of which is two FLOPs"
    why = []
    if missed := _named(figure.missed, figure):
        why.append(f"gives nothing for {missed}")
    if added := _named(figure.added, figure):
        why.append(f"adds {added}")
    if abs(figure.otherwise) >= NOTABLE * figure.exact:
        amount = units.amount(round(abs(figure.otherwise)), figure.unit)
        why.append(f"takes the rest to be {amount} {'dearer' if figure.otherwise > 0 else 'cheaper'} than it is")
    return f"{sentence}: {figure.published.convention} {_list(why, ', and ')}" if why else sentence


def _named(parts: Sequence[Part], figure: FigureResult) -> str:
    """The dearest by name, the rest together, as far as they make a difference."""
    least = NOTABLE * (figure.exact or 0)
    large = [part for part in parts[:NAMED] if part.amount >= least]
    named = [f"{part.calls} × {part.operation} ({units.amount(round(part.amount), figure.unit)})" for part in large]
    rest = sum(part.amount for part in parts[len(large) :])
    if rest and rest >= least:
        named.append(f"others ({units.amount(round(rest), figure.unit)})")
    return _list(named, " and ")


def _list(pieces: Sequence[str], last: str) -> str:
    return last.join(part for part in (", ".join(pieces[:-1]), *pieces[-1:]) if part)


def against(result: ClaimResult) -> str | None:
    """How a claim stands to the one that it is read against, as printed and as it runs."""
    if result.against is None:
        return None
    printed = units.apart(result.against.printed, result.against.variant)
    return f"in print {printed}, in truth {units.apart(result.against.exact, 'it')}"


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
    full = _full(figure)
    return short if short == full else f"{short} ({full})"


def _full(figure: FigureResult) -> str:
    """A figure that has been counted to the last digit, or with a few digits more."""
    if isinstance(figure.measured, int) and figure.published.figure != "macs":
        return units.count(figure.measured)
    return figure.published.written(figure.measured, more=MORE_DIGITS)


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
