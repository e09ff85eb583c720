"""Where the time goes, as a report: the parts of the model, its operations, and what is between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.render import facts
from archprof.render.report import Report
from archprof.render.table import Column, Record, Table
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.records.breakdown import Breakdown, Part
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Profile

CLOSE = 0.05
"""How far the parts may sum to something else than the whole without a word."""

_TOP = 12

_NEAR = 0.1
"""The share of the nearer limit below which it is neither that a part is slow for."""


def report(profile: Profile, breakdown: Breakdown, name: str) -> Report:
    """The breakdown of one model on one device."""
    return Report(
        title=f"{name} on {breakdown.device}",
        tables=[parts(profile, breakdown), operations(profile, breakdown)],
        notes=list(remarks(profile, breakdown)),
    )


def _columns(part: str) -> tuple[Column, ...]:
    return (
        Column("part", part, min_width=12),
        Column("duration_s", "time", show=units.seconds, number=True),
        Column("share", "time %", show=units.percent, number=True, saved=False),
        Column("flops_per_s", "GFLOP/s", show=_giga, number=True, absent=units.ABSENT),
        Column("bytes_per_s", "GB/s", show=_giga, number=True, absent=units.ABSENT),
        Column("flops_per_byte", "FLOP/B", show=units.ratio, number=True, absent=units.ABSENT),
        Column("bound", "bound"),
    )


def _giga(number: float) -> str:
    return units.ratio(number / 1e9)


def parts(profile: Profile, breakdown: Breakdown) -> Table:
    """One line a row of the YAML, or a module; then what was outside of them and between operations."""
    names = {layer.path: f"{layer.index} {layer.module}" for layer in profile.layers}
    lines = [
        _record(names.get(part.name, part.name) or "(outside)", part, profile, breakdown)
        for part in breakdown.parts
        if part.seconds
    ]
    between = ("(between operations)", breakdown.between_s, breakdown.between_s / breakdown.sum_s, *(None,) * 3, "")
    total = ("sum", breakdown.sum_s, 1.0, *(None,) * 3, "")
    return Table(_columns("row" if profile.layers else "module"), (*lines, between), label="part", total=total)


def operations(profile: Profile, breakdown: Breakdown) -> Table:
    """One line an operation, those that take longest."""
    lines = [_record(part.name, part, profile, breakdown) for part in breakdown.operations[:_TOP]]
    return Table(_columns("operation"), tuple(lines), label="part")


def _record(name: str, part: Part, profile: Profile, breakdown: Breakdown) -> Record:
    rates = (part.flops_per_s or None, part.bytes_per_s or None, part.intensity)
    return (name, part.seconds, part.seconds / breakdown.sum_s, *rates, _bound(part, _limits(profile, breakdown)))


def _limits(profile: Profile, breakdown: Breakdown) -> Prediction | None:
    """The prediction, which has the limits of the device, where that was calibrated."""
    prediction = profile.prediction
    return prediction if prediction and facts.same_device(breakdown.device, prediction.device) else None


def _bound(part: Part, limits: Prediction | None) -> str:
    """By memory, by arithmetic or by neither, by the calibration of the device; nothing where there is none.

    The limits are those of the roofline model (Williams, Waterman and Patterson, CACM 52(4), 2009).
    """
    if limits is None or part.flops_per_s is None or part.bytes_per_s is None or part.intensity is None:
        return ""
    if limits.peak_flops_per_s and limits.peak_bytes_per_s:
        share = max(part.flops_per_s / limits.peak_flops_per_s, part.bytes_per_s / limits.peak_bytes_per_s)
        if share < _NEAR:
            return "overhead"
    return "memory" if part.intensity < limits.ridge else "compute"


def remarks(profile: Profile, breakdown: Breakdown) -> Iterator[str]:
    """What the parts are of, and what the profiler itself took."""
    passes = plural(breakdown.passes, "pass", "passes")
    pass_time, total = units.seconds(breakdown.whole_s), units.seconds(breakdown.sum_s)
    yield (
        f"means of the {breakdown.passes_used} fastest of {passes} of eager PyTorch on "
        f"{breakdown.device} under torch's profiler, in turn with as many without it, which take {pass_time}; "
        f"the parts sum to {total}"
    )
    if breakdown.profiler_s:
        share = breakdown.profiler_s / breakdown.whole_s
        yield (
            f"the profiler made a pass {units.seconds(breakdown.profiler_s)} ({share:.1%}) longer, "
            f"{units.seconds(breakdown.noting_s)} for each of {plural(breakdown.events, 'event')}: "
            "that is taken out of the parts"
            + (", so the times of short operations are imprecise" if share > CLOSE else "")
        )
    distance = breakdown.sum_s / breakdown.whole_s - 1
    if abs(distance) > CLOSE:
        yield f"the sum is {distance:+.1%} from the whole, so the machine did something else meanwhile: measure again"
    if _limits(profile, breakdown) is None:
        option = "" if breakdown.device == "cpu" else f" --device {breakdown.device}"
        reason = f" ({profile.prediction_absent})" if profile.prediction_absent else ""
        yield (
            f"`archprof calibrate{option}` measures this computer; then this says whether memory or arithmetic limits"
            + reason
        )
