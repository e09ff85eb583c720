from __future__ import annotations

from itertools import chain, cycle, repeat
from typing import Any

import pytest

from archprof.latency.sampler import Plan, sample, warm_up
from archprof.records.latency import INTERRUPTED, PRECISION, TIME

# Binary fractions add up exactly.
TICK = 1 / 64


def test_warm_up_lasts_until_the_median_stands_still(clock: Any, model: Any) -> None:
    # 1, 1/2, 1/4, 1/8 s, then 1/64 s for ever. Two windows of five agree when the older one's median is 1/64 too. The
    # first such window is calls 3 to 7 (1/4, 1/8 and three of 1/64); the newer one then ends with call 12.
    call = model(chain([1, 1 / 2, 1 / 4, 1 / 8], repeat(TICK)))

    result = warm_up(call, clock, Plan(max_time=100))

    assert (result.warmup, result.warmed_up, result.calls) == (12, True, 1)
    assert result.samples == []


def test_warm_up_takes_as_long_as_processors_need_to_speed_up(clock: Any, model: Any) -> None:
    call = model(repeat(TICK))

    result = warm_up(call, clock, Plan(max_time=100))

    assert result.warmup == 13  # 12/64 s = 0.1875 s is less than 0.2 s, 13/64 s = 0.203 s is not


def test_warm_up_gives_up_after_half_of_the_time(clock: Any, model: Any) -> None:
    call = model(1 / 2**place for place in range(60))  # each call takes half of the one before

    # 1 + 1/2 s is not less than half of 3 s.
    result = warm_up(call, clock, Plan(max_time=3))

    assert (result.warmup, result.warmed_up) == (2, False)


def test_what_is_too_short_for_the_clock_is_called_several_times(clock: Any, model: Any) -> None:
    clock.least_s = 1
    result = warm_up(model(repeat(3 * TICK)), clock, Plan(max_time=100))

    assert result.calls == 22  # 64/3 = 21.3 calls take a second

    result = sample(model(repeat(3 * TICK)), clock, Plan(min_time=0, max_time=1000))
    assert result.calls == 22
    assert result.samples == [3 * TICK] * 6  # and the sample is one call's share


def test_sampling_ends_when_the_interval_is_narrow_enough(clock: Any, model: Any) -> None:
    result = sample(model(repeat(TICK)), clock, Plan(min_time=0, max_time=1000))

    assert result.stopped == PRECISION
    assert len(result.samples) == 6  # fewer have no interval
    assert result.duration == 6 * TICK


def test_sampling_takes_at_least_the_time_that_was_asked_for(clock: Any, model: Any) -> None:
    result = sample(model(repeat(TICK)), clock, Plan(min_time=1, max_time=1000))

    assert result.stopped == PRECISION
    assert len(result.samples) == 64
    assert result.duration == 1


def test_sampling_ends_when_the_time_is_up(clock: Any, model: Any) -> None:
    # Alternately 1/64 and 2/64 s: half the samples are one, half the other, so the interval is never narrow.
    result = sample(model(cycle([TICK, 2 * TICK])), clock, Plan(min_time=0, max_time=3, precision=0.01))

    assert result.stopped == TIME
    assert len(result.samples) == 128  # 64 pairs of 3/64 s
    assert result.duration == 3
    assert sorted(set(result.samples)) == [TICK, 2 * TICK]


def test_a_single_slow_call_is_a_sample(clock: Any, model: Any) -> None:
    result = sample(model(repeat(60)), clock, Plan(max_time=10))

    assert (result.warmup, result.samples, result.stopped) == (1, [60], TIME)


@pytest.mark.parametrize("after", [0, 5, 20])
def test_ctrl_c_keeps_what_was_measured(clock: Any, model: Any, after: int) -> None:
    result = sample(model(repeat(TICK), interrupt_after=after), clock, Plan(min_time=10, max_time=1000))

    assert result.stopped == INTERRUPTED
    assert len(result.samples) == max(0, after - 13)  # warm-up is 13 calls, as above


def test_somebody_who_watches_is_told_how_far_it_is(clock: Any, model: Any) -> None:
    told: list[tuple[str, float]] = []
    sample(model(repeat(TICK)), clock, Plan(min_time=1, max_time=2), lambda *what: told.append(what))

    assert [share for phase, share in told if phase == "sampling"] == [place * TICK / 2 for place in range(1, 65)]
    assert {phase for phase, _ in told} == {"warming up", "sampling"}
