"""Operators of ONNX Runtime that optimisers, quantisers and builders of language models write.

Shapes are those of ONNX Runtime's own results without optimisations, where its CPU provider has the operator. Products
are counted by hand. The signatures: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archprof.count.onnx_operators.ledger import Ledger, count
from archprof.count.onnx_operators.parameters import parameters
from archprof.sources.input_axes import InputSizes
from archprof.trace.onnx_graph.follow import follow
from archprof.trace.onnx_graph.inputs import size_inputs
from archprof.trace.onnx_graph.reader import understand

MICROSOFT = "com.microsoft"
SCALE, ZERO = np.float32(0.1), np.uint8(3)


def real(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def byte(*shape: int) -> Any:
    return np.full(shape, 7, np.uint8)


def int8(*shape: int) -> Any:
    return np.full(shape, 7, np.int8)


def number(value: int) -> Any:
    return np.array(value, np.int32)


@dataclass
class Case:
    """One operator with its inputs, and what it costs.

    Attributes:
        macs: Its products.
        flops: Its elementwise FLOPs, None where it is another test's.
        constant: Which of its inputs the file has the values of.
        runs: Whether ONNX Runtime's CPU provider has it.
    """

    type: str
    inputs: list[Any]
    macs: int
    flops: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1
    constant: tuple[int, ...] = ()
    runs: bool = True
    domain: str = MICROSOFT
    opset: int = 21

    @property
    def model(self) -> onnx.ModelProto:
        names = [f"input{index}" if value is not None else "" for index, value in enumerate(self.inputs)]
        arrays = {name: np.asarray(value) for name, value in zip(names, self.inputs, strict=True) if name}
        constants = {names[index] for index in self.constant}
        results = [f"output{index}" for index in range(self.outputs)]
        graph = helper.make_graph(
            [helper.make_node(self.type, names, results, domain=self.domain, **self.attributes)],
            "graph",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                for name, array in arrays.items()
                if name not in constants
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results],
            [numpy_helper.from_array(arrays[name], name) for name in constants],
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    @property
    def given(self) -> dict[str, Any]:
        return {
            f"input{index}": np.asarray(value)
            for index, value in enumerate(self.inputs)
            if value is not None and index not in self.constant
        }

    def ledger(self) -> Ledger:
        path = Path("case.onnx")
        file = understand(self.model, path)
        return count(follow(file, size_inputs(file.graph.inputs, InputSizes(), path)))


def grouped(past: int | None, total: int, *, new: int = 1, packed: bool = False, rotated: bool = False) -> Case:
    """Attention of 4 heads in 2 groups, 16 wide, in a batch of 2, ``total`` keys of which ``new`` are new."""
    batch, heads, groups, width = 2, 4, 2, 16
    projected = [real(batch, new, (heads + 2 * groups) * width), None, None]
    if not packed:
        projected = [real(batch, new, heads * width), *[real(batch, new, groups * width)] * 2]
    cache = [None, None] if past is None else [real(batch, groups, past, width)] * 2
    angles = [real(64, width // 2)] * 2 if rotated else []
    scores = batch * heads * new * total
    return Case(
        "GroupQueryAttention",
        [*projected, *cache, np.full(batch, total - 1, np.int32), number(total), *angles],
        # Each score is a product over the width, and so is each element of what the scores weigh.
        macs=2 * scores * width,
        # Scale and softmax; a rotated element is two products and their sum.
        flops=6 * scores + (3 * batch * new * (heads + groups) * width if rotated else 0),
        attributes={"num_heads": heads, "kv_num_heads": groups, "do_rotary": int(rotated)},
        outputs=3,
        constant=(6,),
    )


def linear(rule: str, heads: int = 4, groups: int = 2) -> Case:
    """Linear attention of 5 tokens with a state of 8×6 for each group."""
    rows, columns, tokens = 8, 6, 5
    # What joins a state and what reads it are products of its size; so is what the delta rule asks it first.
    asked = groups if "delta" in rule else 0
    gate = real(1, tokens, groups)
    return Case(
        "LinearAttention",
        [
            real(1, tokens, heads * rows),
            real(1, tokens, groups * rows),
            real(1, tokens, groups * columns),
            real(1, groups, rows, columns),
            gate if "gated" in rule else None,
            gate if "delta" in rule else None,
        ],
        macs=tokens * rows * columns * (groups + asked + max(heads, groups)),
        attributes={"q_num_heads": heads, "kv_num_heads": groups, "update_rule": rule},
        outputs=2,
    )


def experts(activation: str, *, halves: int = 1, third: bool = False, runs: bool = True) -> Case:
    """6 tokens 8 wide, each sent to 2 of 4 experts, 16 wide within."""
    tokens, chosen, width, inner = 6, 2, 8, 16
    weights = [real(4, halves * inner, width), None, real(4, width, inner), None]
    weights += [real(4, inner, width)] if third else []
    return Case(
        "MoE",
        [real(tokens, width), real(tokens, 4), *weights],
        macs=tokens * chosen * (halves * inner * width + inner * width + (inner * width if third else 0)),
        attributes={"k": chosen, "activation_type": activation, "swiglu_fusion": halves - 1},
        runs=runs,
    )


def packed_experts(bits: int, *, halves: int = 1, **attributes: int) -> Case:
    """As above, with 32 wide tokens and experts, and weights of a few bits."""
    tokens, chosen, width = 6, 2, 32
    return Case(
        "QMoE",
        [
            real(tokens, width),
            real(tokens, 4),
            *(byte(4, halves * width, width * bits // 8), real(4, halves * width), None),
            *(byte(4, width, width * bits // 8), real(4, width), None),
        ],
        macs=tokens * chosen * (halves + 1) * width * width,
        attributes={
            "k": chosen,
            "activation_type": "swiglu" if halves == 2 else "silu",
            "swiglu_fusion": halves - 1,
            **attributes,
        },
        constant=(2, 3, 5, 6),
    )


IMAGE, KERNEL = real(1, 3, 8, 8), real(4, 3, 3, 3)
CASES = {
    # 4·6·6 results, each of 27 products.
    "fused convolution": Case(
        "FusedConv", [IMAGE, KERNEL, real(4)], 144 * 27, 2 * 144, {"activation": "Relu", "kernel_shape": [3, 3]}
    ),
    "with an addend": Case(
        "FusedConv", [IMAGE, KERNEL, real(4), real(1, 4, 6, 6)], 144 * 27, 3 * 144,
        {"activation": "Relu", "kernel_shape": [3, 3]},
    ),
    "channels last": Case("NhwcConv", [real(1, 8, 8, 3), real(4, 3, 3, 3)], 144 * 27, 0, runs=False),
    "channels last, fused": Case(
        "NhwcFusedConv", [real(1, 8, 8, 3), KERNEL, real(4)], 144 * 27, 288, {"activation": "Relu"}, runs=False
    ),
    # 3·4·4 results, the largest of 4 each.
    "pooling, channels last": Case(
        "NhwcMaxPool", [int8(1, 8, 8, 3)], 0, 48 * 4, {"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
    "causal": Case(
        "CausalConvWithState", [real(2, 6, 10), real(6, 1, 4), real(6), real(2, 6, 3)], 120 * 4, 120 * 3,
        {"activation": "silu"}, outputs=2,
    ),
    "causal, channels last": Case(
        "CausalConvWithState", [real(2, 10, 6), real(6, 1, 4)], 120 * 4, 0, {"channels_last": 1}, outputs=2
    ),
    # 4·6 results of 5 products; a bias and an activation.
    "fused product": Case("FusedGemm", [real(4, 5), real(5, 6), real(6)], 120, 48, {"activation": "Relu"}),
    "transposed": Case("FusedMatMul", [real(2, 4, 5), real(2, 6, 5)], 240, 0, {"transB": 1, "alpha": 0.5}),
    "transposed batch": Case("FusedMatMul", [real(4, 2, 5), real(2, 5, 6)], 240, 0, {"transBatchA": 1}),
    "integers": Case(
        "QGemm", [byte(4, 5), SCALE, ZERO, int8(5, 6), SCALE, np.int8(0), np.zeros(6, np.int32), SCALE, ZERO], 120, 120,
    ),
    "integers to floats": Case(
        "MatMulIntegerToFloat", [byte(4, 5), int8(5, 6), SCALE, SCALE, ZERO, np.int8(0), real(6)], 120, 48
    ),
    # 21 rows × 64 × 10; each of the weight's 640 elements is dequantised.
    **{
        f"{bits} bits": Case(
            "MatMulNBits", [real(3, 7, 64), byte(10, 2, 4 * bits), real(10, 2)], 21 * 640, 2 * 640,
            {"K": 64, "N": 10, "bits": bits, "block_size": 32}, constant=(1, 2),
        )
        for bits in (4, 8)
    },
    "NF4": Case(
        "MatMulBnb4", [real(3, 64), byte(320), real(10)], 3 * 640, None,
        {"K": 64, "N": 10, "block_size": 64, "quant_type": 1}, constant=(1, 2),
    ),
    # Two weights of 10×64, SiLU and a product for each of 3×10; the norm of 3×64.
    "packed gate": Case(
        "MatMulNBitsMlp", [real(3, 64), None, real(64), *[byte(10, 2, 16), real(10, 2), None] * 2], 3 * 1280,
        2 * 1280 + 3 * 30 + 4 * 192, {"K": 64, "N": 10, "block_size": 32, "activation": "silu"},
        constant=(2, 3, 4, 6, 7), runs=False,
    ),
    "packed heads": Case(
        "MatMulNBitsQkv",
        [real(3, 64), None, real(64), byte(10, 2, 16), real(10, 2), None, *[byte(5, 2, 16), real(5, 2), None] * 2],
        3 * 64 * 20, 2 * 64 * 20 + 4 * 192, {"K": 64, "Nq": 10, "Nkv": 5, "block_size": 32}, outputs=3,
        constant=(2, 3, 4, 6, 7, 9, 10), runs=False,
    ),
    # 12 rows of 32 to 96; then 2 products of 2·4·6·6 scores and 8 wide heads.
    "projected attention": Case(
        "Attention", [real(2, 6, 32), real(32, 96), real(96)], 12 * 32 * 96 + 2 * 288 * 8, None, {"num_heads": 4}
    ),
    "of 6 and 3 keys before": Case(
        "Attention", [real(2, 6, 32), real(32, 96), real(96), None, real(2, 2, 4, 3, 8)],
        12 * 32 * 96 + 2 * 432 * 8, None, {"num_heads": 4}, outputs=2,
    ),
    "quantised attention": Case(
        "QAttention", [byte(2, 6, 32), int8(32, 96), real(96), SCALE, SCALE, None, ZERO, np.int8(0)],
        12 * 32 * 96 + 2 * 288 * 8, None, {"num_heads": 4},
    ),
    # Scores 2·4·6·9, each of 8 products; what they weigh is 12 wide.
    "wider values": Case(
        "MultiHeadAttention", [real(2, 6, 32), real(2, 9, 32), real(2, 9, 48)], 432 * (8 + 12), 6 * 432,
        {"num_heads": 4},
    ),
    "keys of before": Case(
        "MultiHeadAttention", [*[real(2, 6, 32)] * 3, None, None, None, *[real(2, 4, 5, 8)] * 2], 2 * 528 * 8, None,
        {"num_heads": 4}, outputs=3,
    ),
    # The fourth of 10 places is taken: 4 keys for each of 2·4 heads.
    "a buffer that is filled": Case(
        "DecoderMaskedMultiHeadAttention",
        [*[real(2, 1, 32)] * 3, None, None, *[real(2, 4, 10, 8)] * 2, np.array([3], np.int32)],
        2 * 2 * 4 * 4 * 8, None, {"num_heads": 4, "past_present_share_buffer": 1}, outputs=3, constant=(7,),
    ),
    "groups": grouped(None, 6, new=6),
    "groups, packed": grouped(None, 6, new=6, packed=True),
    "groups, rotated": grouped(None, 6, new=6, rotated=True),
    "groups, 5 before": grouped(5, 6),
    "groups, 5 before, rotated": grouped(5, 6, packed=True, rotated=True),
    "groups, in a buffer of 16": grouped(16, 6),
    "linear": linear("linear"),
    "gated": linear("gated"),
    "delta": linear("delta"),
    "gated delta": linear("gated_delta"),
    "more groups than heads": linear("gated_delta", 2, 4),
    "experts": experts("relu"),
    "experts with a gate": experts("silu", third=True, runs=False),
    "experts with a gate in one weight": experts("swiglu", halves=2),
    "packed experts": packed_experts(4),
    "packed experts, said": packed_experts(4, expert_weight_bits=4),
    "packed experts of 8 bits": packed_experts(8, expert_weight_bits=8),
    "packed experts with a gate": packed_experts(4, halves=2),
    "SiLU, as the runtime fuses it": Case("QuickGelu", [real(2, 3)], 0, 2 * 6, {"alpha": 1.0}),
    "quick GELU": Case("QuickGelu", [real(2, 3)], 0, 3 * 6),
    "gate": Case("SwiGLU", [real(2, 3, 8), real(2, 3, 8)], 0, 3 * 48, runs=False),
    "gate of one tensor": Case("SwiGLU", [real(2, 3, 16)], 0, 3 * 48, runs=False),
    # 5 ones of 2·3 rows, 5 columns; L · U has 2 + 2·4 and 1 + 2·1 FLOPs, and 3 columns 2·9 − 3 each.
    "inverse": Case("Inverse", [real(2, 3, 3) + 5 * np.eye(3, dtype=np.float32)], 0, 2 * (13 + 45)),
    "samples": Case("GridSample", [real(1, 2, 4, 4), real(1, 3, 5, 2)], 0, 7 * 30),
    "padding": Case("Pad", [real(2, 3), np.array([1, 0, 0, 2])], 0, 0, constant=(1,)),
    "gather": Case("GatherND", [real(5, 6, 7), np.array([[0, 1], [2, 3]])], 0, 0),
    # Words, positions and segments are dequantised (2) and added (2); a norm (6) with factor and shift (2).
    "quantised embedding": Case(
        "QEmbedLayerNormalization",
        [np.ones((2, 6), np.int32), np.ones((2, 6), np.int32), *(byte(length, 16) for length in (20, 10, 2)),
         byte(16), byte(16), None, *[SCALE] * 5, *[ZERO] * 5],
        0, 192 * (6 + 2 + 8), outputs=2,
    ),
    "skip": Case("SkipLayerNormalization", [real(2, 6, 32), real(2, 6, 32), real(32), real(32)], 0, 384 * 9),
    # Deprecated for 20 opsets, in ONNX's own words; ONNX Runtime runs it.
    "a norm of opset 18": Case(
        "GroupNormalization", [real(2, 6, 4), real(2), real(2)], 0, 8 * 48, {"num_groups": 2}, domain="", opset=18
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operator(name: str) -> None:
    case = CASES[name]
    ledger = case.ledger()
    assert [entry.state for entry in ledger.entries] in (["counted"], ["free"])
    assert ledger.macs == case.macs
    if case.flops is not None:
        assert ledger.elementwise_flops == case.flops


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.runs])
def test_its_shapes_are_those_of_the_runtime(name: str) -> None:
    import onnxruntime

    case = CASES[name]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    content = _with_types(case).SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    results = session.run(None, case.given)
    (operation,) = case.ledger().trace.operations
    made = operation.outputs[: len(results)]
    assert [tensor.shape for tensor in made if tensor] == [result.shape for result in results]
    assert [tensor.dtype for tensor in made if tensor] == [str(result.dtype) for result in results]


def _with_types(case: Case) -> onnx.ModelProto:
    """The model with the types that we say its results have: the runtime refuses others."""
    model = case.model
    (operation,) = case.ledger().trace.operations
    for info, tensor in zip(model.graph.output, operation.outputs, strict=True):
        if tensor is not None:
            info.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return model


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        # Of 4 experts, two weights of 32×32 each; their scales are how they are stored.
        ("packed experts", 4 * 2 * 32 * 32),
        ("packed experts of 8 bits", 4 * 2 * 32 * 32),
        ("packed gate", 2 * 640 + 64),
        ("packed heads", 64 * 20 + 64),
        ("4 bits", 640),
    ],
)
def test_packed_weights_are_the_parameters_that_they_stand_for(name: str, elements: int) -> None:
    assert parameters(CASES[name].ledger()).elements == elements


def test_tables_of_angles_are_no_parameters() -> None:
    case = CASES["groups, rotated"]
    case.constant = (6, 7, 8)
    assert parameters(case.ledger()).elements == 0
