"""How long an answer takes beside the model that it is of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.records.latency import CANNOT_TELL
from archprof.render import benchmark, facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.suggestion import MeasuredAnswer


def lines(measured: MeasuredAnswer | None) -> Iterator[str]:
    """The verdict with its evidence: faster, slower, or no significant difference; and what might make one doubt it."""
    if measured is None:
        return
    base, answer, comparison = measured.base, measured.answer, measured.comparison
    where = ", ".join([facts.where(answer), *units.threads(answer.threads)])
    if comparison:
        verdict = comparison.result.verdict
        text = "no significant difference from" if verdict == CANNOT_TELL else f"{verdict} than"
        yield f"measured ({where}): {text} the unchanged model: {benchmark.evidence(comparison)}"
    if loads := [latency.load for latency in (base, answer) if latency.load]:
        yield f"meanwhile: {benchmark.load_text(loads)}"
    for name, latency in (("the model", base), ("the answer", answer)):
        if latency.error:
            yield f"{name} was not measured ({where}): {latency.error}"


def predicted_intervals(intervals: Sequence[Sequence[float]]) -> Iterator[str]:
    """Where the predicted times should lie, of the model as it is and of the answer."""
    if len(intervals) == 2:
        before, after = (units.seconds_between(*interval) for interval in intervals)
        yield f"predicted latency, with its interval: {before} and {after}, before and after"
