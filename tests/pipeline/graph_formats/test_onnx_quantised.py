"""Files that ONNX Runtime's quantisers and optimisers wrote of one network: the same products in other operators."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

import archprof
from archprof.latency.output_capture import output_logged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.records.profile import Profile


class Samples:
    """Two inputs to calibrate on."""

    def __init__(self, shape: tuple[int, ...], name: str) -> None:
        generator = np.random.default_rng(0)
        self.remaining = [{name: generator.random(shape, dtype=np.float32)} for _ in range(2)]

    def get_next(self) -> dict[str, Any] | None:
        return self.remaining.pop() if self.remaining else None

    def __iter__(self) -> Samples:
        return self


def static(form: str) -> Callable[[Path, Path], None]:
    def write(source: Path, target: Path) -> None:
        from onnxruntime.quantization import QuantFormat, quantize_static

        quantize_static(source, target, Samples((1, 3, 64, 64), "input0"), quant_format=QuantFormat[form])

    return write


def dynamic(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)


def optimised(level: str) -> Callable[[Path, Path], None]:
    def write(source: Path, target: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.optimized_model_filepath = str(target)
        options.log_severity_level = 4
        onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])

    return write


@pytest.fixture
def source(export_onnx: Callable[..., Path], tiny: str, tmp_path: Path) -> Path:
    """Two convolutions of 16 and 32 channels, one of 1,280, and a linear layer."""
    path = tmp_path / "tiny.yaml"
    path.write_text(tiny, encoding="utf-8")
    return export_onnx(str(path), 64)


def rewritten(source: Path, write: Callable[[Path, Path], None]) -> Profile:
    target = source.with_name("rewritten.onnx")
    logging.disable(logging.WARNING)
    try:
        with output_logged("the quantiser"):
            write(source, target)
    finally:
        logging.disable(logging.NOTSET)
    return archprof.profile(str(target))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("write", "operator"),
    [
        pytest.param(static("QDQ"), "Conv (float32 (int8 dequantised))", id="QDQ"),
        pytest.param(static("QOperator"), "QLinearConv (int8)", id="QOperator"),
        pytest.param(dynamic, "ConvInteger (uint8)", id="dynamic"),
        pytest.param(optimised("ORT_ENABLE_BASIC"), "Conv", id="basic"),
        pytest.param(optimised("ORT_ENABLE_EXTENDED"), "Conv", id="extended"),
    ],
)
def test_the_products_stay(source: Path, write: Callable[[Path, Path], None], operator: str) -> None:
    before, after = archprof.profile(str(source)), rewritten(source, write)
    assert after.totals.macs == before.totals.macs
    assert after.coverage.unknown == {}
    assert operator in {operation.name for operation in after.operations if operation.macs}


@pytest.mark.filterwarnings("ignore")
def test_packed_weights_count_as_many_elements_as_they_stand_for(tmp_path: Path) -> None:
    """A linear layer of 256 × 64 weights of four bits, on 2 · 7 rows."""
    from onnx import TensorProto, helper, numpy_helper
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    weight = np.random.default_rng(0).random((256, 64), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "product")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 7, 256])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 7, 64])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    quantiser = MatMulNBitsQuantizer(model, bits=4, block_size=32, is_symmetric=True)
    quantiser.process()
    quantiser.model.save_model_to_file(str(tmp_path / "packed.onnx"))
    profile = archprof.profile(str(tmp_path / "packed.onnx"))
    assert "MatMulNBits" in {node.op_type for node in onnx.load(tmp_path / "packed.onnx").graph.node}
    assert profile.totals.macs == 2 * 7 * 256 * 64
    assert profile.totals.parameters == 256 * 64
    assert [operation.name for operation in profile.operations] == ["com.microsoft.MatMulNBits (float32×int4)"]


@pytest.mark.filterwarnings("ignore")
def test_shapes_of_a_layout_that_the_runtime_chose(source: Path) -> None:
    before, after = archprof.profile(str(source)), rewritten(source, optimised("ORT_ENABLE_ALL"))
    assert after.coverage.unknown == {}
    # Channels are filled up to a multiple of what a vector holds; those of this network are already.
    assert after.totals.macs == before.totals.macs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
def test_how_many_convolutions_run_on_integers(source: Path, activations: str) -> None:
    """Signed activations are the quantiser's default, with which a SiLU keeps convolutions in floating point."""
    from onnxruntime.quantization import QuantType, quantize_static

    def write(source: Path, target: Path) -> None:
        quantize_static(source, target, Samples((1, 3, 64, 64), "input0"), activation_type=QuantType[activations])

    remarks = rewritten(source, write).environment.remarks

    quantised = source.with_name("rewritten.onnx")
    in_file = sum(node.op_type == "Conv" for node in onnx.load(quantised).graph.node)
    optimised("ORT_ENABLE_ALL")(quantised, source.with_name("run.onnx"))
    run = [node.op_type for node in onnx.load(source.with_name("run.onnx")).graph.node if "Conv" in node.op_type]
    integer = sum(type_ in ("QLinearConv", "ConvInteger") for type_ in run)
    (sentence,) = (remark for remark in remarks if "on integers" in remark)
    assert sentence.startswith(f"{in_file} of the file's {in_file} convolutions are on integers; ONNX Runtime ")
    assert sentence.endswith(f" runs {integer} on integers, and {len(run) - integer} not")


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_file_without_its_weights_is_not_run(source: Path) -> None:
    quantised = source.with_name("quantised.onnx")
    with output_logged("the quantiser"):
        static("QDQ")(source, quantised)
    target = source.with_name("weightless.onnx")
    onnx.save(onnx.load(quantised), target, save_as_external_data=True, location="weights.bin", size_threshold=64)
    target.with_name("weights.bin").unlink()

    remarks = archprof.profile(str(target)).environment.remarks

    assert any("how ONNX Runtime runs them is not known: the weights in 'weights.bin'" in text for text in remarks)
