from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archprof.compare import pareto
from archprof.compare.comparing import compare
from archprof.compare.model import Experiment, Model, of_profile
from archprof.compare.timing import not_comparable
from archprof.errors import UsageError
from archprof.records.comparison import Interval
from archprof.records.latency import Comparison as Measured
from archprof.records.latency import Latency, Ratio
from archprof.records.metrics import find_metric
from archprof.records.profile import Coverage, Environment, Input, Layer, Module, Profile, TopLevelKey, Totals, Variant

if TYPE_CHECKING:
    from archprof.records.comparison import Delta, Pair


def profile(layers: list[Layer], **changes: Any) -> Profile:
    """A profile of rows, whose totals are their sums."""
    macs = sum(layer.macs for layer in layers)
    totals = dict.fromkeys(Totals.__struct_fields__, 0) | {
        "parameters": sum(layer.parameters for layer in layers),
        "macs": macs,
        "flops": 2 * macs,
        "elementwise_flops": sum(layer.elementwise_flops for layer in layers),
    }
    built = Profile(
        variant=Variant(name="one", reference="one.yaml", origin="yaml", scale="n"),
        input=Input(shapes=[[1, 3, 64, 64]], dtype="float32", batch=1),
        environment=Environment(device="meta", python="3.11", platform="Linux", packages={}),
        totals=Totals(**totals),
        coverage=Coverage(operations=3, counted=3, free=0),
        layers=layers,
    )
    return msgspec.structs.replace(built, **changes)


def row(index: int, macs: int, side: int, arguments: list[Any], *, source: list[int] | None = None) -> Layer:
    return Layer(
        index=index,
        from_=source or [-1],
        module="Conv",
        path=f"model.{index}",
        yaml_row=[-1, 1, "Conv", arguments],
        output_shapes=[[1, 8, side, side]],
        macs=macs,
        parameters=10,
    )


def pair(before: Profile, after: Profile) -> Pair:
    (result,) = compare([before, after]).pairs
    return result


def marks(result: Pair) -> str:
    return "".join(change.mark for change in result.changes)


# Four rows in a line, and one beside them that reads row 0. Row 1 loses its stride, so that it and rows 2 and 3 make
# four times as many: 100 + 300, 200 + 600 and 50 + 150. Row 4 does not read any of it.
BEFORE = [
    row(0, 40, 32, [8, 3, 2]),
    row(1, 100, 16, [8, 3, 2]),
    row(2, 200, 16, [8, 3, 1]),
    row(3, 50, 16, [8, 1, 1]),
    row(4, 70, 32, [8, 1, 1], source=[0]),
]
AFTER = [
    BEFORE[0],
    row(1, 400, 32, [8, 3, 1]),
    row(2, 800, 32, [8, 3, 1]),
    row(3, 200, 32, [8, 1, 1]),
    BEFORE[4],
]


def test_a_stride_accounts_for_what_is_downstream_of_it() -> None:
    result = pair(profile(BEFORE), profile(AFTER))
    assert marks(result) == "=~xx="
    # In FLOPs: 2 · (300 + 600 + 150) = 2100, of which 600 in the row and 1500 downstream.
    (why,) = result.explanations
    assert (why.metric, why.difference, why.gains, why.losses) == ("flops", 2100, 2100, 0)
    (cause,) = why.causes
    assert (cause.change, cause.own, cause.downstream) == (1, 600, 1500)
    assert [(edit.field, edit.before, edit.after) for edit in result.changes[1].edits] == [
        ("stride", 2, 1),
        ("arguments", [8, 3, 2], [8, 3, 1]),
    ]
    assert result.changes[2].shares["flops"] == pytest.approx(1200 / 2100)


def test_a_row_that_keeps_its_output_accounts_for_nothing_downstream() -> None:
    after = [BEFORE[0], row(1, 300, 16, [8, 5, 2]), row(2, 230, 16, [8, 3, 1]), *BEFORE[3:]]
    (why,) = pair(profile(BEFORE), profile(after)).explanations
    # Row 2 says the same and its input has the same shape; only row 1 was changed, so that it must have an effect that
    # shapes do not show: 2 · 200 in the row and 2 · 30 after it.
    assert [(cause.change, cause.own, cause.downstream) for cause in why.causes] == [(1, 400, 60)]


