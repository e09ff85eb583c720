"""Every operator that computes among the models of one node that the package `onnx` brings, counted by brute force.

Shapes are those of the arrays that the package computed. Products are counted by loops over what the operator's
definition loops over (https://onnx.ai/onnx/operators), or by numbers that count their own products; elementwise
functions by the functions in the definition, one FLOP for each on each element.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from archprof.count.onnx_operators.ledger import Entry, count
from archprof.sources.input_axes import InputSizes
from archprof.trace.onnx_graph.follow import follow
from archprof.trace.onnx_graph.inputs import size_inputs
from archprof.trace.onnx_graph.reader import understand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Figures = tuple[int, int]


def words(text: str) -> Iterable[str]:
    """Names that are separated by blanks."""
    return text.split()


@dataclass
class Case:
    """A model of one node with arrays for its inputs and outputs; None for those that it does not have."""

    name: str
    model: onnx.ModelProto
    inputs: list[Any]
    outputs: list[Any]
    attributes: dict[str, Any] = field(default_factory=dict)

    def given(self, index: int) -> Any:
        return self.inputs[index] if index < len(self.inputs) else None

    def shape(self, index: int) -> tuple[int, ...]:
        return tuple(self.inputs[index].shape)

    @property
    def out(self) -> int:
        """Elements of the first output."""
        return int(self.outputs[0].size)

    def size(self, index: int) -> int:
        return int(self.inputs[index].size)


class Number:
    """A number that counts the products that it takes part in."""

    products = 0

    def __mul__(self, other: object) -> Number:
        Number.products += 1
        return self

    __rmul__ = __mul__

    def __add__(self, other: object) -> Number:
        return self

    __radd__ = __add__


def numbers(*shape: int) -> Any:
    return np.full(shape, Number(), dtype=object)


def products_of(function: Callable[..., Any], *shapes: tuple[int, ...]) -> int:
    """The products that a function of NumPy does with arrays of these shapes."""
    Number.products = 0
    function(*(numbers(*shape) for shape in shapes))
    return Number.products


# ----------------------------------------------------------------------------------------------------------------------
# Convolutions


def convolution(case: Case, source: int = 0, weight: int = 1) -> int:
    """A product for each output element, each channel of its group, each point of the kernel."""
    _, per_group, *kernel = case.shape(weight)
    products = 0
    for _element in range(case.out):
        for _channel in range(per_group):
            for _point in itertools.product(*map(range, kernel)):
                products += 1
    return products


def conv(case: Case) -> Figures:
    return convolution(case), case.out if case.given(2) is not None else 0


def conv_transpose(case: Case) -> Figures:
    """A product for each input element, each output channel of its group, each point of the kernel."""
    _, per_group, *kernel = case.shape(1)
    products = 0
    for _element in range(case.size(0)):
        for _channel in range(per_group):
            for _point in itertools.product(*map(range, kernel)):
                products += 1
    return products, case.out if case.given(2) is not None else 0


def conv_integer(case: Case) -> Figures:
    return convolution(case), 0


def qlinear_conv(case: Case) -> Figures:
    """Quotient by the scale, round, zero point, saturation for each result; a bias where there is one."""
    return convolution(case, 0, 3), case.out * (4 + (case.given(8) is not None))


def deform_conv(case: Case) -> Figures:
    """Each point of the kernel reads between four pixels: 4 products, 3 sums. Offsets move and clip in both axes."""
    batch, channels, *_ = case.shape(0)
    kernel = case.shape(1)[2:]
    samples = 0
    for _position in itertools.product(range(batch), *map(range, case.outputs[0].shape[2:])):
        for _point in itertools.product(range(channels), *map(range, kernel)):
            samples += 1
    masked = samples if case.given(4) is not None else 0
    biased = case.out if case.given(3) is not None else 0
    return convolution(case), 7 * samples + masked + 2 * case.size(2) + biased


def causal_conv(case: Case) -> Figures:
    """Depthwise: each output element meets its channel's kernel; SiLU is two functions."""
    products = 0
    for _element in range(case.out):
        for _tap in range(case.shape(1)[-1]):
            products += 1
    activation = {"none": 0, "silu": 2, "swish": 2}[case.attributes.get("activation", "none")]
    return products, case.out * (activation + (case.given(2) is not None))


