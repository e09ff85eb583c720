"""Samples of one model's latency: warm-up until it is stable, then until the median is known well enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from archprof.latency.statistics import precision, settled
from archprof.records.latency import INTERRUPTED, PRECISION, TIME

if TYPE_CHECKING:
    from archprof.latency.clock import Clock

Watch = Callable[[str, float], None]
"""Is told what is being done, and the share of the time for it that is over."""

FEWEST = 6
"""With fewer samples no interval of 95 % exists: all of five lie on one side of the median with 2 / 2^5 = 6 %."""

WARM_S = 0.2
"""Warm-up takes at least this long: processors raise their clocks within it."""

GROWTH = 1.1
"""The interval is worked out anew when there are so many times as many samples: often enough, and cheap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to sample.

    Attributes:
        min_time: Seconds of sampling at least.
        max_time: Seconds of sampling at most; warm-up may take half as long again.
        precision: Half the width of the median's 95 % interval, over the median, that is enough.
    """

    min_time: float = 1.0
    max_time: float = 10.0
    precision: float = 0.01


def longest_of(models: int) -> float:
    """Seconds of sampling at most, unless somebody says otherwise: of one model, or of several against each other."""
    return 10.0 if models == 1 else 60.0


@dataclass(slots=True)
class Sampled:
    """What sampling gave, in the order in which it was taken; ``fastest`` is the shortest call of the warm-up."""

    samples: list[float] = field(default_factory=list)
    calls: int = 1
    warmup: int = 0
    warmed_up: bool = False
    fastest: float = 0.0
    stopped: str = TIME
    duration: float = 0.0


def silent(phase: str, share: float) -> None:
    """Tell nobody."""


def warm_up(call: Callable[[], Any], clock: Clock, plan: Plan, watch: Watch = silent) -> Sampled:
    """Call until two windows of samples in a row have the same median, for at most half of the plan's longest time.

    Returns:
        No samples yet; how many calls make one from now on, and whether it became stable.
    """
    start, limit, times = clock.now(), plan.max_time / 2, [clock.time(call)]
    stable = False
    while (elapsed := clock.now() - start) < limit and not (stable and elapsed >= min(WARM_S, limit)):
        times.append(clock.time(call))
        stable = settled(times)
        watch("warming up", elapsed / limit)
    calls = max(1, math.ceil(clock.least_s / max(median(times[-10:]), 1e-9)))
    return Sampled(calls=calls, warmup=len(times), warmed_up=stable, fastest=min(times))


def sample(call: Callable[[], Any], clock: Clock, plan: Plan, watch: Watch = silent) -> Sampled:
    """Warm up, then sample until the interval is as narrow as the plan wants it, or the time is up.

    A KeyboardInterrupt ends it and keeps what there is.
    """
    result = Sampled()
    try:
        result = warm_up(call, clock, plan, watch)
        start, next_look = clock.now(), FEWEST
        while True:
            result.samples.append(clock.time(call, result.calls))
            result.duration = clock.now() - start
            watch("sampling", result.duration / plan.max_time)
            if result.duration >= plan.max_time:
                return result
            if len(result.samples) >= next_look and result.duration >= plan.min_time:
                if precision(result.samples) <= plan.precision:
                    result.stopped = PRECISION
                    return result
                next_look = math.ceil(len(result.samples) * GROWTH)
    except KeyboardInterrupt:
        result.stopped = INTERRUPTED
    return result
