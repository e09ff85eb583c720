"""Weights that are no plain tensors: their elements, bytes and types, and the work of using them."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import return_and_correct_aliasing

import archprof
from archprof.count.weights import dtype, elements, nbytes, weights
from archprof.errors import RunError
from archprof.trace.subclasses import inner_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = torch.zeros(2, 64)


class Int8(torch.Tensor):
    """A matrix in 8 bits with a scale for each row, which is dequantised before it is used."""

    @staticmethod
    def __new__(cls, integers: torch.Tensor, scales: torch.Tensor) -> Int8:
        made: Int8 = torch.Tensor._make_wrapper_subclass(
            cls, integers.shape, dtype=scales.dtype, device=integers.device, requires_grad=False
        )
        return made

    def __init__(self, integers: torch.Tensor, scales: torch.Tensor) -> None:
        self.integers, self.scales = integers, scales

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["integers", "scales"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, torch.Tensor], context: None, size: Any, stride: Any) -> Int8:
        return Int8(inner["integers"], inner["scales"])

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.ops.aten.detach.default:
            return return_and_correct_aliasing(function, args, kwargs, Int8(args[0].integers, args[0].scales))
        plain = [
            arg.integers.to(arg.scales.dtype) * arg.scales[:, None] if isinstance(arg, Int8) else arg for arg in args
        ]
        return function(*plain, **kwargs)


class ZeroPoint(Int8):
    """As the other, with integers that are centred first."""

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten.detach.default:
            return ZeroPoint(args[0].integers, args[0].scales)
        plain = [(arg.integers.float() - 3) * arg.scales[:, None] if isinstance(arg, Int8) else arg for arg in args]
        return function(*plain, **(kwargs or {}))


class Opaque(torch.Tensor):
    """As the first, without telling what is in it."""

    integers: torch.Tensor
    scales: torch.Tensor

    @staticmethod
    def __new__(cls, integers: torch.Tensor, scales: torch.Tensor) -> Opaque:
        made: Opaque = torch.Tensor._make_wrapper_subclass(
            cls, integers.shape, dtype=torch.float32, requires_grad=False
        )
        made.integers, made.scales = integers, scales
        return made

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.ops.aten.detach.default:
            return Opaque(args[0].integers, args[0].scales)
        plain = [arg.integers.float() * arg.scales[:, None] if isinstance(arg, Opaque) else arg for arg in args]
        return function(*plain, **(kwargs or {}))


class Pruned(torch.Tensor):
    """A matrix that is masked wherever a function takes it, above the operations."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            if function is nn.functional.linear:
                args = (args[0], args[1].as_subclass(torch.Tensor) * MASK, *args[2:])
            result = function(*args, **(kwargs or {}))
        return result.as_subclass(Pruned) if function is torch.Tensor.detach else result


MASK = torch.ones(64, 64)


def with_weight(weight: torch.Tensor) -> nn.Module:
    model = nn.Linear(64, 64, bias=False)
    model.weight = nn.Parameter(weight, requires_grad=False)
    return model


def int8(device: str = "cpu") -> Int8:
    return Int8(torch.zeros(64, 64, dtype=torch.int8, device=device), torch.ones(64, device=device))


def test_a_wrapper_holds_what_is_in_it() -> None:
    weight = int8()
    # 64 · 64 bytes, and 64 scales of 4.
    assert nbytes([weight]) == 64 * 64 + 64 * 4 == 4352
    assert elements([weight]) == 64 * 64
    assert dtype(weight) is torch.int8
    assert [tuple(inner.shape) for inner in inner_tensors(weight)] == [(64, 64), (64,)]


def opaque() -> Opaque:
    return Opaque(torch.zeros(64, 64, dtype=torch.int8), torch.ones(64))


# A type and what it takes for each of 64 · 64 elements; turning integers into floats is no arithmetic.
WORK: dict[str, tuple[Callable[[], torch.Tensor], int, int]] = {
    "a scale": (int8, 4096, 4352),
    "a zero point and a scale": (lambda: ZeroPoint(int8().integers, int8().scales), 2 * 4096, 4352),
    "a scale that nobody tells of": (opaque, 4096, 4352),
    "a mask": (lambda: torch.ones(64, 64).as_subclass(Pruned), 4096, 4 * 4096),
}


@pytest.mark.parametrize("name", WORK)
def test_what_a_weight_does_before_it_is_used_is_work(name: str) -> None:
    make, work, size = WORK[name]
    model = with_weight(make())
    profile = archprof.profile(model, ROWS)

    assert profile == archprof.profile(model, ROWS)
    assert (profile.totals.macs, profile.totals.elementwise_flops) == (2 * 64 * 64, work)
    assert (profile.totals.parameters, profile.totals.weight_bytes) == (4096, size)
    # It is read, though no operation is given it as it is.
    (remark,) = profile.environment.remarks
    assert remark.startswith("run with values: the model holds or takes a ")


