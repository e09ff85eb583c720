from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from archprof.latency import statistics
from archprof.records.latency import CANNOT_TELL, FASTER, SLOWER, Ratio

times = st.floats(min_value=1e-6, max_value=1e3)


def test_quantiles_are_interpolated_between_the_neighbours() -> None:
    # Five samples: the share s lies at the place 4 s, counted from 0. 0.9 -> 3.6: 40 + 0.6 * (50 - 40) = 46.
    samples = [30.0, 10.0, 50.0, 20.0, 40.0]
    assert statistics.quantile(samples, 0) == 10
    assert statistics.quantile(samples, 0.5) == 30
    assert statistics.quantile(samples, 0.9) == pytest.approx(46)
    assert statistics.quantile(samples, 1) == 50


@given(st.lists(times, min_size=1), st.floats(0, 1))
def test_quantiles_are_those_of_numpy(samples: list[float], share: float) -> None:
    assert statistics.quantile(samples, share) == pytest.approx(float(np.quantile(samples, share)), rel=1e-12)


def test_the_deviation_is_the_median_distance_from_the_median() -> None:
    # The median of 1, 2, 4, 8, 100 is 4; the distances are 3, 2, 0, 4, 96, their median 3.
    assert statistics.deviation([1, 2, 4, 8, 100]) == 3


def test_outliers_lie_beyond_three_interquartile_ranges() -> None:
    # Quartiles of 10, 11, 12, 13, 14 with one more sample x at the end: places 1.25 and 3.75, 11.25 and 13.75. Their
    # range is 2.5, so the upper fence is 13.75 + 7.5 = 21.25.
    assert statistics.count_outliers([10, 11, 12, 13, 14, 21.2]) == 0
    assert statistics.count_outliers([10, 11, 12, 13, 14, 21.3]) == 1
    assert statistics.count_outliers([10, 11, 12, 13, 14, 21.3], fence=4) == 0
    assert statistics.count_outliers([5.0] * 9) == 0


def test_neighbours_that_resemble_each_other_count_for_less() -> None:
    # Around the median 2.5 the signs are - - + + - - + +; of seven products + - + ... four are +1 and three -1: 1/8.
    assert statistics.correlation([1, 2, 3, 4, 1, 2, 3, 4]) == pytest.approx(1 / 8)
    # Ten low and ten high: nineteen products, one of them -1, so 17/20; 20 * 0.15 / 1.85 = 1.62, which is 2.
    steps = [1.0] * 10 + [2.0] * 10
    assert statistics.correlation(steps) == pytest.approx(17 / 20)
    assert statistics.independent(steps) == 2
    # Samples that alternate are not worth more than independent ones.
    assert statistics.independent([1, 2] * 10) == 20
    assert statistics.independent([7.0] * 6) == 6


def test_the_interval_of_a_median_by_hand() -> None:
    # Three samples in an order whose neighbours differ: the median of three draws is at most the smallest where two or
    # three of them are it: 3 (1/3)^2 (2/3) + (1/3)^3 = 7/27 = 25.9 %, and by symmetry at least the largest with 7/27.
    # So the 51 % interval (tails of 24.5 %) is the whole range, and the 48 % interval (tails of 26 %) the median alone.
    assert statistics.median_interval([1, 3, 2], 0.51) == (1, 3)
    assert statistics.median_interval([1, 3, 2], 0.48) == (2, 2)


def test_the_interval_of_a_median_is_that_of_a_bootstrap_of_independent_samples() -> None:
    # Runs of four equal signs; the samples are 0 to 199, so an end is its own place in their order.
    low, high = list(range(100)), list(range(100, 200))
    samples = [float(one) for start in range(0, 100, 4) for half in (low, high) for one in half[start : start + 4]]
    independent = statistics.independent(samples)
    # 199 products, 49 of them -1: (150 - 49) / 200 = 0.505; 200 * 0.495 / 1.505 = 65.8.
    assert independent == 66
    drawn = np.median(np.random.default_rng(3).choice(samples, (50_000, independent)), axis=1)
    ends = statistics.median_interval(samples)
    # 66 is even: the median of draws lies between two of them, which are up to 200/66 = 3 places apart.
    assert ends[0] == pytest.approx(np.quantile(drawn, 0.025), abs=3)
    assert ends[1] == pytest.approx(np.quantile(drawn, 0.975), abs=3)