# ----------------------------------------------------------------------------------------------------------------------
# Products


def matmul(case: Case) -> Figures:
    return products_of(np.matmul, case.shape(0), case.shape(1)), 0


def gemm(case: Case) -> Figures:
    left, right = (tuple(case.shape(index)) for index in (0, 1))
    left = left[::-1] if case.attributes.get("transA") else left
    right = right[::-1] if case.attributes.get("transB") else right
    return products_of(np.matmul, left, right), case.out if case.given(2) is not None else 0


def qlinear_matmul(case: Case) -> Figures:
    return products_of(np.matmul, case.shape(0), case.shape(3)), 4 * case.out


def einsum(case: Case) -> Figures:
    """The package's equations have one or two factors. One factor: its sums, nothing multiplied."""
    equation = case.attributes["equation"].replace(" ", "")
    shapes = [value.shape for value in case.inputs]
    if len(shapes) == 2:
        sizes: dict[str, int] = {}
        for text, shape in zip(equation.partition("->")[0].split(","), shapes, strict=True):
            labels = list(text.replace("...", "." * (len(shape) - len(text.replace("...", "")))))
            sizes.update(zip(labels, shape, strict=True))
        return prod(sizes.values()), 0
    text, _, result = equation.partition("->")
    summed = set(text) - set(result) - {"."}
    return 0, case.size(0) if summed else 0


def affine_grid(case: Case) -> Figures:
    """Every point, with a 1 behind its coordinates, meets every row of its image's matrix."""
    batch, rows, columns = case.shape(0)
    points = case.out // (batch * rows)
    return sum(products_of(np.matmul, (points, columns), (columns, rows)) for _ in range(batch)), 0


def recurrent(gates: int, unit: int) -> Callable[[Case], Figures]:
    """Every token meets every row of both weights, in each direction.

    Args:
        gates: Rows for each unit, each of which may have two biases.
        unit: Functions for each unit and token: the sum of both products of each gate, activations, and the state.
    """

    def figures(case: Case) -> Figures:
        source, weight, recurrence = case.shape(0), case.shape(1), case.shape(2)
        length, batch = source[:2]  # or the other way round
        directions, hidden = recurrence[0], recurrence[-1]
        products = 0
        for _token in range(length * batch):
            for _direction in range(directions):
                products += products_of(np.matmul, weight[1:], (source[-1],))
                products += products_of(np.matmul, recurrence[1:], (hidden,))
        functions = unit + (2 * gates if case.given(3) is not None else 0)
        if case.given(7) is not None:  # peepholes of three gates: a product and a sum
            functions += 6
        return products, length * batch * directions * hidden * functions

    return figures


def heads_of(case: Case, index: int, attribute: str) -> tuple[int, ...]:
    shape = case.shape(index)
    if len(shape) == 4:
        return shape
    heads = case.attributes[attribute]
    return shape[0], heads, shape[1], shape[2] // heads


def attention(case: Case) -> Figures:
    """Every query meets every key, past ones too; then scale, and a softmax of 5 functions. A cap is 3 more."""
    batch, heads, queries, width = heads_of(case, 0, "q_num_heads")
    keys, value_width = heads_of(case, 1, "kv_num_heads")[2], heads_of(case, 2, "kv_num_heads")[3]
    if case.given(4) is not None:
        keys += case.shape(4)[2]
    products = 0
    for _head in range(batch * heads):
        products += products_of(np.matmul, (queries, width), (width, keys))
        products += products_of(np.matmul, (queries, keys), (keys, value_width))
    functions = 6 + (3 if case.attributes.get("softcap") else 0)
    return products, functions * batch * heads * queries * keys


def linear_attention(case: Case) -> Figures:
    """Token by token, as the operator's definition has it: S is a matrix of (key width, value width) for each head."""
    batch, tokens, _ = case.shape(0)
    heads, groups = case.attributes["q_num_heads"], case.attributes["kv_num_heads"]
    width = case.shape(0)[2] // heads
    value_width = case.shape(2)[2] // groups
    rule = case.attributes.get("update_rule", "gated_delta")
    products = functions = 0
    for _token in range(batch * tokens):
        for _group in range(groups):
            if "gated" in rule:
                functions += width * value_width  # S · decay
            if "delta" in rule:
                products += products_of(np.matmul, (width,), (width, value_width))  # k · S
                functions += 2 * value_width  # β (v − k · S)
            products += products_of(np.outer, (width,), (value_width,))  # S + k ⊗ …
        for _head in range(heads):
            products += products_of(np.matmul, (width,), (width, value_width))  # q · S
            functions += value_width  # its scale
    return products, functions


