from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from archprof.budgets.baseline import Baseline
from archprof.budgets.budget import Level, Rule
from archprof.budgets.row_attribution import attribute
from archprof.budgets.row_label import parse_rows
from archprof.budgets.rule_check import judge
from archprof.errors import UsageError
from archprof.quantity import parse
from archprof.records.check_result import Attribution
from archprof.records.metrics import find_metric
from archprof.records.profile import Coverage, Layer, Profile, TopLevelKey

if TYPE_CHECKING:
    from archprof.records.check_result import RuleResult


def rule(metric: str, *, level: Level = Level.error, message: str | None = None, **amounts: Any) -> Rule:
    unit = find_metric(metric).unit
    quantities = {name: parse(text, unit, percent=name in ("max_increase", "floor")) for name, text in amounts.items()}
    return Rule(metric=find_metric(metric), level=level, message=message, key_path=f"budgets[0].{metric}", **quantities)


def evaluate(profile: Profile, rule: Rule, base: float | None = None) -> RuleResult:
    baseline = None if base is None else Baseline(values={rule.metric.name: base})
    (result,) = judge([rule], profile, baseline)
    return result


@pytest.fixture
def profile(profile: Profile) -> Profile:
    """The profile with exactly a million parameters."""
    return msgspec.structs.replace(profile, totals=msgspec.structs.replace(profile.totals, parameters=10**6))


@pytest.mark.parametrize(
    ("amounts", "base", "state", "bound", "excess"),
    [
        ({"max": "1 M"}, None, "ok", 1_000_000, 0),
        ({"max": 999_999}, None, "failed", 999_999, 1),
        # 999.9999 K is 999,999.9, and the last whole number in it is 999,999.
        ({"max": "999.9999 K"}, None, "failed", 999_999, 1),
        ({"min": "1 M"}, None, "ok", 1_000_000, 0),
        # 1.0000001 M is 1,000,000.1: the first whole number above it is 1,000,001.
        ({"min": "1.0000001 M"}, None, "failed", 1_000_001, 1),
        ({"max_increase": "1 %"}, None, "no_baseline", None, 0),
        ({"max_increase": 0}, 1_000_000, "ok", 1_000_000, 0),
        ({"max_increase": 0}, 999_999, "failed", 999_999, 1),
        ({"max_increase": 0}, 1_000_001, "ok", 1_000_001, 0),
        # 1 % of 990,099 is 9,900.99: 999,999.99 may be reached, 1,000,000 is more.
        ({"max_increase": "1 %"}, 990_099, "failed", 999_999, 1),
        # 1 % of 990,100 is 9,901: 1,000,001.
        ({"max_increase": "1 %"}, 990_100, "ok", 1_000_001, 0),
        # It has grown by 10,000, and a growth of no more than that never fails.
        ({"max_increase": 0, "floor": "10 K"}, 990_000, "ok", 1_000_000, 0),
        ({"max_increase": 0, "floor": 9_999}, 990_000, "failed", 999_999, 1),
        ({"max_increase": "1 %"}, 0, "failed", 0, 1_000_000),
    ],
)
def test_bounds_are_exact(
    profile: Profile, amounts: dict[str, Any], base: int | None, state: str, bound: int | None, excess: int
) -> None:
    result = evaluate(profile, rule("parameters", **amounts), base)
    assert (result.state, result.bound, result.excess) == (state, bound, excess)


def test_ratios_are_held_to_what_is_written(profile: Profile) -> None:
    # A model without dynamic layers is its own static equivalent.
    assert evaluate(profile, rule("flops_ratio", max="1.0")).state == "ok"
    assert evaluate(profile, rule("flops_ratio", max="0.99")).state == "failed"


def test_a_warning_is_said_and_does_not_fail(profile: Profile) -> None:
    result = evaluate(profile, rule("parameters", max=1, level=Level.warn, message="Think of the phone."))
    assert (result.state, result.message) == ("warning", "Think of the phone.")