def test_the_interval_of_a_median_agrees_with_scipy() -> None:
    # Low and high in turn, so that no neighbours are alike; the samples are 0 to 100, so an end is its own place.
    samples = [float(one) for pair in zip(range(50), range(100, 50, -1), strict=True) for one in pair] + [50.0]
    assert statistics.independent(samples) == 101
    theirs = scipy.stats.bootstrap((samples,), np.median, n_resamples=20_000, method="percentile", rng=1)
    low, high = theirs.confidence_interval
    # 20,000 draws leave an end one place of play.
    ours = statistics.median_interval(samples)
    assert abs(ours[0] - low) <= 1
    assert abs(ours[1] - high) <= 1


@given(st.lists(times, min_size=1), st.floats(0.5, 0.999))
def test_an_interval_holds_the_median_and_grows_with_confidence(samples: list[float], confidence: float) -> None:
    low, high = statistics.median_interval(samples, confidence)
    wider = statistics.median_interval(samples, (1 + confidence) / 2)
    assert low <= statistics.quantile(samples, 0.5) <= high
    assert wider[0] <= low <= high <= wider[1]


def test_the_interval_covers_the_median_as_often_as_it_says() -> None:
    """Of 1,000 samples of 25 from a skewed distribution whose median is 1, at least 95 % less three standard errors."""
    generator = np.random.default_rng(0)
    held = 0
    for samples in generator.lognormal(0, 0.5, (1000, 25)):
        low, high = statistics.median_interval(samples.tolist())
        held += low <= 1 <= high
    assert held >= 950 - 3 * math.sqrt(1000 * 0.95 * 0.05)


def test_precision_is_half_the_width_over_the_median() -> None:
    # From the case above: the median is 2 and the 95 % interval 1 to 3.
    assert statistics.precision([1, 3, 2]) == pytest.approx(0.5)
    assert statistics.precision([4.0] * 10) == 0


def test_warm_up_ends_when_two_windows_agree() -> None:
    falling = [100.0, 50, 30, 20, 15, 12, 11, 10.5, 10.2, 10.1]
    assert not statistics.settled(falling)  # medians 30 and 10.5, 19.5 apart, scattering by 15 and 0.4
    assert statistics.settled([*falling, 10.4, 10.3, 10.4, 10.3, 10.4])  # 10.5 and 10.4, within 2 %
    assert not statistics.settled([10.0] * 9)  # two windows are not there yet
    assert statistics.settled([10.0] * 5 + [10.2] * 5)  # exactly 2 %
    assert not statistics.settled([10.0] * 5 + [10.21] * 5)
    assert statistics.settled([8.0, 9, 10, 11, 12, 9, 10, 11, 12, 13])  # 10 and 11, each scattering by 1


def test_blocks_give_the_log_ratio_of_their_fastest_samples() -> None:
    # Blocks of two: 1 and 3 beside 2 and 12, so ratios 2 and 4; what is left over is no block.
    ratios = statistics.block_ratios([1, 2, 4, 3, 9], [30, 2, 12, 14], 2)
    assert ratios == pytest.approx([math.log(2), math.log(4)])


# Hollander and Wolfe's example 3.1: the change of a depression factor in nine patients after a tranquilliser. R's
# `wilcox.test(y, x, paired = TRUE, conf.int = TRUE)` gives the pseudomedian -0.46 and the interval -0.786 to -0.010.
BEFORE = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
CHANGES = [after - before for before, after in zip(BEFORE, AFTER, strict=True)]


def test_the_signed_rank_interval_of_a_published_example() -> None:
    estimate, (low, high) = statistics.signed_rank_interval(CHANGES, 0.95)
    assert estimate == pytest.approx(-0.46)
    assert (low, high) == (pytest.approx(-0.786), pytest.approx(-0.010))