# ----------------------------------------------------------------------------------------------------------------------
# Everything else


def per_output(functions: int) -> Callable[[Case], Figures]:
    return lambda case: (0, functions * case.out)


def per_input(functions: int) -> Callable[[Case], Figures]:
    return lambda case: (0, functions * case.size(0))


def joined(extra: int = 0) -> Callable[[Case], Figures]:
    """Of n inputs each element takes n − 1 functions; a mean takes a quotient more."""
    return lambda case: (0, (len(case.inputs) - 1 + extra) * case.out)


def reduction(per_element: int, per_result: int = 0) -> Callable[[Case], Figures]:
    """Nothing where no axis is named and that means none."""

    def figures(case: Case) -> Figures:
        axes = case.given(1)
        if case.attributes.get("noop_with_empty_axes") and (axes is None or not axes.size):
            return 0, 0
        return 0, per_element * case.size(0) + per_result * case.out

    return figures


def window(per_element: int, per_window: int = 0) -> Callable[[Case], Figures]:
    return lambda case: (0, case.out * (per_element * prod(case.attributes["kernel_shape"]) + per_window))


def layer_normalization(case: Case) -> Figures:
    """Mean and variance 4, subtract and divide 2, a scale, and a shift where there is one."""
    return 0, case.size(0) * (7 + (case.given(2) is not None))


def batch_normalization(case: Case) -> Figures:
    """Subtract, multiply by 1/σ, scale, shift; training computes mean and variance, 4 more."""
    return 0, case.size(0) * (8 if case.attributes.get("training_mode") else 4)


def local_response(case: Case) -> Figures:
    """Square, a sum over the neighbours, factor, shift, power, quotient."""
    return 0, case.size(0) * (1 + case.attributes["size"] + 4)


def quantize(case: Case) -> Figures:
    """Quotient, round, saturate, and the zero point where there is one."""
    return 0, case.out * (3 + (case.given(2) is not None))


def dequantize(case: Case) -> Figures:
    return 0, case.out * (1 + (case.given(2) is not None))


def resize(case: Case) -> Figures:
    """Nearest moves pixels. Linear: 2ⁿ products and their sum. Cubic: 16 products and their sum."""
    mode = case.attributes.get("mode", "nearest")
    if mode == "nearest":
        return 0, 0
    axes = len(case.attributes["axes"]) if "axes" in case.attributes else len(case.shape(0)) - 2
    return 0, case.out * (31 if mode == "cubic" else 2**axes + 2**axes - 1)


def grid_sample(case: Case) -> Figures:
    mode = case.attributes.get("mode", "linear")
    if mode == "nearest":
        return 0, 0
    axes = case.shape(1)[-1]
    return 0, case.out * (31 if "cubic" in mode else 2**axes + 2**axes - 1)


def roi_align(case: Case) -> Figures:
    """ratio² bilinear samples of 7, and their mean: ratio² − 1 sums and a quotient; of a maximum no quotient."""
    samples = case.attributes["sampling_ratio"] ** 2
    return 0, case.out * (7 * samples + samples - (case.attributes.get("mode", "avg") == "max"))


def scatter(index: int) -> Callable[[Case], Figures]:
    """Moves elements, unless it joins them with what is there."""
    return lambda case: (0, case.size(index) if case.attributes.get("reduction", "none") != "none" else 0)


def top_k(case: Case) -> Figures:
    """A merge sort's comparisons: each element once in each of ⌈log₂ n⌉ rounds."""
    length = case.shape(0)[case.attributes.get("axis", -1)]
    rounds = 0
    while 2**rounds < length:
        rounds += 1
    return 0, case.size(0) * rounds