def test_one_rule_may_have_three_bounds(profile: Profile) -> None:
    result = judge([rule("parameters", max="2 M", min=1, max_increase=0)], profile)
    assert [(rule_result.kind, rule_result.state) for rule_result in result] == [
        ("max", "ok"),
        ("min", "ok"),
        ("max_increase", "no_baseline"),
    ]


def test_a_metric_that_the_profile_does_not_have(profile: Profile) -> None:
    with pytest.raises(UsageError, match="has no backward_flops") as caught:
        judge([rule("backward_flops", max=1)], profile)
    assert caught.value.hint == "backward = true counts a training step"


def test_operations_without_a_formula_make_it_a_lower_bound_and_can_be_held_to_none(profile: Profile) -> None:
    partial = msgspec.structs.replace(
        profile, coverage=Coverage(operations=10, counted=6, free=1, unknown={"my::op": 2, "your::op": 1})
    )
    flops, parameters, unknown = judge(
        [rule("flops", max="1 T"), rule("parameters", max="1 T"), rule("unknown_operations", max=0)], partial
    )
    assert (flops.lower_bound, parameters.lower_bound) == (True, False)
    assert (unknown.state, unknown.actual) == ("failed", 3)


LABELS = ["Conv [16]", "Conv [32]", "Conv [64]"]


def profile_of(profile: Profile, labels: list[str], macs: list[int], **top_level: Any) -> Profile:
    """The profile with rows that say this and have these MACs; row 0 stands on line 10."""
    layers = [
        Layer(
            index=part.index or 0,
            from_=part.from_,
            module=part.module,
            path=f"model.{part.index}",
            macs=cost,
            line=10 + (part.index or 0),
            yaml_row=[part.from_, part.repeats, part.module, part.arguments],
        )
        for part, cost in zip(parse_rows(labels), macs, strict=True)
    ]
    keys = {key: TopLevelKey(value=value, line=3) for key, value in top_level.items()}
    variant = msgspec.structs.replace(profile.variant, top_level=keys)
    return msgspec.structs.replace(profile, layers=layers, variant=variant)


def baseline(labels: list[str], flops: list[int], **top_level: Any) -> Baseline:
    return Baseline(
        values={},
        labels=labels,
        light_head=[None] * len(labels),
        rows={"flops": flops},
        top_level={key: TopLevelKey(value=value) for key, value in top_level.items()},
    )


def blamed(profile: Profile, labels: list[str], flops: list[int]) -> tuple[Any, ...]:
    """What is named for rows that say LABELS and have 50, 200 and 300 MACs."""
    cause = attribute("flops", profile_of(profile, LABELS, [50, 200, 300]), baseline(labels, flops))
    assert cause is not None
    assert cause.line == 10 + (cause.row or 0)
    return cause.row, cause.reason, cause.value, cause.change


def test_the_largest_row_where_nothing_is_known_of_what_was(profile: Profile) -> None:
    cause = attribute("flops", profile_of(profile, LABELS, [50, 200, 300]))
    # A FLOP is half a MAC.
    assert cause == Attribution(reason="largest", row=2, module="Conv", line=12, value=600)


def test_the_changed_row_with_what_follows_from_it(profile: Profile) -> None:
    # Rows 1 and 2 grew by 400 - 100 and 600 - 150, of which row 1 was changed.
    assert blamed(profile, ["Conv [16]", "Conv [8]", "Conv [64]"], [100, 100, 150]) == (1, "changed", 400, 750)


def test_of_two_changed_rows_the_one_with_which_it_grew_most(profile: Profile) -> None:
    # Row 0 was changed and row 2; row 1 follows from row 0: 100 - 90 + 400 - 100 = 310 against 600 - 100.
    assert blamed(profile, ["Conv [8]", "Conv [32]", "Conv [8]"], [90, 100, 100]) == (2, "changed", 600, 500)


def test_a_row_whose_source_only_moved_down_was_not_changed(profile: Profile) -> None:
    # Row 0 is new, so that the third row reads the same row by another number: 100 + 400 - 300 + 600 - 590 = 210.
    after = profile_of(profile, ["Conv [8]", "Conv [16]", "Concat [1] from [-1, 1]"], [50, 200, 300])
    cause = attribute("flops", after, baseline(["Conv [16]", "Concat [1] from [-1, 0]"], [300, 590]))
    assert cause is not None
    assert (cause.row, cause.reason, cause.change, cause.share) == (0, "added", 210, 1)


