"""Replayed claims as a report: a section each. A figure that agrees is shown as published, and beside it in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archprof.records.claim_result import Verdict
from archprof.render.claim_text import VERDICTS, against, claim_text, figure_name, full, settings
from archprof.render.report import Report
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.claim_result import ClaimResult, FigureResult
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
        record=list(results),
        data=_data(results),
    )


def report_one(result: ClaimResult, view: View) -> Report:
    """One claim."""
    return msgspec.structs.replace(_section(result), record=result, data=_data([result]))


def _data(results: Sequence[ClaimResult]) -> Table:
    return Table(DATA, tuple(record for result in results for record in _records(result)), label="variant")


def _section(result: ClaimResult) -> Report:
    records = tuple(
        (figure_name(figure), figure.published, _reproduced(figure), _yes_or_no(figure.agrees))
        for figure in result.figures
        if figure.measured is not None
    )
    notes = (*map(claim_text, result.figures), against(result), _error(result), result.note)
    return Report(
        title=result.variant,
        about=[text for text in (settings(result),) if text],
        status=VERDICTS[result.verdict],
        failed=result.verdict in (Verdict.differs, Verdict.failed),
        facts=[("source", [result.source])] if result.source else [],
        tables=[Table(FIGURES, records, label="figure")] if records else [],
        notes=[note for note in notes if note],
    )


def _reproduced(figure: FigureResult) -> str:
    """A figure in the published form, and in full where that says more."""
    if figure.measured is None:
        return ""
    short = figure.published if figure.agrees else figure.printed.format_like(figure.measured)
    long = full(figure)
    return short if short == long else f"{short} ({long})"


def _error(result: ClaimResult) -> str | None:
    return "; ".join(result.error.splitlines()) if result.error else None


def _yes_or_no(agrees: bool) -> str:
    return "yes" if agrees else "no"


def _records(result: ClaimResult) -> Iterator[tuple[Any, ...]]:
    """One record a published figure, whether it could be replayed or not."""
    for figure in result.figures:
        replayed = figure.measured is not None
        difference = [claim_text(figure), against(result) if figure.exact is not None else None]
        yield (
            result.file,
            result.line,
            result.variant,
            settings(result),
            _metric(figure),
            figure.convention,
            figure.published,
            _single(figure, float(figure.printed.value)),
            None if figure.measured is None else _single(figure, figure.measured),
            _yes_or_no(figure.agrees) if replayed else None,
            VERDICTS[result.verdict],
            figure.exact,
            figure.unit,
            "; ".join(filter(None, difference)) if replayed else _error(result),
            result.note,
            result.source,
        )


def _metric(figure: FigureResult) -> str:
    """The metric that a figure is of: compute is FLOPs or MACs, as its convention counts."""
    if figure.figure != "gflops":
        return figure.figure
    return figure.unit.lower() if figure.unit else "flops"


def _single(figure: FigureResult, value: float) -> int | float:
    """A figure in single things: of billions of FLOPs as FLOPs."""
    single = value * figure.factor
    return round(single) if abs(single - round(single)) < 1e-6 * max(abs(single), 1) else single
