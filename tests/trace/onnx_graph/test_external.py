"""Values that lie in files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import archprof
from archprof.sources.onnx_file.external import all_small_values
from archprof.sources.onnx_file.wire import skeleton
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path


def save(path: Path, shape: tuple[int, int], *, finds: bool = False) -> None:
    """12 numbers in another shape, and a product with as many rows as that has columns: all constants outside.

    Args:
        path: Where to.
        shape: The other shape.
        finds: Whether there is a product more, of the places that are not zero.
    """
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["r"]), helper.make_node("MatMul", ["r", "w"], ["y"])]
    constants = {"shape": np.array(shape, np.int64), "w": np.ones((shape[1], 1000), np.float32)}
    if finds:
        nodes += [
            helper.make_node("NonZero", ["r"], ["places"]),
            helper.make_node("Cast", ["places"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["v", "floats"], ["z"]),
        ]
        constants["v"] = np.ones((7, 2), np.float32)
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "z")[: 1 + finds]],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = path.with_suffix(".data")
    data.unlink(missing_ok=True)
    onnx.save(model, path, save_as_external_data=True, location=data.name, size_threshold=0)


def test_shapes_that_lie_outside_are_read(tmp_path: Path) -> None:
    save(tmp_path / "net.onnx", (6, 2))
    profile = archprof.profile(str(tmp_path / "net.onnx"))
    assert profile.totals.macs == 6 * 2 * 1000
    assert not profile.environment.remarks


def test_the_values_that_are_read_are_in_the_key_of_the_cache(tmp_path: Path) -> None:
    path, data = tmp_path / "net.onnx", tmp_path / "net.data"
    save(path, (6, 2))
    content, key = path.read_bytes(), resolve(str(path)).content_key
    values = data.read_bytes()
    data.write_bytes(values.replace(np.array([6, 2], np.int64).tobytes(), np.array([2, 6], np.int64).tobytes()))
    assert (path.read_bytes(), resolve(str(path)).content_key) != (content, key)
    data.write_bytes(values.replace(np.float32(1).tobytes(), np.float32(2).tobytes()))
    assert resolve(str(path)).content_key == key  # for weights are in no figure


def test_weights_are_not_read(tmp_path: Path) -> None:
    save(tmp_path / "net.onnx", (6, 2))
    (shape,) = all_small_values(skeleton(tmp_path / "net.onnx"), tmp_path / "net.onnx")
    assert shape == np.array([6, 2], np.int64).tobytes()  # and not the 8,000 bytes of the weight


@pytest.mark.parametrize("bytes_left", [0, 5])
def test_what_the_file_has_not_got_is_not_known(tmp_path: Path, bytes_left: int) -> None:
    save(tmp_path / "net.onnx", (6, 2))
    (tmp_path / "net.data").write_bytes(b"\0" * bytes_left)
    profile = archprof.profile(str(tmp_path / "net.onnx"))
    assert profile.coverage.unknown == {"MatMul": 1}


def test_a_run_has_them_too(tmp_path: Path) -> None:
    save(tmp_path / "net.onnx", (6, 2), finds=True)
    profile = archprof.profile(str(tmp_path / "net.onnx"))
    # None of 12 random numbers is zero: 7 rows of 2 by 12 columns.
    assert profile.totals.macs == 6 * 2 * 1000 + 7 * 2 * 12