def test_a_new_row_has_all_that_it_costs(profile: Profile) -> None:
    # Row 1 is new, and row 2 stands where row 1 stood.
    assert blamed(profile, ["Conv [16]", "Conv [64]"], [100, 600]) == (1, "added", 400, 400)


def test_the_row_that_grew_where_none_was_changed(profile: Profile) -> None:
    # A block's own code may have changed.
    assert blamed(profile, LABELS, [100, 390, 500]) == (2, "grew", 600, 100)


def test_the_largest_row_where_nothing_grew(profile: Profile) -> None:
    assert blamed(profile, LABELS, [100, 400, 600]) == (2, "largest", 600, None)


def test_a_changed_key_is_named_and_no_row(profile: Profile) -> None:
    after = profile_of(profile, LABELS, [50, 200, 300], **{"scales.n": [1.0, 0.5, 64], "nc": 80})
    before = baseline(LABELS, [25, 100, 150], **{"scales.n": [1.0, 0.25, 64], "nc": 80})
    # 100 - 25 + 400 - 100 + 600 - 150 = 825, all of it.
    assert attribute("flops", after, before) == Attribution(
        reason="changed",
        key="scales.n",
        line=3,
        before="[1.0, 0.25, 64]",
        after="[1.0, 0.5, 64]",
        change=825,
        share=1.0,
    )


def test_a_key_that_is_gone_has_no_line(profile: Profile) -> None:
    cause = attribute(
        "flops", profile_of(profile, LABELS, [50, 200, 300]), baseline(LABELS, [9, 9, 9], width_multiple=0.5)
    )
    assert cause is not None
    assert (cause.key, cause.line, cause.before, cause.after) == ("width_multiple", None, "0.5", "none")


def test_a_removed_row_is_named_by_what_it_said(profile: Profile) -> None:
    # Without the row that halved the map, the one after it has four times as much: 600 - 150 - 100 = 350.
    after = profile_of(profile, ["Conv [64]"], [300])
    cause = attribute("flops", after, baseline(["Conv [16, 3, 2]", "Conv [64]"], [100, 150]))
    assert cause is not None
    assert (cause.row, cause.reason, cause.before, cause.line, cause.change) == (
        0,
        "removed",
        "Conv [16, 3, 2]",
        None,
        350,
    )


def test_a_head_that_lost_its_light_branch_is_named_with_the_row(profile: Profile) -> None:
    after = profile_of(profile, ["C2f [8]", "Detect ['nc']"], [50, 200])
    (first, head) = after.layers
    after = msgspec.structs.replace(after, layers=[first, msgspec.structs.replace(head, light_head="takes")])
    before = msgspec.structs.replace(baseline(["C3k2 [8]", "Detect ['nc']"], [100, 300]), light_head=["gives", "takes"])
    cause = attribute("flops", after, before)
    assert cause is not None
    # Row 0 has as many FLOPs as before, and the head 400 - 300 more.
    assert (cause.row, cause.reason, cause.change, cause.light_head) == (0, "changed", 100, [1])


def test_a_figure_that_rows_have_no_part_in_leads_to_the_first_changed_line(profile: Profile) -> None:
    after = profile_of(profile, LABELS, [50, 200, 300], nc=3)
    before = baseline(["Conv [16]", "Conv [8]", "Conv [8]"], [1, 1, 1], nc=3)
    cause = attribute("peak_activation_bytes", after, before)
    assert cause is not None
    assert (cause.row, cause.reason, cause.value) == (1, "changed", None)
    assert (cause.before, cause.after) == ("Conv [8]", "Conv [32]")
    assert attribute("peak_activation_bytes", after) is None
    key = attribute("peak_activation_bytes", after, msgspec.structs.replace(before, top_level={}))
    assert key is not None
    assert (key.key, key.after) == ("nc", "3")