def test_rows_after_an_added_one_are_the_same_rows() -> None:
    added = row(1, 33, 32, [8, 7, 1])
    traffic = [
        msgspec.structs.replace(layer, index=layer.index + 1, from_=[-1] if layer.index < 4 else [0])
        for layer in BEFORE[1:]
    ]
    result = pair(profile(BEFORE), profile([BEFORE[0], added, *traffic]))
    assert marks(result) == "=+===="
    (why, parameters) = result.explanations
    assert [(cause.change, cause.total) for cause in why.causes] == [(1, 66)]
    assert (parameters.metric, parameters.difference) == ("parameters", 10)


def test_numbers_that_were_not_moved_with_the_rows_are_seen() -> None:
    reader = row(5, 10, 32, [1], source=[-1, 1])
    shifted = [msgspec.structs.replace(layer, index=layer.index + 1) for layer in (*BEFORE[1:], reader)]
    result = pair(profile([*BEFORE, reader]), profile([BEFORE[0], row(1, 33, 32, [8, 7, 1]), *shifted]))
    # Row 4 reads row 0, which did not move; row 5 read row 1, which is row 2 now.
    assert marks(result) == "=+====~"
    assert [(edit.field, edit.before, edit.after) for edit in result.changes[-1].edits] == [("from", [-1, 1], [-1, 1])]


def test_a_model_and_itself() -> None:
    result = pair(profile(BEFORE), profile(BEFORE))
    assert (marks(result), result.explanations, result.differences) == ("=====", [], [])
    assert all(not delta.difference for delta in result.metrics)


LAYERS = st.lists(
    st.builds(
        lambda macs, side, kernel: (macs, side, kernel), st.integers(0, 99), st.sampled_from([8, 16]), st.integers(1, 3)
    ),
    min_size=1,
    max_size=8,
).map(lambda parts: [row(index, macs, side, [8, kernel]) for index, (macs, side, kernel) in enumerate(parts)])


@given(LAYERS)
def test_nothing_differs_from_itself(layers: list[Layer]) -> None:
    result = pair(profile(layers), profile(layers))
    assert set(marks(result)) == {"="}
    assert result.explanations == []


@given(LAYERS, LAYERS)
def test_the_other_way_round_everything_is_negated(before: list[Layer], after: list[Layer]) -> None:
    forward, back = pair(profile(before), profile(after)), pair(profile(after), profile(before))
    assert [entry.difference for entry in forward.metrics] == [-(entry.difference or 0) for entry in back.metrics]
    for result in (forward, back):
        total = {entry.metric: entry.difference for entry in result.metrics}
        assert sum(change.flops for change in result.changes) == total["flops"]
        for why in result.explanations:
            assert why.gains + why.losses == why.difference
            # Everything is told once.
            assert sum(cause.exclusive for cause in why.causes) + why.shared + why.outside == why.difference


def test_a_part_s_share_is_of_the_whole_difference() -> None:
    after = [*BEFORE[:3], row(3, 150, 16, [8, 9, 1]), row(4, 20, 32, [8, 2, 1], source=[0])]
    result = pair(profile(BEFORE), profile(after))
    # 2 · (100 - 50) = 100 FLOPs: twice that of row 3, minus the other once.
    assert [change.shares["flops"] for change in result.changes] == [0, 0, 0, 2, -1]


@pytest.mark.parametrize(
    ("changes", "name", "comparable"),
    [
        ({"input": Input(shapes=[[1, 3, 32, 32]], dtype="float32", batch=1)}, "input", False),
        ({"input": Input(shapes=[[1, 3, 64, 64]], dtype="float16", batch=1)}, "dtype", False),
        ({"variant": Variant(name="one", reference="", origin="yaml", scale="n", fused=True)}, "fusing", False),
        ({"variant": Variant(name="one", reference="", origin="yaml", scale="s")}, "scale", True),
        (
            {
                "variant": Variant(
                    name="", reference="", origin="yaml", scale="n", top_level={"nc": TopLevelKey(value=2)}
                )
            },
            "nc",
            True,
        ),
        ({"variant": Variant(name="one", reference="", origin="yaml", scale="n", settings={"a": 1})}, "a", True),
        ({"variant": Variant(name="one", reference="", origin="yaml", scale="n", static=True)}, "model", True),
    ],
)
def test_what_differs_beside_the_rows(changes: dict[str, Any], name: str, comparable: bool) -> None:
    (result,) = pair(profile(BEFORE), profile(BEFORE, **changes)).differences
    assert (result.name, result.comparable) == (name, comparable)


