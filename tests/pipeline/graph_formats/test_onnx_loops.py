"""Loops of an ONNX file: what their body does, as many times as it runs."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import archprof

if TYPE_CHECKING:
    from pathlib import Path

FLOAT = TensorProto.FLOAT


def loop_file(path: Path, trips: int, shape: tuple[int, int] | None, condition: str, grows: bool) -> str:
    """A loop whose state is multiplied by a 5×5 matrix, with a row more at each trip or without."""
    nodes = [helper.make_node("Identity", ["go_on"], ["again"])]
    state = "state"
    if grows:
        nodes.append(helper.make_node("Concat", ["state", "row"], ["longer"], axis=0))
        state = "longer"
    nodes.append(helper.make_node("MatMul", [state, "weight"], ["product"]))
    body = helper.make_graph(
        nodes,
        "body",
        [
            helper.make_tensor_value_info("trip", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", FLOAT, shape),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("product", FLOAT, shape),
        ],
    )
    constants = {
        "trips": np.array(trips, np.int64),
        "true": np.array(True),
        "weight": np.zeros((5, 5), np.float32),
        "row": np.zeros((1, 5), np.float32),
    }
    graph = helper.make_graph(
        [helper.make_node("Loop", ["trips", condition, "x"], ["y"], body=body)],
        "loop",
        [helper.make_tensor_value_info("x", FLOAT, [4, 5])],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    model.ir_version = 10
    onnx.save(model, path)
    return str(path)


@pytest.mark.parametrize("condition", ["", "true"])
@pytest.mark.parametrize("trips", [-2, 0, 1, 7])
def test_trips_that_are_alike(tmp_path: Path, trips: int, condition: str) -> None:
    profile = archprof.profile(loop_file(tmp_path / "loop.onnx", trips, (4, 5), condition, grows=False))
    # 4 rows × 5 columns × 5 products at each trip; a number below zero is no trip.
    assert profile.totals.macs == max(0, trips) * 4 * 5 * 5
    assert not profile.coverage.unknown


def test_trips_of_growing_state(tmp_path: Path) -> None:
    profile = archprof.profile(loop_file(tmp_path / "loop.onnx", 3, None, "", grows=True))
    # 5, 6 and 7 rows × 5 columns × 5 products.
    assert profile.totals.macs == (5 + 6 + 7) * 25
    assert not profile.coverage.unknown


def info(name: str, kind: int = FLOAT, shape: tuple[int, ...] | None = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def product(source: str, result: str) -> onnx.NodeProto:
    return helper.make_node("MatMul", [source, "weight"], [result])


def body(nodes: list[onnx.NodeProto], state: str, result: str, condition: str = "") -> onnx.GraphProto:
    """A loop's body: ``state`` becomes ``result``, and it goes on as long as ``condition`` says."""
    trip, flag, again = f"{state}_trip", f"{state}_flag", condition or f"{state}_again"
    keep = [] if condition else [helper.make_node("Identity", [flag], [again])]
    return helper.make_graph(
        [*nodes, *keep],
        "body",
        [info(trip, TensorProto.INT64, ()), info(flag, TensorProto.BOOL, ()), info(state)],
        [info(again, TensorProto.BOOL, ()), info(result)],
    )


def file_of(path: Path, nodes: list[onnx.NodeProto], *more: onnx.ValueInfoProto, **constants: object) -> str:
    """A file that makes "y" of "x", 4×5, with a weight of 5×5 and constants."""
    values = {"weight": np.zeros((5, 5), np.float32), **constants}
    graph = helper.make_graph(
        nodes, "graph", [info("x", shape=(4, 5)), *more], [info("y")],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


def choice(condition: str, source: str, result: str) -> onnx.NodeProto:
    """Two products, or five."""

    def branch(name: str, products: int) -> onnx.GraphProto:
        names = [source, *(f"{name}_{index}" for index in range(products))]
        nodes = [product(*pair) for pair in itertools.pairwise(names)]
        return helper.make_graph(nodes, name, [], [info(names[-1])])

    return helper.make_node("If", [condition], [result], then_branch=branch("few", 2), else_branch=branch("many", 5))


def test_a_branch_that_the_trip_decides(tmp_path: Path) -> None:
    nodes = [helper.make_node("Less", ["s_trip", "first"], ["is_first"]), choice("is_first", "s", "t")]
    loop = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body(nodes, "s", "t"))
    path = file_of(tmp_path / "choice.onnx", [loop], trips=np.int64(3), first=np.int64(1))
    profile = archprof.profile(path)
    # Two products in the first trip, five in each of the others; each 4 × 5 × 5.
    assert profile.totals.macs == (2 + 5 + 5) * 100
    assert not profile.environment.remarks


