"""The paired experiment: several models, called in random order in blocks, so that all meet the same machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from archprof.latency.sampler import Plan, Sampled, Watch, silent, warm_up
from archprof.latency.statistics import MARGIN, allowance, block_ratios, decide, paired
from archprof.records.latency import CANNOT_TELL, INTERRUPTED, PRECISION, Ratio, saved
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.latency.clock import Clock

ERROR = 0.005
"""How often a verdict may be wrong, all looks and all comparisons of an experiment taken together. Half of it is kept
for the last look, when the time is up: it has most to tell; the looks before share the other half."""

BLOCK_S = 0.03
"""About how long a block lasts, unless one call of each takes longer: short beside what changes on a machine, because
only calls that lie close together meet the same machine."""

MIN_BLOCKS = 20
"""Blocks before the first look, and before any verdict. Half as many would do for an interval of this confidence, but
they can all lie within one moment of a machine that was busy, or whose clock was still rising."""

LOOK_GROWTH = 1.25
"""Blocks at a look, over those at the look before."""


@dataclass(slots=True)
class Experiment:
    """What a paired experiment gave: one entry a model, and of each after the first how it stands to the first.

    Attributes:
        sampled: The samples of each model, in the order in which they were taken.
        per_block: Samples of each model in a block.
        looks: How often the running experiment was looked at.
        ratios: Each other model beside the first; None where there was not a single block.
    """

    sampled: list[Sampled]
    per_block: int = 1
    looks: int = 0
    ratios: list[Ratio | None] = field(default_factory=list)

    @property
    def blocks(self) -> int:
        """How many blocks there were."""
        return min(len(sampled.samples) for sampled in self.sampled) // self.per_block


def experiment(
    calls: Sequence[Callable[[], Any]],
    clock: Clock,
    plan: Plan,
    *,
    seed: int = 0,
    margin: float = MARGIN,
    watch: Watch = silent,
) -> Experiment:
    """Sample models against each other until each comparison has a verdict, or needs none, or the time is up.

    A comparison needs none once its interval lies within the margin. The intervals of all looks hold together with the
    confidence that is stated (:func:`archprof.latency.statistics.allowance`), so what holds is their intersection, and
    one may stop at any look.

    Args:
        calls: One a model; the first is the base of all comparisons.
        clock: What to time them with.
        plan: How long; its precision is not asked for here.
        seed: Of the order in the blocks.
        margin: The relative difference that no verdict is given for.
        watch: Is told how far it is.
    """
    run = Experiment([Sampled() for _ in calls], ratios=[None for _ in calls[1:]])
    try:
        run.sampled = [warm_up(call, clock, plan, watch) for call in calls]
        start = clock.now()
        once = sum(sampled.fastest * sampled.calls for sampled in run.sampled)  # slower calls were disturbed
        run.per_block = max(1, int(BLOCK_S / max(once, 1e-9)))
        random, next_look = Random(seed), MIN_BLOCKS
        while True:
            _block(run, calls, clock, random)
            elapsed = clock.now() - start
            for sampled in run.sampled:
                sampled.duration = elapsed
            watch("sampling", elapsed / plan.max_time)
            if elapsed >= plan.max_time:
                break
            if run.blocks >= next_look and elapsed >= plan.min_time:
                next_look = math.ceil(run.blocks * LOOK_GROWTH)
                _look(run, margin, allowance(ERROR / 2, run.looks + 1))
                if all(map(_settled, run.ratios)):
                    for sampled in run.sampled:
                        sampled.stopped = PRECISION
                    return run
    except KeyboardInterrupt:
        for sampled in run.sampled:
            sampled.stopped = INTERRUPTED
    _look(run, margin, ERROR / 2)
    return run


def _block(run: Experiment, calls: Sequence[Callable[[], Any]], clock: Clock, random: Random) -> None:
    order = list(range(len(calls))) * run.per_block
    random.shuffle(order)
    for index in order:
        sampled = run.sampled[index]
        sampled.samples.append(clock.time(calls[index], sampled.calls))


def _look(run: Experiment, margin: float, error: float) -> None:
    """Work out every comparison anew from all blocks, and narrow its interval to what all looks allow.

    Args:
        run: The experiment so far.
        margin: The relative difference that no verdict is given for.
        error: How often this look's intervals may miss, all taken together.
    """
    if not run.blocks:
        return
    run.looks += 1
    confidence = 1 - error / max(1, len(run.ratios))
    base = run.sampled[0].samples
    for index, model in enumerate(run.sampled[1:]):
        ratio = paired(block_ratios(base, model.samples, run.per_block), confidence, margin)
        ratio = _narrowed(run.ratios[index], ratio)
        run.ratios[index] = ratio if run.blocks >= MIN_BLOCKS else replace(ratio, verdict=CANNOT_TELL)


def _narrowed(before: Ratio | None, after: Ratio) -> Ratio:
    low, high = after.bounds
    if before and (narrow := (max(low, before.bounds[0]), min(high, before.bounds[1])))[0] <= narrow[1]:
        low, high = narrow
    return Ratio(
        ratio=min(max(after.ratio, low), high),
        interval=saved((low, high)),
        confidence=1 - ERROR,
        margin=after.margin,
        verdict=decide((low, high), after.margin),
    )


def remarks(run: Experiment, index: int) -> list[str]:
    """What a reader should know of how a model compares with the first: few blocks, or medians that differ from it.

    Args:
        run: The experiment.
        index: The model, from 1.
    """
    ratio = run.ratios[index - 1]
    if ratio is None:
        return []
    if run.blocks < MIN_BLOCKS:
        seconds = math.ceil(run.sampled[index].duration * MIN_BLOCKS / run.blocks)
        blocks = f"{plural(run.blocks, 'block')} {'is' if run.blocks == 1 else 'are'}"
        return [f"{blocks} too few for a verdict, which takes {MIN_BLOCKS}: --max-time {seconds}"]
    base, own = (median(run.sampled[which].samples) for which in (0, index))
    low, high = ratio.bounds
    if low <= own / base <= high or abs(own / base - ratio.ratio) <= ratio.margin * ratio.ratio:
        return []
    return [
        f"the ratio of the medians is ×{own / base:.3f}: they hold every disturbance of the whole run, while the "
        f"verdict goes by the fastest calls of each block, ×{ratio.ratio:.3f}"
    ]


def _settled(ratio: Ratio | None) -> bool:
    """Whether more blocks could change nothing: there is a verdict, or the whole interval is within the margin."""
    if ratio is None:
        return False
    low, high = ratio.bounds
    return ratio.verdict != CANNOT_TELL or (low >= 1 / (1 + ratio.margin) and high <= 1 + ratio.margin)