def modules(**macs: int) -> list[Module]:
    """A model with these modules under ``body``."""

    def module(path: str, cost: int, own: int) -> Module:
        return Module(
            path=path,
            type="Block",
            depth=path.count(".") + 1 if path else 0,
            calls=1,
            parameters=0,
            own_parameters=0,
            macs=cost,
            own_macs=own,
            elementwise_flops=0,
            own_elementwise_flops=0,
        )

    total = sum(macs.values())
    return [
        module("", total, 0),
        module("body", total, 0),
        *(module(f"body.{name}", cost, cost) for name, cost in macs.items()),
    ]


def tree(**macs: int) -> Profile:
    total = sum(macs.values())
    totals = profile([]).totals
    return profile([], modules=modules(**macs), totals=msgspec.structs.replace(totals, macs=total, flops=2 * total))


@pytest.mark.parametrize(
    ("depth", "changes"),
    [
        (0, [("x", "", 40)]),
        (1, [("x", "body", 40)]),
        # a is gone with 10, c came with 20, and b has 10 more; FLOPs are twice that.
        (2, [("-", "body.a", -20), ("x", "body.b", 20), ("+", "body.c", 40)]),
        (9, [("-", "body.a", -20), ("x", "body.b", 20), ("+", "body.c", 40)]),
    ],
)
def test_models_without_rows_go_by_their_modules(depth: int, changes: list[tuple[str, str, int]]) -> None:
    (result,) = compare([tree(a=10, b=10), tree(b=20, c=20)], depth=depth).pairs
    assert result.parts == "modules"
    assert [(change.mark, change.part.path, change.flops) for change in result.changes] == changes


def test_rows_and_modules_are_not_set_beside_each_other() -> None:
    result = pair(profile(BEFORE), tree(a=10))
    assert (result.parts, result.changes, result.explanations) == ("none", [], [])


def with_latency(median: float, **changes: Any) -> Profile:
    latency = Latency(
        device="cpu",
        device_name="a processor",
        backend="eager",
        dtype="float32",
        batch=1,
        threads=4,
        scope="",
        samples_s=[median] * 101,
        median_s=median,
    )
    return profile(BEFORE, latency=[msgspec.structs.replace(latency, **changes)])


def latency(*models: Profile | Model) -> Delta:
    (result,) = compare(models).pairs
    (delta,) = (entry for entry in result.metrics if entry.metric.startswith("latency"))
    return delta


def test_latencies_that_were_measured_separately_have_no_verdict() -> None:
    # Each sample is the same, and one is twice the other: however certain it looks, nobody knows what else changed.
    delta = latency(with_latency(0.1), with_latency(0.2))
    assert (delta.before, delta.after, delta.ratio, delta.interval) == (0.1, 0.2, 2, None)
    assert delta.note == "measured separately; `archprof bench one.yaml one.yaml` measures them together"


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"threads": 1}, "not comparable: threads 4 and 1"),
        ({"threads": None}, "not comparable: threads 4 and unknown"),
        ({"dtype": "float16"}, "not comparable: dtype float32 and float16"),
        ({"batch": 8}, "not comparable: batch 1 and 8"),
        ({"device_name": "another"}, "not comparable: processor a processor and another"),
        (
            {"options": ["channels_last"]},
            "not comparable: options none and channels_last",
        ),
    ],
)
def test_latencies_of_other_conditions_are_not_comparable(changes: dict[str, Any], note: str) -> None:
    # The name of a latency with options has them; the only one of a profile is found by the other name too.
    delta = not_comparable(
        find_metric("latency"), of_profile(with_latency(0.1)), of_profile(with_latency(0.2, **changes))
    )
    assert f"not comparable: {delta}" == note
    if "options" not in changes:
        result = latency(with_latency(0.1), with_latency(0.2, **changes))
        assert (result.note, result.difference, result.ratio) == (note, None, None)


