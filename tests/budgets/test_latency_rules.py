from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from archprof.budgets.budget import Level, Rule
from archprof.budgets.latency_judge import _confirmed
from archprof.budgets.latency_rules import Time, Timing, judge_time, place_of, time_of
from archprof.latency.statistics import MARGIN
from archprof.quantity import parse
from archprof.records.latency import Latency, Ratio
from archprof.records.metrics import find_metric

if TYPE_CHECKING:
    from archprof.records.check_result import RuleResult

MS = 10**6


def time(median: float, low: float, high: float, **more: Any) -> Time:
    """A time in milliseconds."""
    about = {"device_name": "a processor", "dtype": "float32", "batch": 1, "threads": 4, "options": []} | more
    return Time(median_ns=round(median * MS), low_ns=round(low * MS), high_ns=round(high * MS), **about)


def rule(**amounts: Any) -> Rule:
    metric = find_metric("latency")
    quantities = {name: parse(text, metric.unit, percent=name == "max_increase") for name, text in amounts.items()}
    return Rule(metric=metric, key_path="budgets[0].latency", **quantities)


def pair(before: tuple[float, float, float], after: tuple[float, float, float]) -> Timing:
    """Two times of one experiment, whose ratio lies between the ends of the two intervals."""
    base, time_now = time(*before), time(*after)
    low, high = time_now.low_ns / base.high_ns, time_now.high_ns / base.low_ns
    ratio = Ratio(ratio=after[0] / before[0], interval=(low, high), confidence=0.995, margin=MARGIN, verdict="")
    return Timing(time_now, ratio, base)


def evaluate(rule: Rule, timing: Timing, locked: Time | None = None) -> RuleResult:
    (rule_result,) = judge_time(rule, timing, locked)
    return rule_result


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [(4.0, 5.0, "ok"), (4.9, 5.1, "inconclusive"), (5.0, 5.1, "inconclusive"), (5.01, 5.1, "failed")],
)
def test_a_bound_fails_only_where_the_whole_interval_is_beyond_it(low: float, high: float, state: str) -> None:
    result = evaluate(rule(max="5 ms"), Timing(time(5.05, low, high)))
    assert (result.state, result.interval) == (state, pytest.approx((low / 1000, high / 1000)))
    assert result.excess == pytest.approx(0.05e-3 if state == "failed" else 0)


def test_a_min_is_the_other_way_round() -> None:
    assert evaluate(rule(min="5 ms"), Timing(time(4, 3.9, 4.9))).state == "failed"
    assert evaluate(rule(min="5 ms"), Timing(time(5.1, 5, 5.2))).state == "ok"
    assert evaluate(rule(min="5 ms"), Timing(time(5, 4.9, 5.1))).state == "inconclusive"


@pytest.mark.parametrize(
    ("after", "state"),
    [
        # It was 10 ms, between 9.9 and 10.1; 10 % more are 11. The ratio's interval is [low / 10.1, high / 9.9].
        ((11.5, 11.4, 11.6), "failed"),  # from 11.4 / 10.1 = 1.129
        ((11.2, 11.1, 11.3), "inconclusive"),  # from 11.1 / 10.1 = 1.099 to 11.3 / 9.9 = 1.141
        ((10.8, 10.7, 10.8), "ok"),  # to 10.8 / 9.9 = 1.091
        ((9.0, 8.9, 9.1), "ok"),
    ],
)
def test_a_growth_fails_only_where_the_whole_interval_is_beyond_what_is_allowed(
    after: tuple[float, float, float], state: str
) -> None:
    result = evaluate(rule(max_increase="10 %", floor="0.2 ms"), pair((10, 9.9, 10.1), after))
    assert (result.state, result.bound, result.baseline) == (state, pytest.approx(0.011), 0.01)


def test_a_growth_below_the_floor_does_not_fail_however_certain() -> None:
    # Half as much again, of 0.1 ms: 0.05 ms.
    timing = pair((0.1, 0.1, 0.1), (0.15, 0.15, 0.15))
    assert evaluate(rule(max_increase="10 %", floor="0.2 ms"), timing).state == "ok"
    assert evaluate(rule(max_increase="10 %", floor="0.04 ms"), timing).state == "failed"


def test_no_growth_at_all_still_allows_what_is_noise() -> None:
    # The margin is the share below which nobody speaks of a difference.
    edge = 10 * (1 + MARGIN)
    below, above = (pair((10, 10, 10), (edge + more, edge + more, edge + more)) for more in (-0.01, 0.01))
    assert evaluate(rule(max_increase="0 %", floor="0 ms"), below).state == "ok"
    assert evaluate(rule(max_increase="0 %", floor="0 ms"), above).state == "failed"


