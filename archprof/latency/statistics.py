"""The statistics of latency: pure functions of samples, each with its source.

Times of one program on one machine are not normally distributed: they have a floor, a long right tail, and neighbours
that resemble each other. So everything here goes by ranks: medians, order statistics, signed ranks.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from archprof.records.latency import CANNOT_TELL, FASTER, SLOWER, Ratio, saved

if TYPE_CHECKING:
    from collections.abc import Sequence

Interval = tuple[float, float]

MARGIN = 0.02
"""The relative difference that no verdict is given for: where in memory the data of two copies of one model happen to
lie alone makes about half of that (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong!",
ASPLOS 2009)."""

FENCE = 3.0
"""Interquartile ranges from the quartiles to Tukey's outer fences (Tukey, "Exploratory data analysis", 1977, 2D)."""


def quantile(samples: Sequence[float], share: float) -> float:
    """The value below which a share of the samples lies, interpolated (Hyndman and Fan 1996, definition 7).

    Raises:
        ValueError: Where there are no samples.
    """
    ordered = sorted(samples)
    if not ordered:
        raise ValueError("no samples")
    rank = share * (len(ordered) - 1)
    below = math.floor(rank)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (rank - below) * (ordered[above] - ordered[below])


def deviation(samples: Sequence[float]) -> float:
    """The median of the absolute distances from the median (MAD), not scaled to a standard deviation."""
    middle = median(samples)
    return median(abs(sample - middle) for sample in samples)


def count_outliers(samples: Sequence[float], fence: float = FENCE) -> int:
    """How many samples lie more than ``fence`` interquartile ranges outside the quartiles."""
    low, high = quantile(samples, 0.25), quantile(samples, 0.75)
    reach = fence * (high - low)
    return sum(not low - reach <= sample <= high + reach for sample in samples)


def correlation(samples: Sequence[float]) -> float:
    """How much neighbouring samples resemble each other: the lag-1 correlation of "above the median", 0 if negative.

    The variance of a median depends on that of the signs alone, so a single huge sample changes nothing.
    """
    middle = median(samples)
    signs = [(sample > middle) - (sample < middle) for sample in samples]
    power = sum(map(abs, signs))
    return max(0.0, sum(sign * following for sign, following in pairwise(signs)) / power) if power else 0.0


def independent(samples: Sequence[float]) -> int:
    """How many independent samples say as much: n (1 - r) / (1 + r), r being the lag-1 correlation.

    Bayley and Hammersley, "The 'effective' number of independent observations in an autocorrelated time series",
    Supplement to JRSS 8 (1946), for a process of the first order.
    """
    related = correlation(samples)
    return max(1, round(len(samples) * (1 - related) / (1 + related)))


def median_interval(samples: Sequence[float], confidence: float = 0.95) -> Interval:
    """The bootstrap percentile interval of the median, without drawing anything.

    The median of m draws from n samples is at most the k-th smallest where at least half of the draws are, which has a
    binomial probability (Efron, "Bootstrap methods", Annals of Statistics 7, 1979, section 3). So the interval is what
    infinitely many resamples would give, and the same samples always give the same one. m is how many of the samples
    are :func:`independent`, which is n where neighbours are not alike. For an even m the ends are those of the lower
    and of the upper median, which is never narrower.

    Raises:
        ValueError: Where there are no samples.
    """
    from scipy.special import betaincinv

    ordered = sorted(samples)
    if not ordered:
        raise ValueError("no samples")
    draws, tail = independent(samples), (1 - confidence) / 2
    lower, upper = (draws + 1) // 2, draws // 2 + 1  # which of the draws, in order, are the two medians
    low = betaincinv(lower, draws - lower + 1, tail)
    high = betaincinv(upper, draws - upper + 1, 1 - tail)
    return ordered[_rank(low, len(ordered))], ordered[_rank(high, len(ordered))]


def _rank(share: float, count: int) -> int:
    """The place, from 0, of the smallest sample that a share of all is not above."""
    return min(max(math.ceil(float(share) * count) - 1, 0), count - 1)


def precision(samples: Sequence[float]) -> float:
    """Half the width of the median's 95 % interval, over the median."""
    low, high = median_interval(samples)
    middle = median(samples)
    return (high - low) / 2 / middle if middle else math.inf


