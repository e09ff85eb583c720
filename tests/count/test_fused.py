"""A fused kernel costs what its parts do, whichever device's it is; those of CUDA are called without values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

import archprof.count.ledger as ledgers
from archprof.count.formulas import FORMULAS, Count
from archprof.trace.record import Operation, TensorInfo
from archprof.trace.run import trace, trace_values

from .function import Function

if TYPE_CHECKING:
    from collections.abc import Callable

aten = torch.ops.aten


def counted(function: Callable[..., Any], *inputs: torch.Tensor) -> Count:
    ledger = ledgers.count(trace(Function(function), inputs))
    assert not ledger.unknown
    return Count(ledger.macs, ledger.elementwise_flops)


def operation(function: Any, *arguments: Any, outputs: tuple[tuple[int, ...], ...] = ()) -> Count:
    """What an operation costs that only CUDA has, shapes standing for its tensors."""

    def tensor(shape: Any) -> Any:
        if isinstance(shape, list):
            return tuple(tensor(one) for one in shape)
        is_shape = isinstance(shape, tuple) and not any(isinstance(one, bool) for one in shape)
        return TensorInfo(shape, torch.float32, 0) if is_shape else shape

    made = Operation(function, tuple(map(tensor, arguments)), {}, tuple(map(tensor, outputs)), 0)
    return FORMULAS[made.name](made)


# 2 samples, 4 heads of 8; 6 queries and 5 keys: scores 2·4·6·5 = 240 of 8 products, values as many; scale and
# softmax take 6 for each score.
QUERY, KEY = torch.zeros(2, 4, 6, 8), torch.zeros(2, 4, 5, 8)
ATTENTION = Count(2 * 240 * 8, 6 * 240)

MASKS = {
    "none": {},
    "causal": {"is_causal": True},
    "of numbers": {"attn_mask": torch.zeros(6, 5)},
    "of numbers, each head's own": {"attn_mask": torch.zeros(2, 4, 6, 5)},
    "scaled": {"scale": 0.5},
}


@pytest.mark.parametrize("name", MASKS)
def test_attention_without_values_is_the_cpu_s_operation(name: str) -> None:
    def function(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, k, **MASKS[name])

    assert counted(function, QUERY, KEY) == ATTENTION
    real = trace_values(Function(function), (QUERY, KEY))
    assert [one.name for one in real.operations] == ["aten._scaled_dot_product_flash_attention_for_cpu"]
    assert [one.name for one in trace(Function(function), (QUERY, KEY)).operations] == [
        one.name for one in real.operations
    ]


def same_operations(function: Callable[..., Any], *inputs: torch.Tensor) -> bool:
    bare, real = (run(Function(function), inputs).operations for run in (trace, trace_values))
    described = [[(one.name, [out.shape for out in one.outputs]) for one in some] for some in (bare, real)]
    return described[0] == described[1]


BOOLEAN = torch.ones(6, 5, dtype=torch.bool)
WIDE = torch.zeros(2, 4, 5, 12)
SHARED = torch.zeros(2, 2, 5, 8)
OTHERS: dict[str, tuple[Callable[..., Any], tuple[torch.Tensor, ...]]] = {
    "a mask of booleans": (lambda q, k, m: F.scaled_dot_product_attention(q, k, k, m), (QUERY, KEY, BOOLEAN)),
    "a mask of three dimensions": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, torch.zeros(4, 6, 5, device=q.device)),
        (QUERY, KEY),
    ),
    "one sample": (lambda q, k: F.scaled_dot_product_attention(q, k, k), (QUERY[0], KEY[0])),
    "one sample with a mask": (
        lambda q, k, m: F.scaled_dot_product_attention(q, k, k, m),
        (QUERY[0], KEY[0], torch.zeros(6, 5)),
    ),
    "one head": (lambda q, k: F.scaled_dot_product_attention(q, k, k), (QUERY[0, 0], KEY[0, 0])),
    "wider values": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v), (QUERY, KEY, WIDE)),
    "shared heads": (lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), (QUERY, SHARED)),
    "dropout": (lambda q, k: F.scaled_dot_product_attention(q, k, k, dropout_p=0.5), (QUERY, KEY)),
    "transposed": (
        lambda q, k: F.scaled_dot_product_attention(q.mT, k.mT, k.mT),
        (torch.zeros(2, 4, 8, 6), torch.zeros(2, 4, 8, 5)),
    ),
    "half precision": (lambda q, k: F.scaled_dot_product_attention(q, k, k), (QUERY.half(), KEY.half())),
    "no queries": (lambda q, k: F.scaled_dot_product_attention(q, k, k), (QUERY[:, :, :0], KEY)),
    "one sample's keys for all": (lambda q, k: F.scaled_dot_product_attention(q, k, k), (QUERY, KEY[:1])),
    # Its result is laid out as the queries are, so that what follows is a view or a copy as on the CPU.
    "heads put together": (
        lambda q, k: F.scaled_dot_product_attention(q.transpose(1, 2), k, k).transpose(1, 2).reshape(2, 6, 32),
        (torch.zeros(2, 6, 4, 8), KEY),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_attention_runs_as_on_the_cpu(name: str) -> None:
    function, inputs = OTHERS[name]
    assert same_operations(function, *inputs)


def test_shared_heads_save_no_products() -> None:
    def function(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, k, enable_gqa=True)

    assert counted(function, QUERY, SHARED) == ATTENTION


def test_wider_values() -> None:
    # Scores as before; values of 12.
    def function(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v)

    assert counted(function, QUERY, KEY, WIDE).macs == 240 * 8 + 240 * 12


def test_the_parts_take_the_same_products() -> None:
    def function(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, k)

    with sdpa_kernel(SDPBackend.MATH):
        recorded = trace(Function(function), (QUERY, KEY))
    assert "aten.bmm" in {one.name for one in recorded.operations}
    assert ledgers.count(recorded).macs == ATTENTION.macs


KERNELS: dict[str, Callable[..., Any]] = {
    "flash": lambda q, k: aten._scaled_dot_product_flash_attention(q, k, k),
    "efficient": lambda q, k: aten._scaled_dot_product_efficient_attention(q, k, k, None, True),
    "cuDNN": lambda q, k: aten._scaled_dot_product_cudnn_attention(q, k, k, None, True),
    "another device's": lambda q, k: aten._scaled_dot_product_fused_attention_overrideable(q, k, k),
}


@pytest.mark.parametrize("name", KERNELS)
def test_cuda_s_kernels_cost_the_same(name: str) -> None:
    half = (QUERY.half(), KEY.half())
    assert counted(lambda q, k: KERNELS[name](q, k)[0], *half) == ATTENTION


# Shapes of the gradient, the queries, and twice the keys.
GIVEN = ((2, 4, 6, 8), (2, 4, 6, 8), (2, 4, 5, 8), (2, 4, 5, 8))


@pytest.mark.parametrize("kernel", ["flash", "flash_for_cpu", "efficient", "cudnn", "fused_overrideable"])
def test_the_backward_kernels_cost_the_same(kernel: str) -> None:
    name = {
        "flash_for_cpu": "flash_attention_for_cpu",
        "fused_overrideable": "fused_attention_overrideable",
    }.get(kernel, f"{kernel}_attention")
    function = getattr(aten, f"_scaled_dot_product_{name}_backward").default
    # Five products of 240·8; 6 for each score and 2 for each of 2·4·6·8 = 384 gradients.
    assert operation(function, *GIVEN) == Count(5 * 240 * 8, 6 * 240 + 2 * 384)


def test_attention_with_the_heads_last() -> None:
    # (batch, length, heads, width): the same 2·4·6·5 scores.
    given = ((2, 6, 4, 8), (2, 5, 4, 8), (2, 5, 4, 8))
    assert operation(aten._flash_attention_forward.default, *given, None, None, 6, 5) == ATTENTION
    assert operation(aten._efficient_attention_forward.default, *given, None, None, None, None, None) == ATTENTION
    # Two sequences one after the other, the longest of 6 queries and 5 keys.
    packed = ((9, 4, 8), (8, 4, 8), (8, 4, 8))
    assert operation(aten._flash_attention_forward.default, *packed, (3,), (3,), 6, 5) == ATTENTION
    packed = ((1, 9, 4, 8), (1, 8, 4, 8), (1, 8, 4, 8))
    assert operation(aten._efficient_attention_forward.default, *packed, None, (3,), (3,), 6, 5) == ATTENTION


def test_cudnn_s_recurrent_kernel_costs_what_the_layer_does() -> None:
    # 3 steps of 2 samples with 5 features, hidden size 6, both ways, 2 layers: the second reads 12.
    layer = nn.LSTM(5, 6, num_layers=2, bidirectional=True)
    ledger = ledgers.count(trace(layer, (torch.zeros(3, 2, 5),)))
    weights = [tuple(weight.shape) for weight in layer.parameters()]
    fused = operation(
        aten._cudnn_rnn.default, (3, 2, 5), weights, 4, None, (4, 2, 6), None, 2, 6, 0, 2, outputs=((3, 2, 12),)
    )
    assert fused == Count(ledger.macs, ledger.elementwise_flops)
    backward = operation(
        aten._cudnn_rnn_backward.default, (3, 2, 5), weights, 4, *[None] * 7, 2, 6, 0, 2, outputs=((3, 2, 5),)
    )
    assert backward == Count(2 * ledger.macs, 2 * ledger.elementwise_flops)


def test_onednn_s_recurrent_kernel_costs_what_the_layer_does() -> None:
    # Called as torch does where it is let: 3 steps of 2 samples, 5 features, hidden size 6.
    layer = nn.LSTM(5, 6)
    ledger = ledgers.count(trace(layer, (torch.zeros(3, 2, 5),)))
    weights = [tuple(weight.shape) for weight in layer.parameters()]
    options = (False, (), 2, 6, 1, True, False, False, False)
    fused = operation(aten.mkldnn_rnn_layer.default, (3, 2, 5), *weights, (2, 6), (2, 6), *options)
    assert fused == Count(ledger.macs, ledger.elementwise_flops)
    given = ((3, 2, 5), *weights, (2, 6), (2, 6), (3, 2, 6), (2, 6), (2, 6), (3, 2, 6), None, None, *options[:1])
    backward = operation(aten.mkldnn_rnn_layer_backward.default, *given, *options[2:])
    assert backward == Count(2 * ledger.macs, 2 * ledger.elementwise_flops)


def test_cuda_s_cells_do_what_is_left_after_the_products() -> None:
    # 2 samples of 6 units: four gates of two biases, a sum and a function each (16), and 5 more.
    fused = operation(aten._thnn_fused_lstm_cell.default, (2, 24), (2, 24), (2, 6), outputs=((2, 6), (2, 6), (2, 24)))
    assert fused == Count(0, 12 * 21)
    cell = ledgers.count(trace(nn.LSTMCell(5, 6), (torch.zeros(2, 5),)))
    assert cell.elementwise_flops == 12 * 21


@pytest.mark.parametrize("training", [False, True])
def test_cudnn_s_batch_norm_costs_what_the_native_one_does(training: bool) -> None:
    model = nn.BatchNorm2d(4).train(training)
    native = ledgers.count(trace(model, (torch.zeros(2, 4, 3, 3),))).entries
    norm = next(entry.count for entry in native if entry.operation.name == "aten.native_batch_norm")
    fused = operation(aten.cudnn_batch_norm.default, (2, 4, 3, 3), (4,), (4,), (4,), (4,), training, 0.1, 1e-5)
    assert fused == norm


def test_cudnn_s_grid_sampler_costs_what_the_native_one_does() -> None:
    shapes: Any = {"outputs": ((2, 3, 5, 5),)}
    native = operation(aten.grid_sampler_2d.default, (2, 3, 8, 8), (2, 5, 5, 2), 0, 0, False, **shapes)
    assert operation(aten.cudnn_grid_sampler.default, (2, 3, 8, 8), (2, 5, 5, 2), **shapes) == native
    given = (2, 3, 5, 5), (2, 3, 8, 8), (2, 5, 5, 2), 0, 0, False, (True, True)
    both = operation(aten.grid_sampler_2d_backward.default, *given)
    assert operation(aten.cudnn_grid_sampler_backward.default, (2, 3, 8, 8), (2, 5, 5, 2), (2, 3, 5, 5)) == both
    # 150 samples, 4 neighbours: a product and a sum each for the input, and for both coordinates.
    assert both == Count(0, 150 * 8 * 3)


def test_a_cubic_grid_sample_in_3d() -> None:
    shapes: Any = {"outputs": ((1, 2, 3, 3, 3),)}
    cubic = operation(aten.grid_sampler_3d.default, (1, 2, 4, 4, 4), (1, 3, 3, 3, 3), 2, 0, False, **shapes)
    # 2 channels, 3·3·3 places of 4·4·4 neighbours: 64 products and 63 sums.
    assert cubic == Count(0, 2 * 27 * 127)