def test_a_loop_in_a_branch_in_a_loop_of_as_many_trips_as_the_outer_one_has_had(tmp_path: Path) -> None:
    inner = helper.make_node("Loop", ["s_trip", "", "s"], ["looped"], body=body([product("r", "q")], "r", "q"))
    plain = helper.make_node("Identity", ["s"], ["plain"])
    branches = {
        "then_branch": helper.make_graph([inner], "then", [], [info("looped")]),
        "else_branch": helper.make_graph([plain], "else", [], [info("plain")]),
    }
    nodes = [helper.make_node("If", ["yes"], ["t"], **branches)]
    loop = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body(nodes, "s", "t"))
    path = file_of(tmp_path / "nested.onnx", [loop], trips=np.int64(4), yes=np.array(True))
    assert archprof.profile(path).totals.macs == (0 + 1 + 2 + 3) * 100


@pytest.mark.parametrize("shape", [(), (1,)])
def test_trips_that_are_an_input_are_those_of_a_run_with_ones(tmp_path: Path, shape: tuple[int, ...]) -> None:
    loop = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body([product("s", "t")], "s", "t"))
    path = file_of(tmp_path / "given.onnx", [loop], info("trips", TensorProto.INT64, shape))
    profile = archprof.profile(path)
    assert profile.totals.macs == 100
    assert not profile.coverage.unknown
    assert profile.environment.remarks == [
        "run once in ONNX Runtime with random values, and 1 for whole numbers: what Loop 'y' gives depends on them"
    ]


@pytest.mark.parametrize("given", ["trips=:int64:7..8", "trips.npz"])
def test_trips_that_were_asked_for(tmp_path: Path, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("trips.npz", trips=np.array(7))
    loop = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body([product("s", "t")], "s", "t"))
    path = file_of(tmp_path / "given.onnx", [loop], info("trips", TensorProto.INT64, ()))
    profile = archprof.profile(path, inputs=[given])
    assert profile.totals.macs == 7 * 100
    assert not profile.environment.remarks


def test_a_run_is_one_on_the_values_that_were_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    image = np.zeros((40, 50), np.float32)  # more than what is followed without a run
    image[3, :7] = 1
    np.savez("image.npz", x=image)
    nodes = [
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Cast", ["places"], ["floats"], to=FLOAT),
        helper.make_node("MatMul", ["v", "floats"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "graph", [info("x", shape=(40, 50))], [info("y")],
        [numpy_helper.from_array(np.ones((6, 2), np.float32), "v")],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "places.onnx")
    profile = archprof.profile("places.onnx", inputs=["image.npz"])
    # 7 pixels are not zero: 6 rows of 2 by 7 columns.
    assert profile.totals.macs == 6 * 2 * 7
    assert "with the given values" in profile.environment.remarks[0]


def test_trips_that_values_decide_are_those_of_a_run(tmp_path: Path) -> None:
    # 20 random numbers in [0, 1) have a sum of about 10, and 20 more after each trip: 30, 50, and 70, which ends it.
    nodes = [
        helper.make_node("Add", ["s", "one"], ["t"]),
        helper.make_node("ReduceSum", ["t"], ["sum"], keepdims=0),
        helper.make_node("Less", ["sum", "limit"], ["again"]),
        product("t", "unused"),
    ]
    loop = helper.make_node("Loop", ["", "", "x"], ["y"], body=body(nodes, "s", "t", "again"))
    path = file_of(tmp_path / "until.onnx", [loop], one=np.float32(1), limit=np.float32(60))
    assert archprof.profile(path).totals.macs == 3 * 100


def test_inner_loops_have_the_trips_that_they_had_in_the_run(tmp_path: Path) -> None:
    # Row i of a triangle has i + 1 elements that are not zero, and as often the inner loop runs.
    inner = helper.make_node("Loop", ["found", "", "s"], ["t"], body=body([product("r", "q")], "r", "q"))
    nodes = [
        helper.make_node("Gather", ["rows", "s_trip"], ["row"]),
        helper.make_node("NonZero", ["row"], ["places"]),
        helper.make_node("Shape", ["places"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "last"], ["found"]),
        inner,
    ]
    path = file_of(
        tmp_path / "triangle.onnx",
        [
            helper.make_node("Mul", ["z", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "triangle"], ["rows"]),
            helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body(nodes, "s", "t")),
        ],
        info("z", shape=(3, 3)),
        triangle=np.tril(np.ones((3, 3), np.float32)), zero=np.float32(0), last=np.int64(1), trips=np.int64(3),
    )  # fmt: skip
    profile = archprof.profile(path)
    assert profile.totals.macs == (1 + 2 + 3) * 100
    assert not profile.coverage.unknown