def test_too_few_blocks_say_nothing() -> None:
    # Nine values with the same sign have a probability of 2 / 2^9 = 0.39 % two-sided: 99 % can be reached,
    # 99.7 % cannot.
    assert statistics.signed_rank_interval(CHANGES, 0.997)[1] == (-math.inf, math.inf)
    assert statistics.signed_rank_interval(CHANGES, 0.99)[1] != (-math.inf, math.inf)
    one = statistics.paired([0.5], 0.99)
    assert (one.verdict, one.interval, one.bounds) == (CANNOT_TELL, (0, None), (0, math.inf))
    assert msgspec.json.decode(msgspec.json.encode(one), type=Ratio) == one  # JSON has no infinity


@given(st.lists(st.floats(-2, 2), min_size=20, max_size=60), st.floats(-1, 1))
def test_the_interval_is_what_wilcoxons_test_does_not_reject(values: list[float], shift: float) -> None:
    """A shift well outside is rejected by scipy's test at that level, and one well inside is not."""
    estimate, (low, high) = statistics.signed_rank_interval(values, 0.95)
    assert low <= estimate <= high
    step = 1e-6 + (high - low) / 5
    if len(set(values)) == len(values):  # ties have another distribution
        for centre, rejected in ((low - step, True), (high + step, True), (estimate, False)):
            p = scipy.stats.wilcoxon([value - centre for value in values], method="approx", correction=True).pvalue
            assert (p < 0.05) == rejected


def test_swapping_the_models_inverts_the_ratio() -> None:
    values = [0.04, 0.05, 0.06, 0.05, 0.07, 0.03, 0.05, 0.04, 0.06]
    there = statistics.paired(values, 0.99)
    back = statistics.paired([-value for value in values], 0.99)
    assert there.verdict == SLOWER
    assert back.verdict == FASTER
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.interval == (pytest.approx(1 / back.interval[1]), pytest.approx(1 / back.interval[0]))


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((1.02, 1.08), SLOWER),
        ((1.005, 1.08), CANNOT_TELL),  # it may be half a percent, which is within the margin
        ((0.995, 1.005), CANNOT_TELL),
        ((0.92, 0.98), FASTER),
        ((0.92, 0.995), CANNOT_TELL),
        ((0.0, math.inf), CANNOT_TELL),
    ],
)
def test_a_verdict_needs_the_whole_interval_beyond_the_margin(interval: tuple[float, float], verdict: str) -> None:
    assert statistics.decide(interval, margin=0.01) == verdict


def test_all_looks_together_spend_the_error() -> None:
    # The sum of 1/k^2 is pi^2/6 (Euler); its tail after N terms is less than 1/N.
    spent = sum(statistics.allowance(0.01, look) for look in range(1, 10_001))
    assert spent == pytest.approx(0.01, rel=1e-4)
    assert spent < 0.01


def test_a_model_beside_itself_is_rarely_told_apart_however_rough_the_machine() -> None:
    """300 experiments of 60 blocks whose noise drifts and has a heavy tail, at 99 %: 0.5 % a side may be wrong.

    The chance of more than 10 wrong ones of 300 at 1 % is below 1 in 3,000 (binomial).
    """
    generator = np.random.default_rng(7)
    wrong = 0
    for _ in range(300):
        drift = np.cumsum(generator.normal(0, 0.1, 60))
        one, two = (drift + generator.standard_t(2, 60) * 0.2 for _ in range(2))
        wrong += statistics.paired(list(two - one), 0.99, margin=0).verdict != CANNOT_TELL
    assert wrong <= 10


def test_nothing_measured_has_no_statistics() -> None:
    for function in (lambda: statistics.quantile([], 0.5), lambda: statistics.median_interval([])):
        with pytest.raises(ValueError, match="no samples"):
            function()
    with pytest.raises(ValueError, match="no values"):
        statistics.signed_rank_interval([], 0.99)