def settled(samples: Sequence[float], window: int = 5, tolerance: float = 0.02) -> bool:
    """Whether warm-up is over: the median of the last ``window`` samples is that of the ``window`` before.

    Two medians are the same where they differ by at most ``tolerance``, or by no more than the samples of the quieter
    window scatter: on a busy machine they never stand still.
    """
    if len(samples) < 2 * window:
        return False
    before, after = samples[-2 * window : -window], samples[-window:]
    scatter = min(deviation(before), deviation(after))
    return abs(median(after) - median(before)) <= max(tolerance * median(before), scatter)


def block_ratios(base: Sequence[float], model: Sequence[float], per_block: int) -> list[float]:
    """The logarithm of model over base in each block of a paired experiment, of the fastest sample of each.

    What else a machine does only ever adds to a time, so of calls that lie close together the fastest is the one that
    was disturbed least (Chen and Revels, "Robust benchmarking in noisy environments", 2016).

    Args:
        base: The base's samples in the order in which they were taken, ``per_block`` in a block.
        model: The model's, likewise.
        per_block: Samples of each in a block.
    """
    length = min(len(base), len(model)) // per_block * per_block
    starts = range(0, length, per_block)
    return [math.log(min(model[start : start + per_block]) / min(base[start : start + per_block])) for start in starts]


def signed_rank_interval(values: Sequence[float], confidence: float) -> tuple[float, Interval]:
    """The Hodges-Lehmann estimate of the centre of a symmetric distribution, and its distribution-free interval.

    The estimate is the median of the averages of all pairs (Walsh averages); the interval runs from the (q+1)-th
    smallest to the (q+1)-th largest, q being a quantile of Wilcoxon's signed-rank statistic (Hollander, Wolfe and
    Chicken, "Nonparametric statistical methods", 3rd edition, 3.3 and 3.4; its normal approximation, with the
    correction for continuity, rounded outwards).

    Returns:
        The estimate and the interval; minus to plus infinity where there are too few values for that confidence.

    Raises:
        ValueError: Where there are no values.
    """
    import numpy as np
    from scipy.special import ndtri

    count = len(values)
    if not count:
        raise ValueError("no values")
    array = np.asarray(values, dtype=float)
    rows, columns = np.triu_indices(count)
    averages = np.sort((array[rows] + array[columns]) / 2)
    estimate = float(np.median(averages))
    if (1 - confidence) / 2 < 2.0**-count:  # not even all signs alike would be as improbable
        return estimate, (-math.inf, math.inf)
    spread = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    rank = math.floor(len(averages) / 2 - 0.5 + float(ndtri((1 - confidence) / 2)) * spread)
    rank = min(max(rank, 0), (len(averages) - 1) // 2)
    return estimate, (float(averages[rank]), float(averages[len(averages) - 1 - rank]))


def paired(ratios: Sequence[float], confidence: float, margin: float = MARGIN) -> Ratio:
    """What the blocks of a paired experiment say.

    Where the order in each block is drawn afresh, two models that take the same time give each block's log-ratio either
    sign with the same probability, whatever else the machine does and however long that lasts: the randomisation makes
    the signed ranks' distribution exact (Fisher, "The design of experiments", 1935, section 21), not an assumption
    about noise.

    Args:
        ratios: What :func:`block_ratios` gives.
        confidence: Of the interval.
        margin: The relative difference that no verdict is given for.
    """
    estimate, interval = signed_rank_interval(ratios, confidence)
    low, high = (math.exp(end) for end in interval)
    return Ratio(
        ratio=math.exp(estimate),
        interval=saved((low, high)),
        confidence=confidence,
        margin=margin,
        verdict=decide((low, high), margin),
    )


def decide(interval: Interval, margin: float = MARGIN) -> str:
    """The verdict on an interval of a ratio: it must lie beyond the margin as a whole, on one side.

    Args:
        interval: Of how many times as long the model takes as its base.
        margin: The relative difference that no verdict is given for.
    """
    low, high = interval
    if low > 1 + margin:
        return SLOWER
    return FASTER if high < 1 / (1 + margin) else CANNOT_TELL


def allowance(error: float, look: int) -> float:
    """The error that the k-th look at the data of a running experiment may make, k from 1.

    Who looks often and stops when it suits is wrong more often than each look says (Armitage, McPherson and Rowe,
    "Repeated significance tests on accumulating data", JRSS A 132, 1969). These shares, 6 / (pi k)^2, add up to
    ``error`` however many looks there are, so by the union bound no stopping rule can be wrong more often.
    """
    return error * 6 / (math.pi * look) ** 2
