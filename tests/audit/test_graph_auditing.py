"""Other tools' figures of ONNX files: whatever they say, the differences lead from the exact count to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import archprof
from archprof.audit.graph_auditing import BIAS, ELEMENTWISE
from archprof.errors import UsageError

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A convolution of 3 to 8 channels, 3×3, with a bias, on 16×16; and a sigmoid."""
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w", "b"], ["c"], "conv", pads=[1] * 4),
            helper.make_node("Sigmoid", ["c"], ["y"], "act"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 16, 16])],
        [
            numpy_helper.from_array(np.ones(shape, np.float32), name)
            for name, shape in (("w", (8, 3, 3, 3)), ("b", (8,)))
        ],
    )
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def test_the_differences_of_a_small_file(small: Path) -> None:
    audit = archprof.audit(str(small), counters=["onnx_tool"])
    assert audit.macs == 16 * 16 * 8 * 27
    (opinion,) = audit.opinions
    assert opinion.counter == "onnx_tool"
    assert opinion.error is None
    assert opinion.macs is not None
    assert audit.macs + sum(difference.macs for difference in opinion.differences) == opinion.macs
    by_operator = {difference.operation: difference for difference in opinion.differences}
    # A bias for each of 8 · 16 · 16 results.
    assert (by_operator["Conv"].why, by_operator["Conv"].macs, by_operator["Conv"].module) == (BIAS, 2048, "conv")
    assert (by_operator["Sigmoid"].why, by_operator["Sigmoid"].calls) == (ELEMENTWISE, 1)


@pytest.mark.parametrize("name", ["resnet50", "shufflenet", "squeezenet"])
def test_the_differences_of_known_networks_add_up(name: str) -> None:
    audit = archprof.audit(str(LIGHT / f"light_{name}.onnx"), counters=["onnx_tool"])
    (opinion,) = audit.opinions
    assert opinion.error is None
    assert audit.macs + sum(difference.macs for difference in opinion.differences) == opinion.macs
    assert not [difference for difference in opinion.differences if difference.kind == "unexplained"]


def test_a_tool_that_stops_is_an_answer(tmp_path: Path) -> None:
    """onnx-tool 1.0.1 has no product of a matrix and a vector."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "v"], ["y"], "product")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])],
        [numpy_helper.from_array(np.ones(5, np.float32), "v")],
    )
    path = tmp_path / "vector.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    audit = archprof.audit(str(path), counters=["onnx_tool"])
    (opinion,) = audit.opinions
    assert audit.macs == 4 * 5
    assert (opinion.macs, opinion.differences) == (None, [])
    assert opinion.error is not None
    assert "Error" in opinion.error


def test_onnxsim_counts_products_alone(tmp_path: Path) -> None:
    """Its figure is that of the products, at the sizes that were asked for; a Gemm's bias and a sigmoid have none."""
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
            helper.make_node("GlobalAveragePool", ["c"], ["p"], "pool"),
            helper.make_node("Flatten", ["p"], ["f"], "flat"),
            helper.make_node("Gemm", ["f", "v", "b"], ["y"], "head"),
            helper.make_node("Einsum", ["y", "m"], ["z"], "last", equation="ij,jk->ik"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, "h", "w"])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 5])],
        [
            numpy_helper.from_array(np.ones(shape, np.float32), name)
            for name, shape in (("w", (8, 3, 3, 3)), ("v", (8, 4)), ("b", (4,)), ("m", (4, 5)))
        ],
    )
    path = tmp_path / "open.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    audit = archprof.audit(str(path), imgsz=10, batch=2, counters=["onnxsim"])
    (opinion,) = audit.opinions
    assert opinion.error is None
    # 2 images, 8·8 positions, 8 channels of 3·3·3 products; 2 rows of 8·4; 2 rows of 4·5 that onnxsim 0.8.1 leaves out.
    assert audit.macs == 2 * 64 * 8 * 27 + 2 * 8 * 4 + 2 * 4 * 5
    assert opinion.macs == 2 * 64 * 8 * 27 + 2 * 8 * 4
    (difference,) = opinion.differences
    assert (difference.kind, difference.operation, difference.module, difference.macs) == (
        "missed",
        "Einsum",
        "last",
        -40,
    )


def test_a_figure_of_onnxsim_that_is_a_formula_is_no_figure(tmp_path: Path) -> None:
    """How many elements are not zero is known in a run alone."""
    graph = helper.make_graph(
        [
            helper.make_node("NonZero", ["x"], ["n"]),
            helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["f"], ["t"]),
            helper.make_node("MatMul", ["t", "w"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 5])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones((2, 3), np.float32), "w")],
    )
    path = tmp_path / "places.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    (opinion,) = archprof.audit(str(path), counters=["onnxsim"]).opinions
    assert opinion.macs is None
    assert opinion.error == "ValueError: it does not find all shapes, so that its figure is a formula"


def test_a_counter_of_modules_is_refused(small: Path) -> None:
    with pytest.raises(UsageError, match=r"fvcore counts PyTorch's modules, and .* is a file"):
        archprof.audit(str(small), counters=["fvcore"])


def test_a_counter_of_files_is_refused() -> None:
    with pytest.raises(UsageError, match=r"onnx_tool counts ONNX files, and yolo11n\.yaml is none"):
        archprof.audit("yolo11n.yaml", counters=["onnx_tool"])