@pytest.mark.parametrize(
    ("config", "work"),
    [
        ("Int8WeightOnlyConfig", 2 * 64),  # the results are scaled, 2 rows of 64, and not the weight
        ("Float8WeightOnlyConfig", 64 * 64),
        ("IntxWeightOnlyConfig", 2 * 64 * 64),  # it has zero points
    ],
)
def test_what_torchao_does_before_a_weight_is_used(config: str, work: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchao import quantization

    model = nn.Sequential(nn.Linear(64, 64, bias=False)).eval()
    quantization.quantize_(model, getattr(quantization, config)())
    totals = archprof.profile(model, ROWS).totals
    assert (totals.macs, totals.elementwise_flops) == (2 * 64 * 64, work)


def test_torchao_s_own() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, of how it is written, where it is compiled for the first time
        from torchao import quantization

    model = nn.Sequential(nn.Linear(64, 64, bias=False)).eval()
    quantization.quantize_(model, quantization.Int8WeightOnlyConfig())
    profile = archprof.profile(model, ROWS)
    # The matrix, and 64 scales of 4 bytes; some versions hold a zero point for each row too, though it is 0.
    zero_points = sum(inner.nbytes for inner in inner_tensors(model[0].weight)) - 4352
    assert zero_points in (0, 64, 512)
    assert profile.totals.weight_bytes == 4352 + zero_points < 64 * 64 * 4
    assert profile.totals.parameters == 64 * 64
    assert profile.totals.macs == 2 * 64 * 64
    names = {operation.name for operation in profile.operations}
    assert names >= {"aten._to_copy", "aten.mul", "aten.mm"}


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 1)
        self.linear = nn.Linear(4, 6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear(self.convolution(x).mean((2, 3)))
        return result


IMAGE = torch.zeros(1, 3, 8, 8)
# 3 · 4 + 4 weights and 8 · 8 · 3 · 4 MACs; 4 · 6 + 6 weights and 4 · 6 MACs.
PARAMETERS, MACS = 16 + 30, 768 + 24


@pytest.mark.filterwarnings("ignore")
def test_dynamic_quantisation_has_its_parameters() -> None:
    model = torch.ao.quantization.quantize_dynamic(Tower().eval(), {nn.Linear})
    profile = archprof.profile(model, IMAGE)
    assert profile.totals.macs == MACS
    assert profile.totals.parameters == PARAMETERS
    # The convolution's and the bias in 4 bytes, the matrix in one.
    assert profile.totals.weight_bytes == 4 * 16 + 4 * 6 + 24
    assert {module.path: module.parameters for module in profile.modules}["linear"] == 30
    assert profile.coverage.unknown == {}
    # What goes in (4) is measured (2) and quantised (4), what comes out (6) dequantised (2), and a bias.
    operations = {operation.name: operation.elementwise_flops for operation in profile.operations}
    assert operations["quantized.linear_dynamic"] == 4 * 6 + 6 * (2 + 1)


@pytest.mark.filterwarnings("ignore")
def test_a_dynamically_quantised_lstm_has_its_parameters() -> None:
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.LSTM(5, 6)).eval(), {nn.LSTM})
    # 4 gates of 6 units, each with 5 inputs, 6 of the state, and two biases.
    assert elements(weights(model)) == 24 * (5 + 6) + 2 * 24
    assert nbytes(weights(model)) == 24 * (5 + 6) + 4 * 2 * 24