def test_an_increase_may_be_an_amount() -> None:
    below, more = (pair((10, 10, 10), (after, after, after)) for after in (11.9, 12.1))
    assert evaluate(rule(max_increase="2 ms", floor="0 ms"), below).state == "ok"
    assert evaluate(rule(max_increase="2 ms", floor="0 ms"), more).state == "failed"


def test_a_baseline_that_was_measured_separately_gives_no_verdict_on_growth() -> None:
    # Ten times as long, each without any scatter; the bound that needs no baseline holds as ever.
    result = judge_time(rule(max="5 ms", max_increase="10 %", floor="0 ms"), Timing(time(10, 10, 10)), time(1, 1, 1))
    assert [(rule_result.kind, rule_result.state) for rule_result in result] == [
        ("max", "failed"),
        ("max_increase", "no_baseline"),
    ]
    assert result[1].note is not None
    assert result[1].note.startswith("measured separately from its baseline; `archprof check --latency --against")


def test_what_ran_in_one_experiment_goes_by_the_ratio_of_its_pairs() -> None:
    # The medians' own intervals are wide, because the machine was busy with something else for a while.
    ratio = Ratio(ratio=1.2, interval=(1.18, 1.22), confidence=0.995, margin=0.01, verdict="slower")
    timing = Timing(time(12, 8, 16), ratio, time(10, 7, 15))
    result = evaluate(rule(max_increase="10 %", floor="0.2 ms"), timing, locked=time(1, 1, 1))
    assert (result.state, result.baseline) == ("failed", 0.01)
    assert result.interval == (pytest.approx(0.0118), pytest.approx(0.0122))


def test_too_few_pairs_leave_everything_possible() -> None:
    ratio = Ratio(ratio=3, interval=(0.0, math.inf), confidence=0.995, margin=0.01, verdict="cannot tell")
    result = evaluate(rule(max_increase="10 %", floor="0.2 ms"), Timing(time(30, 30, 30), ratio, time(10, 10, 10)))
    assert (result.state, result.interval) == ("inconclusive", None)


@pytest.mark.parametrize(
    ("another_model", "message"),
    [
        ({"device_name": "another"}, "not comparable: device name was another, and is a processor"),
        ({"dtype": "float16"}, "not comparable: dtype was float16, and is float32"),
        ({"threads": 8}, "not comparable: threads was 8, and is 4"),
        ({"batch": 2}, "not comparable: batch was 2, and is 1"),
    ],
)
def test_another_machine_is_not_compared_with(another_model: dict[str, Any], message: str) -> None:
    result = judge_time(
        rule(max="5 ms", max_increase="10 %", floor="1 ms"), Timing(time(9, 9, 9)), time(1, 1, 1, **another_model)
    )
    assert [(rule_result.kind, rule_result.state, rule_result.note) for rule_result in result] == [
        ("max", "failed", None),
        ("max_increase", "no_baseline", message),
    ]


def test_without_a_baseline_nothing_is_said_of_growth() -> None:
    result = evaluate(rule(max_increase="10 %", floor="1 ms"), Timing(time(9, 9, 9)))
    assert (result.state, result.note, result.bound) == ("no_baseline", None, None)


def test_a_warning_is_one_for_a_latency_too() -> None:
    warned = Rule(
        metric=find_metric("latency"), max=rule(max="5 ms").max, level=Level.warn, key_path="budgets[0].latency"
    )
    assert evaluate(warned, Timing(time(9, 9, 9))).state == "warning"


def test_what_a_second_measurement_does_not_confirm_does_not_fail() -> None:
    bound = rule(max="5 ms")
    failed, unclear, good = (evaluate(bound, Timing(time(*span))) for span in ((9, 8, 10), (5, 4, 6), (4, 3, 5)))
    assert _confirmed(failed, failed).state == "failed"
    for second in (unclear, good):
        result = _confirmed(failed, second)
        assert (result.state, result.actual) == ("inconclusive", second.actual)
        assert result.note == "a second measurement did not confirm it"
    assert _confirmed(unclear, failed) is unclear


def test_a_measured_latency_in_whole_nanoseconds() -> None:
    latency = Latency(
        device="cpu", device_name="a processor", backend="eager", dtype="float32", batch=1, threads=4, scope="all of it"
    )
    assert time_of(latency) is None
    from msgspec.structs import replace

    measured = time_of(replace(latency, samples_s=[0.002] * 50, median_s=0.002))
    assert measured == time(2, 2, 2)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("latency", ("cpu", "eager")),
        ("latency/cpu/openvino", ("cpu", "openvino")),
        ("latency/cuda/eager", ("cuda:0", "eager")),
        ("latency/cuda:1/compile", ("cuda:1", "compile")),
    ],
)
def test_where_a_latency_is_measured(name: str, index: tuple[str, str]) -> None:
    assert place_of(find_metric(name)) == index