def suppression(case: Case) -> Figures:
    """Each pair of boxes, for each image and class: intersection 6, union 3, quotient, comparison."""
    batch, boxes = case.shape(0)[:2]
    pairs = sum(1 for _ in itertools.combinations(range(boxes), 2))
    return 0, batch * case.shape(1)[1] * pairs * 11


def determinant(case: Case) -> Figures:
    """Gaussian elimination, step by step, and the product of the diagonal."""
    *batch, size, _ = case.shape(0)
    functions = size
    for pivot in range(size):
        for _row in range(pivot + 1, size):
            functions += 1
            functions += 2 * (size - pivot - 1)
    return 0, prod(batch) * functions


def rotary(case: Case) -> Figures:
    """Two products and a sum, x · cos ∓ x' · sin, on the elements that turn."""
    width = case.shape(0)[-1] if len(case.shape(0)) == 4 else case.shape(0)[-1] // case.attributes["num_heads"]
    turning = case.attributes.get("rotary_embedding_dim") or width
    return 0, 3 * case.size(0) * turning // width


def fourier(length: int, *, real: bool) -> int:
    """5 N log₂ N for complex numbers, half of that where one side is real."""
    rounds = 0
    while 2**rounds < length:
        rounds += 1
    flops = 5 * length * rounds
    return flops // 2 if real else flops


def dft(case: Case) -> Figures:
    shape, result = case.shape(0), case.outputs[0].shape
    if case.model.opset_import[0].version < 20:
        axis = case.attributes.get("axis", 1)
    else:
        axis = int(case.given(2)) if case.given(2) is not None else -2
    length = int(case.given(1)) if case.given(1) is not None else max(shape[axis], result[axis])
    lines = prod(shape[:-1]) // shape[axis]
    return 0, lines * fourier(length, real=1 in (shape[-1], result[-1]))


def stft(case: Case) -> Figures:
    """Each frame is multiplied by the window and transformed; the package's signals are real."""
    batch, frames = case.outputs[0].shape[:2]
    window_ = case.given(2)
    length = int(case.given(3)) if case.given(3) is not None else window_.size
    windowed = batch * frames * length if window_ is not None else 0
    return 0, windowed + batch * frames * fourier(length, real=True)


