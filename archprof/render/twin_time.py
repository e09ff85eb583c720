"""How long a model and its static twin take: predicted, measured, and one beside the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import units
from archprof.records.latency import CANNOT_TELL
from archprof.render import header, latency

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archprof.records.parameternet import TwinLatency
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Profile
    from archprof.render.table import Record


ROUNDING_S = 1e-9
"""Below this a difference of two times is that of their rounding."""


def records(profile: Profile, twin: Profile | None) -> Iterator[Record]:
    """Lines of the whole model's table.

    Args:
        profile: The model's.
        twin: Its static twin's, where this computer was calibrated.
    """
    if predicted := _predicted(profile, twin):
        mine, theirs = (units.seconds(one.seconds) for one in predicted)
        yield ("time, predicted", mine, theirs, None, None, None, _ratio(predicted))
    if measured := _measured(profile):
        times = (measured.dynamic.median_s, measured.static.median_s)
        ratio = measured.comparison.result.ratio if measured.comparison else None
        yield ("time, measured", *(time and units.seconds(time) for time in times), None, None, None, ratio)


def sentences(profile: Profile, twin: Profile | None) -> Iterator[str]:
    """What a reader should know of these, and of what they come from.

    Args:
        profile: The model's.
        twin: Its static twin's, where this computer was calibrated.
    """
    predicted, measured = _predicted(profile, twin), _measured(profile)
    if predicted:
        yield _split(*predicted)
    if measured:
        yield from _told(measured, predicted)
    if not predicted and not measured:
        yield "what that comes to on this computer: --latency measures it, and after archprof calibrate it is predicted"


def _predicted(profile: Profile, twin: Profile | None) -> tuple[Prediction, Prediction] | None:
    mine, theirs = profile.predicted, twin.predicted if twin else None
    return (mine, theirs) if mine and theirs else None


def _measured(profile: Profile) -> TwinLatency | None:
    return profile.parameternet.model.latency if profile.parameternet else None


def _ratio(predicted: tuple[Prediction, Prediction]) -> float:
    mine, theirs = predicted
    return mine.seconds / theirs.seconds


def _split(mine: Prediction, theirs: Prediction) -> str:
    """What the model should take more, by what it is spent on."""
    waiting = "waiting for the processor" if mine.device.queued else "calling operations"
    parts = {
        "moving data": mine.moving_s + mine.fresh_memory_s - theirs.moving_s - theirs.fresh_memory_s,
        "computing": mine.computing_s - theirs.computing_s,
        waiting: mine.overhead_s - theirs.overhead_s,
    }
    parts = {name: one for name, one in parts.items() if abs(one) > ROUNDING_S}
    more = ", ".join(f"{'+' if one > 0 else ''}{units.seconds(one)} {name}" for name, one in parts.items())
    where = f"{mine.device.device}{_threads(mine.threads)}, calibrated {mine.calibrated_at[:10]}"
    both = f"{units.seconds(mine.seconds)}, its static twin {units.seconds(theirs.seconds)}"
    return f"on this computer ({where}) it should take {both}: {more or 'no difference'}"


def _told(measured: TwinLatency, predicted: tuple[Prediction, Prediction] | None) -> Iterator[str]:
    """The verdict with its evidence, and what might make one doubt it."""
    mine, found = measured.dynamic, measured.comparison
    where = header.place(mine) + _threads(mine.threads)
    if found:
        verdict = found.result.verdict
        what = "it cannot be told from" if verdict == CANNOT_TELL else f"it is {verdict} than"
        beside = predicted and header.alike(mine, predicted[0])
        foretold = f"; {units.factor(_ratio(predicted))} was predicted" if predicted and beside else ""
        yield f"measured ({where}) {what} its static twin: {latency.evidence(found)}{foretold}"
    if loads := [one.load for one in (mine, measured.static) if one.load]:
        yield f"meanwhile: {latency.load(loads)}"
    for name, one in (("the model", mine), ("its static twin", measured.static)):
        if one.error:
            yield f"{name} was not measured ({where}): {one.error}"
        for note in one.notes:
            yield f"{name}: {note}"


def _threads(count: int | None) -> str:
    return f", threads: {count}" if count else ""