@pytest.mark.parametrize("changes", [{"device": "cuda:0"}, {"backend": "onnxruntime"}])
def test_other_devices_and_backends_are_latencies_of_their_own(changes: dict[str, Any]) -> None:
    (result,) = compare([with_latency(0.1), with_latency(0.2, **changes)]).pairs
    latencies = [delta for delta in result.metrics if delta.metric.startswith("latency")]
    assert [(delta.difference, delta.ratio) for delta in latencies] == [(None, None)] * 2


def measured_together(index: int, median: float, *, name: str = "one") -> Model:
    """A model of a benchmark in which the second took 1.5 times as long as the first."""
    ratio = Ratio(ratio=1.5, interval=(1.4, 1.6), confidence=0.995, margin=0.02, verdict="slower")
    result = Measured(base=0, model=1, device="cpu", backend="eager", blocks=40, looks=3, result=ratio)
    return of_profile(with_latency(median), Experiment(name, index, [result]))


def test_latencies_of_one_experiment_keep_its_verdict() -> None:
    delta = latency(measured_together(0, 0.1), measured_together(1, 0.2))
    assert delta.interval == Interval(low=1.4, high=1.6, confidence=0.995, verdict="slower")
    assert delta.note is None
    back = latency(measured_together(1, 0.2), measured_together(0, 0.1))
    assert back.interval is not None
    assert (back.interval.low, back.interval.high) == (pytest.approx(1 / 1.6), pytest.approx(1 / 1.4))
    assert back.interval.verdict == "faster"


def test_latencies_of_two_experiments_were_measured_separately() -> None:
    delta = latency(measured_together(0, 0.1), measured_together(1, 0.2, name="two"))
    assert delta.interval is None
    assert delta.note is not None
    assert delta.note.startswith("measured separately; ")
    # And a pair that the experiment was not about.
    third = latency(measured_together(1, 0.2), measured_together(2, 0.1)).note
    assert third is not None
    assert third.startswith("measured together, but without an interval of this pair; ")


def test_a_lower_bound_is_said_to_be_one() -> None:
    unknown = Coverage(operations=3, counted=2, free=0, unknown={"mine.op": 1})
    result = {entry.metric: entry for entry in pair(profile(BEFORE), profile(BEFORE, coverage=unknown)).metrics}
    assert result["flops"].lower_bounds == ["after"]
    assert result["parameters"].lower_bounds == []


def sized(flops: int, parameters: int) -> Profile:
    totals = profile([]).totals
    return profile([], totals=msgspec.structs.replace(totals, flops=flops, parameters=parameters))


@pytest.mark.parametrize(
    ("x", "y", "members"),
    [
        # (1, 9), (2, 5), (3, 5), (4, 1): the third is beaten by the second.
        ("flops", "parameters", [0, 1, 3]),
        # With more parameters the better, the first beats them all.
        ("flops", "parameters:max", [0]),
        ("flops:max", "parameters:max", [0, 2, 3]),
    ],
)
def test_the_pareto_front(x: str, y: str, members: list[int]) -> None:
    profiles = [sized(1, 9), sized(2, 5), sized(3, 5), sized(4, 1)]
    assert pareto.front([of_profile(entry) for entry in profiles], x, y).members == members


def test_equals_are_all_on_the_front() -> None:
    assert pareto.front([of_profile(sized(1, 1)), of_profile(sized(1, 1))], "flops", "parameters").members == [0, 1]


def test_what_cannot_be_set_against_each_other() -> None:
    with pytest.raises(UsageError, match="--x and --y are both flops"):
        pareto.front([of_profile(sized(1, 1))], "flops", "flops:max")
    with pytest.raises(UsageError, match="none of these has latency"):
        pareto.front([of_profile(sized(1, 1))], "flops", "latency")
    with pytest.raises(UsageError, match="no metric 'flops:less'"):
        pareto.axis("flops:less")
    with pytest.raises(UsageError, match="nothing to compare with"):
        compare([sized(1, 1)])