ORACLES: dict[str, Callable[[Case], Figures]] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "ConvInteger": conv_integer,
    "QLinearConv": qlinear_conv,
    "DeformConv": deform_conv,
    "CausalConvWithState": causal_conv,
    "MatMul": matmul,
    "MatMulInteger": matmul,
    "Gemm": gemm,
    "QLinearMatMul": qlinear_matmul,
    "Einsum": einsum,
    "AffineGrid": affine_grid,
    # RNN: the products' sum, tanh. GRU: two gates of sum and sigmoid; r·, +, tanh; 3 for n + z · (h − n).
    "RNN": recurrent(1, 2),
    "GRU": recurrent(3, 2 * 2 + 3 + 3),
    # Four gates of sum and activation; f · c + i · g (3), tanh, o · (2).
    "LSTM": recurrent(4, 4 * 2 + 5),
    "Attention": attention,
    "LinearAttention": linear_attention,
    "RotaryEmbedding": rotary,
    # One function for each element of the result.
    **dict.fromkeys(
        words(
            "Abs Acos Acosh Add Asin Asinh Atan Atanh Bernoulli BitShift Ceil Cos Cosh Div Equal Erf Exp Floor Greater "
            "GreaterOrEqual IsInf IsNaN Less LessOrEqual Log Mod Mul Neg Pow Reciprocal Round Sign Sin Sinh Sqrt Sub "
            "Tan Where Relu LeakyRelu PRelu ThresholdedRelu Clip Sigmoid Tanh Shrink"
        ),
        per_output(1),
    ),
    # An exponential and a comparison; x · sigmoid(x); a + b · x and a clip.
    **dict.fromkeys(words("Elu Celu Selu Softplus Swish HardSigmoid"), per_output(2)),
    # x · Φ(x), x · tanh(softplus(x)), x · clip(a + b · x), x / (1 + |x|); silu of a half times the other half.
    **dict.fromkeys(words("Gelu Mish HardSwish Softsign SwiGLU"), per_output(3)),
    **dict.fromkeys(("Max", "Min", "Sum"), joined()),
    "Mean": joined(1),
    "MelWeightMatrix": per_output(2),
    "ai.onnx.ml.Binarizer": per_input(1),
    **dict.fromkeys(
        words("ArgMax ArgMin CumSum CumProd Hardmax GlobalMaxPool NegativeLogLikelihoodLoss"), per_input(1)
    ),
    **dict.fromkeys(words("ReduceSum ReduceProd ReduceMax ReduceMin"), reduction(1)),
    "ReduceMean": reduction(1, 1),
    "ReduceLogSum": reduction(1, 1),
    **dict.fromkeys(words("ReduceL1 ReduceL2 ReduceSumSquare"), reduction(2)),
    "ReduceLogSumExp": reduction(5),
    # Largest, subtract, exponentiate, sum, divide.
    **dict.fromkeys(("Softmax", "LogSoftmax"), per_input(5)),
    # A logarithm of the softmax, and the picked ones' sum.
    "SoftmaxCrossEntropyLoss": per_input(6),
    "BatchNormalization": batch_normalization,
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization"), per_input(8)),
    "LayerNormalization": layer_normalization,
    "MeanVarianceNormalization": per_input(6),
    # Square, sum, divide, scale.
    "RMSNormalization": per_input(4),
    "LpNormalization": per_input(3),
    "LRN": local_response,
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    # Smallest and largest, then as above.
    "DynamicQuantizeLinear": per_input(6),
    "MaxPool": window(1),
    "AveragePool": window(1, 1),
    "LpPool": window(2, 1),
    "GlobalAveragePool": lambda case: (0, case.size(0) + case.out),
    **dict.fromkeys(("Resize", "Upsample"), resize),
    "GridSample": grid_sample,
    "RoiAlign": roi_align,
    "Col2Im": per_input(1),
    **dict.fromkeys(("Scatter", "ScatterElements", "ScatterND"), scatter(2)),
    "TopK": top_k,
    "NonMaxSuppression": suppression,
    "Det": determinant,
    "DFT": dft,
    "STFT": stft,
    "Dropout": lambda case: (0, case.out if case.given(2) is not None and bool(case.given(2)) else 0),
}

FREE = frozenset(
    words(
        "And ArrayFeatureExtractor BitCast BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike "
        "CenterCropPad Compress Concat Constant ConstantOfShape DepthToSpace Expand EyeLike Flatten Gather "
        "GatherElements GatherND HammingWindow HannWindow Identity If LabelEncoder Loop MaxUnpool NonZero Not OneHot "
        "OptionalGetElement OptionalHasElement Or Pad Range RegexFullMatch Reshape ReverseSequence "
        "Scan SequenceInsert SequenceMap Shape Size Slice SpaceToDepth Split SplitToSequence "
        "Squeeze StringConcat StringNormalizer StringSplit TensorScatter TfIdfVectorizer Tile Transpose Trilu "
        "Unique Unsqueeze Xor"
    )
)
"""Operators that make, move, cast or name elements, are logic of bits, run graphs, or work on text."""

UNKNOWN = frozenset({"ImageDecoder", "TreeEnsemble", "FlexAttention", "Adagrad", "Adam", "Momentum"})
"""Operators without a formula: their cost depends on values, or they are a preview of the format's."""

