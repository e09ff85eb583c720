from __future__ import annotations

import random
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest

from archprof.latency.paired import ERROR, MIN_BLOCKS, experiment, remarks
from archprof.latency.sampler import Plan
from archprof.latency.statistics import block_ratios, paired
from archprof.records.latency import CANNOT_TELL, FASTER, INTERRUPTED, PRECISION, SLOWER, TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK = 1 / 64
FACTORS = [(1.0, 1), (1.05, 2)]  # and what their noise is drawn with


def noisy(seconds: float, seed: int, wobble: float) -> Iterator[float]:
    """Times around a value, each up to a share above or below it."""
    numbers = random.Random(seed)
    while True:
        yield seconds * (1 + numbers.uniform(-wobble, wobble))


def test_blocks_hold_each_model_as_often_and_in_random_order(clock: Any, model: Any) -> None:
    def order(seed: int) -> list[str]:
        """Which model was called, from the first block on."""
        calls = {"a": model(repeat(TICK / 4)), "b": model(repeat(TICK / 4))}
        run = experiment(list(calls.values()), clock, Plan(min_time=4, max_time=4), seed=seed)
        assert run.per_block == 3  # a pair takes 2/256 s, so 0.03 s hold 3.84 of them
        assert run.blocks == 171  # a block takes 6/256 s, and 170.7 of them four seconds
        began = sorted((moment, name) for name, call in calls.items() for moment in call.began)
        names = [name for _, name in began][-6 * run.blocks :]
        return ["".join(names[start : start + 6]) for start in range(0, len(names), 6)]

    blocks = order(seed=3)
    assert {block.count("a") for block in blocks} == {3}
    assert len(set(blocks)) > 10  # of the 20 orders of three and three
    assert order(seed=3) == blocks
    assert order(seed=4) != blocks


def test_a_slower_model_is_told_as_soon_as_enough_blocks_say_so(clock: Any, model: Any) -> None:
    calls = [model(repeat(TICK)), model(repeat(1.5 * TICK))]

    run = experiment(calls, clock, Plan(min_time=0, max_time=1000))

    assert run.blocks == 20  # the first look
    assert [one.stopped for one in run.sampled] == [PRECISION, PRECISION]
    (ratio,) = run.ratios
    assert ratio is not None
    assert ratio.ratio == pytest.approx(1.5)
    assert ratio.verdict == SLOWER
    assert ratio.confidence == 1 - ERROR
    swapped = experiment(calls[::-1], clock, Plan(min_time=0, max_time=1000))
    assert swapped.ratios[0] is not None
    assert swapped.ratios[0].verdict == FASTER


def test_models_that_take_the_same_need_no_verdict(clock: Any, model: Any) -> None:
    run = experiment([model(repeat(TICK)), model(repeat(TICK))], clock, Plan(min_time=0, max_time=1000))

    assert run.blocks == 20
    assert run.sampled[0].stopped == PRECISION
    assert run.ratios[0] is not None
    assert (run.ratios[0].interval, run.ratios[0].verdict) == ((1, 1), CANNOT_TELL)


def test_when_the_time_is_up_it_says_what_it_knows(clock: Any, model: Any) -> None:
    calls = [model(noisy(TICK, 1, 0.5)), model(noisy(TICK, 2, 0.5))]

    run = experiment(calls, clock, Plan(min_time=0, max_time=5))

    assert [one.stopped for one in run.sampled] == [TIME, TIME]
    assert run.ratios[0] is not None
    assert run.ratios[0].verdict == CANNOT_TELL
    low, high = run.ratios[0].interval
    # What holds is the intersection of the looks: never wider than the last look alone.
    last = paired(block_ratios(run.sampled[0].samples, run.sampled[1].samples, run.per_block), 1 - ERROR / 2)
    assert last.interval[0] <= low < 1 < high <= last.interval[1]


def test_a_difference_is_found_in_a_machine_that_swings(clock: Any, model: Any) -> None:
    """Both models meet the same slow and fast times; the ratio is 1.05 at any moment."""

    def busy(times: Iterator[float]) -> Iterator[float]:
        """Three times as long in every other quarter of a second."""
        return (one * (3 if clock.passed % 0.5 < 0.25 else 1) for one in times)

    calls = [model(busy(noisy(factor * TICK / 4, seed, 0.1))) for factor, seed in FACTORS]
    run = experiment(calls, clock, Plan(min_time=0, max_time=60))

    assert run.ratios[0] is not None
    assert run.ratios[0].verdict == SLOWER
    assert run.ratios[0].interval[0] < 1.05 < run.ratios[0].interval[1]


def test_each_of_several_models_is_compared_with_the_first(clock: Any, model: Any) -> None:
    calls = [model(repeat(seconds * TICK)) for seconds in (2, 1, 2, 4)]

    run = experiment(calls, clock, Plan(min_time=0, max_time=1000))

    assert [ratio and ratio.verdict for ratio in run.ratios] == [FASTER, CANNOT_TELL, SLOWER]
    assert [ratio and ratio.ratio for ratio in run.ratios] == pytest.approx([0.5, 1, 2])


@pytest.mark.parametrize(("after", "verdict"), [(5, None), (2000, CANNOT_TELL)])
def test_ctrl_c_keeps_what_was_measured(clock: Any, model: Any, after: int, verdict: str | None) -> None:
    calls = [
        model(noisy(TICK, 1, 0.3)),
        model(noisy(TICK, 2, 0.3), interrupt_after=after),
    ]

    run = experiment(calls, clock, Plan(min_time=1000, max_time=2000))

    assert [one.stopped for one in run.sampled] == [INTERRUPTED, INTERRUPTED]
    assert (run.ratios[0] and run.ratios[0].verdict) == verdict
    assert (run.blocks == 0) == (verdict is None)


def test_few_blocks_have_no_verdict_and_say_how_long_it_takes(clock: Any, model: Any) -> None:
    # A block is one call of each, 1 and 3 seconds; 11 of them are 44 s. As many signs that are all the same would do
    # for the interval: 2 · 2^-11 < 0.25 %.
    run = experiment([model(repeat(1.0)), model(repeat(3.0))], clock, Plan(min_time=0, max_time=44))

    assert run.blocks == 11 < MIN_BLOCKS
    (ratio,) = run.ratios
    assert ratio is not None
    assert ratio.bounds == (pytest.approx(3), pytest.approx(3))
    assert ratio.verdict == CANNOT_TELL
    # 20 blocks are 80 s.
    assert remarks(run, 1) == ["11 blocks are too few for a verdict, which takes 20: --max-time 80"]


def test_medians_that_differ_from_the_verdict_are_explained(clock: Any, model: Any) -> None:
    # Two of three calls of the second are disturbed, and take twice as long; the fastest of a block never is.
    def disturbed() -> Iterator[float]:
        while True:
            yield from (TICK / 8, TICK / 4, TICK / 4)

    run = experiment([model(repeat(TICK / 8)), model(disturbed())], clock, Plan(min_time=0, max_time=1000))

    (ratio,) = run.ratios
    assert ratio is not None
    assert ratio.ratio == pytest.approx(1)
    (note,) = remarks(run, 1)
    assert note.startswith("the ratio of the medians is ×2.000: ")


def test_medians_that_agree_need_no_explanation(clock: Any, model: Any) -> None:
    run = experiment([model(repeat(TICK)), model(repeat(1.5 * TICK))], clock, Plan(min_time=0, max_time=1000))
    assert remarks(run, 1) == []
