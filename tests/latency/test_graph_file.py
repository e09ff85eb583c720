"""ONNX files that are timed as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import archprof
from archprof.errors import RunError, UsageError
from archprof.latency.graph_file import GraphFile
from archprof.render import presentation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Doubles an image and adds a number of another type to it."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["x", "two"], ["d"]),
            helper.make_node("Add", ["d", "f"], ["y"]),
        ],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 8, 8]),
            helper.make_tensor_value_info("n", TensorProto.INT64, [1]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.array(2, np.float32), "two")],
    )
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_a_file_is_run_as_it_is(small: Path) -> None:
    module = GraphFile(small)
    image, number = module.inputs([[2, 3, 8, 8], [1]])
    assert (number.dtype, number.tolist()) == (torch.int64, [1])
    (result,) = module(image, number)
    assert torch.equal(result, 2 * image + 1)


def test_a_file_that_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(RunError, match="ONNX Runtime cannot load it"):
        GraphFile(tmp_path / "bad.onnx")


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_a_file_is_timed(small: Path, backend: str) -> None:
    benchmark = archprof.bench(str(small), backends=[backend], devices=["cpu"], batch=2, max_time=0.2)
    (profile,) = benchmark.profiles
    assert profile.input.shapes[0] == [2, 3, 8, 8]
    (latency,) = profile.latency
    assert latency.error is None
    assert latency.median_s is not None
    assert latency.batch == 2
    assert latency.exporter is None
    assert latency.agreement is not None
    assert latency.agreement.holds
    assert "those of ONNX Runtime without its optimisations" in presentation.present(benchmark).html()


def test_eager_pytorch_runs_no_file(small: Path) -> None:
    with pytest.raises(UsageError, match="is an ONNX file, which eager does not run") as caught:
        archprof.bench(str(small), devices=["cpu"])
    assert "--backend onnxruntime or openvino" in str(caught.value.hint)


def test_two_files_are_compared_in_one_experiment(small: Path) -> None:
    benchmark = archprof.bench(str(small), str(small), backends=["onnxruntime"], devices=["cpu"], max_time=1)
    assert [len(profile.latency) for profile in benchmark.profiles] == [1, 1]
    assert all(not profile.latency[0].error for profile in benchmark.profiles)