STEERING = frozenset(words("Range ConstantOfShape HannWindow HammingWindow BlackmanWindow MelWeightMatrix"))
"""Operators whose first input says what they make; of all others the first is data."""


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    """The package's models of one node, by the operator's name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package divides by zero as it computes what it expects
        from onnx.backend.test.loader import load_model_tests

        tests = load_model_tests(kind="node")
    by_name: dict[str, list[Case]] = {}
    for test in tests:
        model = test.model if test.model is not None else onnx.load(Path(test.model_dir, "model.onnx"))
        if len(model.graph.node) != 1 or model.functions or not test.data_sets:
            continue
        (node,) = model.graph.node
        given, made = test.data_sets[0]
        arrays = dict(zip([info.name for info in model.graph.input], given, strict=True))
        results = dict(zip([info.name for info in model.graph.output], made, strict=True))
        name = f"{node.domain}.{node.op_type}" if node.domain == "ai.onnx.ml" else node.op_type
        attributes = {entry.name: _value(entry) for entry in node.attribute}
        by_name.setdefault(name, []).append(
            Case(
                test.name,
                _with_constants(model, arrays),
                [_array(arrays.get(key)) for key in node.input],
                [_array(results.get(key)) for key in node.output],
                attributes,
            )
        )
    return by_name


def _value(attribute: onnx.AttributeProto) -> Any:
    value = helper.get_attribute_value(attribute)
    return value.decode() if isinstance(value, bytes) else value


def _array(value: Any) -> Any:
    """An array; of a type that NumPy does not have, its shape alone."""
    if isinstance(value, onnx.TensorProto):
        return np.zeros(tuple(value.dims), np.uint8)
    return np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else None


def _with_constants(model: onnx.ModelProto, arrays: dict[str, Any]) -> onnx.ModelProto:
    """The model with sizes, axes and bounds in the file, as exporters write them; its first input stays data."""
    (node,) = model.graph.node
    for index, name in enumerate(node.input):
        if isinstance(stored := arrays.get(name), onnx.TensorProto):
            model.graph.initializer.add().CopyFrom(stored)
            model.graph.initializer[-1].name = name
            continue
        value = _array(stored)
        if value is None or value.dtype == object or (not index and node.op_type not in STEERING):
            continue
        info = next(info for info in model.graph.input if info.name == name)
        tensor = onnx.TensorProto(name=name, data_type=info.type.tensor_type.elem_type, dims=value.shape)
        tensor.raw_data = value.tobytes()
        if value.dtype.kind in "iuf" and value.dtype.itemsize in (1, 2, 4, 8) and value.dtype.name[:3] != "flo8":
            tensor = numpy_helper.from_array(value, name) if value.dtype.isbuiltin == 1 else tensor
        model.graph.initializer.append(tensor)
    return model


def entries_of(case: Case) -> list[Entry]:
    file = understand(case.model, Path(f"{case.name}.onnx"))
    shapes = {info.name: array.shape for info, array in zip_inputs(case, file.graph.inputs)}
    trace = follow(file, size_inputs(file.graph.inputs, InputSizes(shapes=shapes), file.path))
    for tensor, array in zip(trace.operations[0].outputs, case.outputs, strict=False):
        if tensor is not None and tensor.shape is not None and array is not None:
            assert tensor.shape == array.shape, case.name
    return count(trace).entries


def zip_inputs(case: Case, infos: list[onnx.ValueInfoProto]) -> list[tuple[onnx.ValueInfoProto, Any]]:
    (node,) = case.model.graph.node
    arrays = dict(zip(node.input, case.inputs, strict=True))
    return [(info, arrays[info.name]) for info in infos if arrays.get(info.name) is not None]


def test_every_operator_of_the_package_is_in_one_of_the_tables(cases: dict[str, list[Case]]) -> None:
    names = {name.rpartition(".")[2] if name.rpartition(".")[2] in FREE | UNKNOWN else name for name in cases}
    assert names - ORACLES.keys() - FREE - UNKNOWN == set()
    assert sum(map(len, cases.values())) > 1000


@pytest.mark.parametrize("name", ORACLES)
def test_an_operator_that_computes(cases: dict[str, list[Case]], name: str) -> None:
    # Operators that newer packages bring are missing from older ones.
    for case in cases.get(name, []):
        if name == "RoiAlign" and not case.attributes.get("sampling_ratio"):
            continue  # as many samples as its regions are large
        (entry,) = entries_of(case)
        assert entry.state == "counted", case.name
        assert tuple(entry.count) == ORACLES[name](case), case.name


def test_operators_that_compute_nothing(cases: dict[str, list[Case]]) -> None:
    for name, group in cases.items():
        if name.rpartition(".")[2] in FREE:
            for case in group:
                first = entries_of(case)[0]
                assert (first.operation.node.type, first.operation.open is not None or first.state) in {
                    (name.rpartition(".")[2], "free"),
                    (name.rpartition(".")[2], True),
                }, case.name


def test_operators_without_a_formula(cases: dict[str, list[Case]]) -> None:
    for name, group in cases.items():
        if name.rpartition(".")[2] in UNKNOWN:
            assert {entry.state for case in group for entry in entries_of(case)} == {"unknown"}