# Gates of a cell, and the elementwise work of a unit of a cell with two biases a gate: as of the float kernels.
CELLS = {"LSTM": (4, 4 * 4 + 5), "GRU": (3, 2 * 4 + 2 + 3 + 3), "RNN": (1, 4)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "LSTMCell", "GRUCell", "RNNCell"])
def test_dynamically_quantised_recurrent_layers_are_counted(kind: str) -> None:
    gates, unit = CELLS[kind.removesuffix("Cell")]
    layer = getattr(nn, kind)
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer(5, 6)).eval(), {layer})
    profile = archprof.profile(model, torch.zeros(7, 5) if kind.endswith("Cell") else torch.zeros(7, 1, 5))

    assert profile.coverage.unknown == {}
    # Seven rows, each through gates of 6 units from 5 inputs and 6 of the state.
    assert profile.totals.macs == 7 * gates * 6 * (5 + 6)
    # The 5 and the 6 are measured (2) and quantised (4), the two products of each gate dequantised (2).
    rnn = next(operation for operation in profile.operations if "quantized" in operation.name)
    assert rnn.elementwise_flops == 7 * (6 * unit + 6 * (5 + 6) + 2 * 2 * gates * 6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_quantised_layers_over_one_another_in_both_directions_cost_what_the_float_layers_do(kind: str) -> None:
    layer = getattr(nn, kind)
    plain = nn.Sequential(layer(5, 6, num_layers=3, bidirectional=True)).eval()
    model = torch.ao.quantization.quantize_dynamic(plain, {layer})
    packed = nn.utils.rnn.pack_sequence([torch.zeros(4, 5), torch.zeros(3, 5)])

    for inputs in ((torch.zeros(7, 1, 5),), (packed,)):
        assert archprof.profile(model, inputs).totals.macs == archprof.profile(plain, inputs).totals.macs


@pytest.mark.filterwarnings("ignore")
def test_what_torch_jit_has_frozen_has_its_weights() -> None:
    model = torch.jit.freeze(torch.jit.script(Tower().eval()))
    assert not list(model.parameters())
    profile = archprof.profile(model, IMAGE)
    assert profile.totals.macs == MACS
    assert (profile.totals.parameters, profile.totals.weight_bytes) == (PARAMETERS, 4 * PARAMETERS)


def loaded(model: Any) -> Any:
    """A scripted model, saved and loaded again."""
    file = io.BytesIO()
    torch.jit.save(model, file)
    file.seek(0)
    return torch.jit.load(file)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layer", [nn.Linear, nn.LSTM])
@pytest.mark.parametrize(
    "script",
    [
        torch.jit.script,
        lambda model: loaded(torch.jit.script(model)),
        lambda model: torch.jit.freeze(torch.jit.script(model)),
    ],
    ids=["scripted", "loaded", "frozen"],
)
def test_a_scripted_model_has_its_quantised_weights(layer: Any, script: Callable[[Any], Any]) -> None:
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer(5, 6)).eval(), {layer})
    totals = archprof.profile(script(model), torch.zeros(7, 1, 5)).totals
    # 6 rows of 5 and a bias; of the LSTM 24 rows of 5 and of 6 and two biases: a byte a weight, 4 a bias.
    matrices, biases = (6 * 5, 6) if layer is nn.Linear else (24 * (5 + 6), 2 * 24)
    assert (totals.parameters, totals.weight_bytes) == (matrices + biases, matrices + 4 * biases)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layer", [nn.Linear, nn.LSTM])
def test_weights_packed_in_half_precision_take_two_bytes(layer: Any) -> None:
    # torch packs them as float16 (PackedLinearWeightFp16) and unpacks them to float32; biases stay float32.
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer(5, 6)).eval(), {layer}, dtype=torch.float16)
    matrices, biases = (6 * 5, 6) if layer is nn.Linear else (24 * (5 + 6), 2 * 24)
    assert (elements(weights(model)), nbytes(weights(model))) == (matrices + biases, 2 * matrices + 4 * biases)


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_embedding_holds_a_scale_and_a_zero_point_for_each_row() -> None:
    model = nn.Sequential(nn.EmbeddingBag(10, 8))
    config = model[0].qconfig = torch.ao.quantization.float_qparams_weight_only_qconfig
    quantised = torch.ao.quantization.quantize_dynamic(model, {nn.EmbeddingBag: config})
    # 10 rows of 8 bytes, each with two numbers of float32.
    assert (elements(weights(quantised)), nbytes(weights(quantised))) == (80, 80 + 10 * 2 * 4)


@pytest.mark.filterwarnings("ignore")
def test_what_torch_jit_has_packed_says_what_to_give() -> None:
    model = torch.jit.optimize_for_inference(torch.jit.script(Tower().eval()))
    with pytest.raises(RunError, match=r"was optimised by torch\.jit for inference") as caught:
        archprof.profile(model, IMAGE)
    assert caught.value.hint == "give it as it was before torch.jit.optimize_for_inference"


@pytest.mark.filterwarnings("ignore")
def test_modules_inside_a_scripted_one_show_no_figures_of_their_own() -> None:
    # Nothing tells what ran in them: no row is better than one of zeros.
    model = nn.Sequential(torch.jit.script(Tower().eval()), nn.ReLU())
    profile = archprof.profile(model, IMAGE)
    assert {module.path: (module.calls, module.macs, module.parameters) for module in profile.modules} == {
        "": (1, MACS, PARAMETERS),
        "0": (1, MACS, PARAMETERS),
        "1": (1, 0, 0),
    }
    assert profile.totals.modules == 5


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
def test_sparse_weights_hold_their_values_and_indices() -> None:
    matrix = torch.eye(4)
    # 4 values of 4 bytes, and 2 · 4 indices of 8, or 4 columns and 5 beginnings of rows.
    assert nbytes([matrix.to_sparse()]) == 16 + 64
    assert nbytes([matrix.to_sparse_csr()]) == 16 + 32 + 40
    assert nbytes([matrix]) == 64


def test_buffers_have_a_figure_of_their_own() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    model.register_buffer("table", torch.zeros(5, 6, dtype=torch.int16), persistent=False)
    model[1].register_buffer("again", model.table)
    totals = archprof.profile(model, IMAGE).totals
    # A mean and a variance of 4 channels in 4 bytes, the batches seen in 8, and 5 · 6 numbers of 2 once.
    assert (totals.buffers, totals.buffer_bytes) == (4 + 4 + 1 + 30, 4 * 8 + 8 + 2 * 30)
    assert totals.parameters == 3 * 4 + 4 + 2 * 4
