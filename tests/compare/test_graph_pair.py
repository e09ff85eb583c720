"""Two ONNX files: before and after folding, optimising and quantising by ONNX Runtime's own tools."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import archprof
from archprof.latency.output_capture import output_logged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from archprof.records.comparison import Pair

SIZE = 64

NET = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [32, 3, 1]]
  - [-1, 1, Conv, [32, 1, 1]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def source(export_onnx: Callable[..., Path], tmp_path: Path) -> Path:
    """Five convolutions and a linear layer, whose activations are of the size of their inputs."""
    (tmp_path / "net.yaml").write_text(NET, encoding="utf-8")
    path = export_onnx(str(tmp_path / "net.yaml"), SIZE)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if len(tensor.dims) > 1:
            weight = numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(weight / weight[0].size, tensor.name))
    onnx.save(model, path)
    return path


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Quantisers advise on their root logger."""
    logging.disable(logging.WARNING)
    with output_logged("the quantiser"):
        yield
    logging.disable(logging.NOTSET)


class Samples:
    """One input to calibrate on."""

    def __init__(self) -> None:
        self.remaining = [{"input0": np.random.default_rng(0).random((1, 3, SIZE, SIZE), dtype=np.float32)}]

    def get_next(self) -> dict[str, Any] | None:
        return self.remaining.pop() if self.remaining else None


def compared(before: Path, after: Path) -> Pair:
    (pair,) = archprof.compare(str(before), str(after)).pairs
    return pair


def convolutions(path: Path) -> int:
    return sum(node.op_type == "Conv" for node in onnx.load(path).graph.node)


def nodes(path: Path, *types: str) -> int:
    return sum(not types or node.op_type in types for node in onnx.load(path).graph.node)


def without_names(path: Path) -> Path:
    """The same file with numbers for the names of its nodes, weights and tensors."""
    model = onnx.load(path)
    names = {value.name: value.name for value in model.graph.input}
    for tensor in model.graph.initializer:
        tensor.name = names.setdefault(tensor.name, f"w{len(names)}")
    for index, node in enumerate(model.graph.node):
        node.name = f"n{index}"
        for field in (node.input, node.output):
            field[:] = [names.setdefault(name, f"t{len(names)}") if name else "" for name in field]
    for value in model.graph.output:
        value.name = names[value.name]
    del model.graph.value_info[:]
    target = path.with_name("nameless.onnx")
    onnx.save(model, target)
    return target


def convolutions_with_normalisations(path: Path) -> Path:
    """Two convolutions with a normalisation each, and a shape that is computed as exporters write it."""
    random = np.random.default_rng(0)
    weights = {"a.weight": (8, 3, 3, 3), "b.weight": (8, 8, 3, 3)}
    weights |= {f"{name}.{key}": (8,) for name in ("n", "m") for key in ("scale", "bias", "mean", "var")}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "a.weight"], ["c"], pads=[1] * 4),
            helper.make_node("BatchNormalization", ["c", "n.scale", "n.bias", "n.mean", "n.var"], ["d"]),
            helper.make_node("Relu", ["d"], ["e"]),
            helper.make_node("Conv", ["e", "b.weight"], ["f"], pads=[1] * 4),
            helper.make_node("BatchNormalization", ["f", "m.scale", "m.bias", "m.mean", "m.var"], ["g"]),
            helper.make_node("Shape", ["g"], ["s"]),
            helper.make_node("Reshape", ["g", "s"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 8, 8])],
        [numpy_helper.from_array(random.random(shape, dtype=np.float32), name) for name, shape in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def optimised(source: Path, level: str) -> Path:
    """What ONNX Runtime makes of a file."""
    target = source.with_name("optimised.onnx")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    return target


def test_normalisations_and_constants_that_were_folded(tmp_path: Path) -> None:
    plain = convolutions_with_normalisations(tmp_path / "plain.onnx")

    pair = compared(plain, optimised(plain, "ORT_ENABLE_BASIC"))

    assert nodes(tmp_path / "optimised.onnx", "BatchNormalization", "Shape") == 0
    assert f"7 nodes → {nodes(tmp_path / 'optimised.onnx')}" in pair.export
    assert "2 normalisations folded into convolutions" in pair.export
    assert "constants folded: 1 Shape fewer" in pair.export
    assert "all 2 modules that multiply have the MACs that they had" in pair.export


def test_a_single_module_that_multiplies(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Identity", ["p"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 5])],
        [numpy_helper.from_array(np.ones((4, 5), np.float32), "w")],
    )
    path = tmp_path / "plain.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    pair = compared(path, optimised(path, "ORT_ENABLE_BASIC"))
    assert "the module that multiplies has the MACs that it had" in pair.export


def test_what_a_runtime_fused(source: Path) -> None:
    fused = optimised(source, "ORT_ENABLE_EXTENDED")

    pair = compared(source, fused)

    assert any(
        sentence.startswith(f"nodes fused: {nodes(fused, 'QuickGelu')} QuickGelu") and " Sigmoid" in sentence
        for sentence in pair.export
    )
    assert any(sentence.startswith("all ") for sentence in pair.export)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_static_quantisation(source: Path, form: str) -> None:
    from onnxruntime.quantization import QuantFormat, quantize_static

    target = source.with_name("int8.onnx")
    first = next(node.name for node in onnx.load(source).graph.node if node.op_type == "Conv")
    quantize_static(source, target, Samples(), quant_format=QuantFormat[form], nodes_to_exclude=[first])
    count = convolutions(source)

    pair = compared(source, target)

    form_sentence = {
        "QDQ": f"quantised in QDQ form ({nodes(target, 'QuantizeLinear')} QuantizeLinear and "
        f"{nodes(target, 'DequantizeLinear')} DequantizeLinear)",
        "QOperator": "quantised in operators of integers (QLinearConv and others of its kind)",
    }
    assert form_sentence[form] in pair.export
    left = first.strip("/").replace("/", ".").removesuffix(".Conv")  # in floating point, as people leave it
    assert f"{count - 1} of {count} convolutions on integers in the file; in floating point: {left}" in pair.export
    assert any(sentence.startswith("all ") and "have the MACs that they had" in sentence for sentence in pair.export)


@pytest.mark.filterwarnings("ignore")
def test_dynamic_quantisation(source: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = source.with_name("dynamic.onnx")
    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)

    export = compared(source, target).export

    assert any(sentence.startswith("quantised dynamically") for sentence in export)
    count = convolutions(source)
    assert f"{count} of {count} convolutions on integers in the file" in export


@pytest.mark.filterwarnings("ignore")
def test_weights_of_a_quantised_file_stay_with_their_modules(source: Path) -> None:
    from onnxruntime.quantization import QuantFormat, quantize_static

    target = source.with_name("int8.onnx")
    quantize_static(source, target, Samples(), quant_format=QuantFormat.QDQ)

    before, after = ({module.path: module for module in archprof.profile(str(p)).modules} for p in (source, target))

    for path in (path for path, module in before.items() if module.own_macs and module.own_parameters):
        assert after[path].own_parameters == before[path].own_parameters


def test_two_files_without_common_names(source: Path) -> None:
    pair = compared(source, without_names(source))

    assert any(sentence.startswith("all ") for sentence in pair.export)
    assert {change.flops for change in pair.changes} == {0}
