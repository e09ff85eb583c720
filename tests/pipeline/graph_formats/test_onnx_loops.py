"""Loops of an ONNX file: what their body does, as many times as it runs."""

from __future__ import annotations

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
@pytest.mark.parametrize("trips", [0, 1, 7])
def test_trips_that_are_alike(tmp_path: Path, trips: int, condition: str) -> None:
    profile = archprof.profile(loop_file(tmp_path / "loop.onnx", trips, (4, 5), condition, grows=False))
    # 4 rows × 5 columns × 5 products at each trip.
    assert profile.totals.macs == trips * 4 * 5 * 5
    assert not profile.coverage.unknown


def test_trips_of_growing_state(tmp_path: Path) -> None:
    profile = archprof.profile(loop_file(tmp_path / "loop.onnx", 3, None, "", grows=True))
    # 5, 6 and 7 rows × 5 columns × 5 products.
    assert profile.totals.macs == (5 + 6 + 7) * 25
    assert not profile.coverage.unknown
