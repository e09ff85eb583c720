"""Replayed claims as a report: a section each. A figure that agrees is shown as published, and beside it in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.claims.figure_replay import GIGA
from archprof.claims.replay import Verdict
from archprof.render.claim_text import against, claim_text, figure_name, full, settings
from archprof.render.report import Report
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.claims.figure_replay import FigureResult
    from archprof.claims.published import Published
    from archprof.claims.replay import ClaimResult
    from archprof.render import View

FIGURES = (
    Column("figure", "figure"),
    Column("published", "published", number=True),
    Column("reproduced", "reproduced", number=True),
    Column("agrees", "agrees"),
)

DATA = tuple(
    Column(key, key)
    for key in (
        *("file", "line", "variant", "settings", "figure", "convention", "published_text", "published", "reproduced"),
        *("agrees", "verdict", "exact", "unit", "difference", "note", "source"),
    )
)
"""``published``, ``reproduced`` and ``exact`` are in ``unit``: single FLOPs or MACs, or whole things without a unit."""


def report(results: Sequence[ClaimResult], view: View) -> Report:
    """A section a claim: what it is about, its figures, and what there is to say of them."""
    return Report(
        parts=[_section(result) for result in results],
        record=[_plain(result) for result in results],
        data=Table(DATA, tuple(record for result in results for record in _records(result)), label="variant"),
    )


def _section(result: ClaimResult) -> Report:
    claim = result.claim
    records = tuple(
        (figure_name(figure.published), figure.published.text, _reproduced(figure), _yes_or_no(figure.agrees))
        for figure in result.figures
    )
    notes = (*map(claim_text, result.figures), against(result), _error(result), claim.note)
    return Report(
        title=claim.variant,
        about=[text for text in (settings(claim),) if text],
        status=result.verdict,
        failed=result.verdict in (Verdict.differs, Verdict.failed),
        facts=[("source", [claim.source])] if claim.source else [],
        tables=[Table(FIGURES, records, label="figure")] if records else [],
        notes=[note for note in notes if note],
    )


def _reproduced(figure: FigureResult) -> str:
    """A figure in the published form, and in full where that says more."""
    short = figure.published.text if figure.agrees else figure.published.format_like(figure.measured)
    long = full(figure)
    return short if short == long else f"{short} ({long})"


def _error(result: ClaimResult) -> str | None:
    return "; ".join(str(result.error).splitlines()) if result.error else None


def _yes_or_no(agrees: bool) -> str:
    return "yes" if agrees else "no"


def _records(result: ClaimResult) -> Iterator[tuple[Any, ...]]:
    """One record a published figure, whether it could be replayed or not."""
    claim = result.claim
    by_published = {figure.published: figure for figure in result.figures}
    for published in claim.figures:
        about = (str(claim.path), claim.line, claim.variant, settings(claim))
        figure = by_published.get(published)
        difference = [claim_text(figure), against(result) if figure.exact is not None else None] if figure else []
        yield (
            *about,
            _metric(published, figure),
            published.convention,
            published.text,
            _single(published, float(published.value)),
            _single(published, figure.measured) if figure else None,
            _yes_or_no(figure.agrees) if figure else None,
            result.verdict.value,
            figure.exact if figure else None,
            (figure.unit or None) if figure else None,
            "; ".join(filter(None, difference)) if figure else _error(result),
            claim.note,
            claim.source,
        )


def _metric(published: Published, figure: FigureResult | None) -> str:
    """The metric that a figure is of: compute is FLOPs or MACs, as its convention counts."""
    if published.figure != "gflops":
        return published.figure
    return figure.unit.lower() if figure and figure.unit else "flops"


def _single(published: Published, value: float) -> int | float:
    """A figure in single things: of billions of FLOPs as FLOPs."""
    single = value * (GIGA if published.figure == "gflops" else 1)
    return round(single) if abs(single - round(single)) < 1e-6 * max(abs(single), 1) else single


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
                "difference": claim_text(figure),
                "missed": [part._asdict() for part in figure.missed],
                "added": [part._asdict() for part in figure.added],
                "otherwise": figure.remainder,
            }
            for figure in result.figures
        ],
        "totals": result.profile.totals if result.profile else None,
        "against": result.against
        and {
            "variant": result.against.variant,
            "printed_ratio": result.against.published,
            "exact_ratio": result.against.exact,
            "difference": against(result),
        },
    }
