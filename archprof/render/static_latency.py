"""How long a model and its static equivalent take: predicted, measured, and how the two relate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.records.latency import CANNOT_TELL
from archprof.render import benchmark, facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.records.dynamic_report import DynamicReport
    from archprof.records.parameternet import TwinLatency
    from archprof.records.prediction import Prediction
    from archprof.render.table import Record


ROUNDING_S = 1e-9
"""Below this a difference of two times is that of their rounding."""


def records(result: DynamicReport) -> Iterator[Record]:
    """Lines of the whole model's table."""
    if predicted := _predicted(result):
        times = [units.seconds(prediction.seconds) for prediction in predicted]
        yield ("predicted latency", *times, None, None, None, _ratio(predicted))
    if measured := _measured(result):
        medians = (measured.dynamic.median_s, measured.static.median_s)
        ratio = measured.comparison.result.ratio if measured.comparison else None
        yield ("measured latency", *(time and units.seconds(time) for time in medians), None, None, None, ratio)


def notes(result: DynamicReport) -> Iterator[str]:
    """What a reader should know of these, and of what they come from."""
    predicted, measured = _predicted(result), _measured(result)
    if predicted:
        yield _split(*predicted)
    if measured:
        yield from _verdict(measured, predicted)
    if result.prediction_absent:
        yield f"predicted latency: not known: {result.prediction_absent}"
    elif not predicted and not measured:
        yield "the time on this computer: --latency measures it, and after `archprof calibrate` it is predicted"


def _predicted(result: DynamicReport) -> tuple[Prediction, Prediction] | None:
    """How long the model and its static equivalent should take; None where one of them is not known."""
    pair = result.prediction, result.static_prediction
    return (pair[0], pair[1]) if pair[0] and pair[1] else None


def _measured(result: DynamicReport) -> TwinLatency | None:
    """How long both took in one experiment; None where that was not measured."""
    return result.parameternet.model.latency if result.parameternet else None


def _ratio(predicted: tuple[Prediction, Prediction]) -> float:
    dynamic, static = predicted
    return dynamic.seconds / static.seconds


def _split(dynamic: Prediction, static: Prediction) -> str:
    """What the model should take more, by what it is spent on."""
    waiting = "waiting for the CPU" if dynamic.device.queued else "calling operations"
    parts = {
        "moving data": dynamic.moving_s + dynamic.fresh_memory_s - static.moving_s - static.fresh_memory_s,
        "computing": dynamic.computing_s - static.computing_s,
        waiting: dynamic.overhead_s - static.overhead_s,
    }
    more = ", ".join(
        f"{'+' if difference > 0 else ''}{units.seconds(difference)} {name}"
        for name, difference in parts.items()
        if abs(difference) > ROUNDING_S
    )
    where = f"{dynamic.device.device}{_threads(dynamic.threads)}, calibrated {dynamic.calibrated_at[:10]}"
    each = [
        ", ".join([units.seconds(prediction.seconds), *facts.prediction_interval(prediction)])
        for prediction in (dynamic, static)
    ]
    times = f"{each[0]}; static equivalent {each[1]}"
    return f"predicted on this computer ({where}): {times}: {more or 'no difference'}"


def _verdict(measured: TwinLatency, predicted: tuple[Prediction, Prediction] | None) -> Iterator[str]:
    """The verdict with its evidence, and what might make one doubt it."""
    dynamic, comparison = measured.dynamic, measured.comparison
    where = facts.where(dynamic) + _threads(dynamic.threads)
    if comparison:
        verdict = comparison.result.verdict
        text = "no significant difference from" if verdict == CANNOT_TELL else f"{verdict} than"
        ratio = ""
        if predicted and facts.is_comparable(dynamic, predicted[0]):
            ratio = f"; {units.factor(_ratio(predicted))} was predicted"
        yield f"measured ({where}): {text} its static equivalent: {benchmark.evidence(comparison)}{ratio}"
    if loads := [latency.load for latency in (dynamic, measured.static) if latency.load]:
        yield f"meanwhile: {benchmark.load_text(loads)}"
    for name, latency in (("dynamic model", dynamic), ("static equivalent", measured.static)):
        if latency.error:
            yield f"{name} not measured ({where}): {latency.error}"
        for note in latency.notes:
            yield f"{name}: {note}"


def _threads(count: int | None) -> str:
    return "".join(f", {text}" for text in units.threads(count))
