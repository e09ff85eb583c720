"""What whole modules cost, with the arithmetic by hand."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn

from archprof.count.formulas import FORMULAS, Count, register_formula
from archprof.count.free import FREE
from archprof.count.ledger import Ledger, count
from archprof.errors import RegistrationError
from archprof.trace.run import trace, trace_values

from .function import Weighted


def counted(model: nn.Module, *inputs: torch.Tensor) -> Ledger:
    ledger = count(trace(model.eval(), inputs))
    real = count(trace_values(model, inputs))
    assert real.macs == ledger.macs, "the CPU's own operations must count the same"
    assert not ledger.unknown
    assert not real.unknown
    return ledger


class Subclass(nn.Conv2d):
    pass


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


# Each: the model, its input, the MACs by hand.
CASES: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...], int]] = {
    # Output 1×8×6×6 = 288 elements, each a sum over 4·3·3 = 36 products.
    "conv2d": (nn.Conv2d(4, 8, 3), (zeros(1, 4, 8, 8),), 288 * 36),
    "subclass": (Subclass(4, 8, 3), (zeros(1, 4, 8, 8),), 288 * 36),
    "function": (
        Weighted(lambda m, x: F.conv2d(x, m.w), w=zeros(8, 4, 3, 3)),
        (zeros(1, 4, 8, 8),),
        288 * 36,
    ),
    # The weight is the mean of 5 kernels: its making is no convolution.
    "computed weight": (
        Weighted(lambda m, x: F.conv2d(x, m.w.mean(0)), w=zeros(5, 8, 4, 3, 3)),
        (zeros(1, 4, 8, 8),),
        288 * 36,
    ),
    # Output length ⌊(10 − 2·2 − 1) / 3⌋ + 1 = 2; 2 · 6 elements of 4·3 products.
    "conv1d strided dilated": (nn.Conv1d(4, 6, 3, stride=3, dilation=2), (zeros(1, 4, 10),), 12 * 12),
    # 2 samples × 8 × 2×2×2 elements of 4·27 products.
    "conv3d batch 2": (nn.Conv3d(4, 8, 3), (zeros(2, 4, 4, 4, 4),), 2 * 8 * 8 * 108),
    # Each of 288 elements sums over 4/2 channels.
    "grouped": (nn.Conv2d(4, 8, 3, groups=2), (zeros(1, 4, 8, 8),), 288 * 18),
    # 4·6·6 = 144 elements of 9 products.
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4), (zeros(1, 4, 8, 8),), 144 * 9),
    # Each of 4·8·8 = 256 input elements meets 6/2 · 2·2 = 12 weights.
    "transposed grouped": (nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2), (zeros(1, 4, 8, 8),), 256 * 12),
    # 3 rows × 5 in × 7 out.
    "linear": (nn.Linear(5, 7), (zeros(3, 5),), 105),
    "linear of 3 dimensions": (nn.Linear(5, 7), (zeros(2, 3, 5),), 210),
    # 2·3 products of (4×5)·(5×6) = 120.
    "matmul broadcast": (Weighted(lambda m, x, y: x @ y), (zeros(2, 1, 4, 5), zeros(3, 5, 6)), 6 * 120),
    "matrix by vector": (Weighted(lambda m, x, y: x @ y), (zeros(4, 5), zeros(5)), 20),
    "vector by vector": (Weighted(lambda m, x, y: x @ y), (zeros(5), zeros(5)), 5),
    "baddbmm": (
        Weighted(lambda m, b, x, y: torch.baddbmm(b, x, y)),
        (zeros(2, 4, 6), zeros(2, 4, 5), zeros(2, 5, 6)),
        240,
    ),
    # 2 samples, 4×6 results each, sums over 5.
    "einsum": (
        Weighted(lambda m, x, y: torch.einsum("bik,bkj->bij", x, y)),
        (zeros(2, 4, 5), zeros(2, 5, 6)),
        240,
    ),
    # 1·2 heads: scores 3·3·4 each, values 3·3·4 each.
    "attention": (
        Weighted(lambda m, q: F.scaled_dot_product_attention(q, q, q)),
        (zeros(1, 2, 3, 4),),
        2 * (36 + 36),
    ),
    "attention causal": (
        Weighted(lambda m, q: F.scaled_dot_product_attention(q, q, q, is_causal=True)),
        (zeros(1, 2, 3, 4),),
        2 * (36 + 36),
    ),
    # Projections in 3·8·8 and out 8·8 of 5 tokens: 1280; scores and values 2 heads · 5·5·4 each: 400.
    "multi-head attention": (
        Weighted(lambda m, x: m.attention(x, x, x)[0]),
        (zeros(1, 5, 8),),
        1280 + 400,
    ),
    # Attention as above 1680; the two linear layers 2 · 5·8·16 = 1280.
    "encoder layer": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (zeros(1, 5, 8),), 1680 + 1280),
    # 3 steps × 4 gates × (5 + 6) inputs × 6 hidden.
    "lstm": (nn.LSTM(5, 6), (zeros(3, 1, 5),), 3 * 4 * 11 * 6),
    "gru": (nn.GRU(5, 6), (zeros(3, 1, 5),), 3 * 3 * 11 * 6),
    "rnn": (nn.RNN(5, 6), (zeros(3, 1, 5),), 3 * 11 * 6),
    # Without biases the kernel is given matrices in their place, which cost nothing.
    "lstm without bias": (nn.LSTM(5, 6, bias=False), (zeros(3, 1, 5),), 3 * 4 * 11 * 6),
    # A complex product is four real ones: 4·5·6·4.
    "complex matmul": (
        Weighted(lambda m, x: torch.complex(x, x) @ torch.complex(x, x).transpose(0, 1)),
        (zeros(4, 5),),
        4 * 5 * 4 * 4,
    ),
    # A module called three times is three times as dear: 3 · 3·5·5.
    "called three times": (Weighted(lambda m, x: m.linear(m.linear(m.linear(x)))), (zeros(3, 5),), 225),
    # Called past its hooks, it runs all the same.
    "called through forward": (Weighted(lambda m, x: m.linear.forward(x)), (zeros(3, 5),), 75),
    # What is computed and dropped was computed.
    "dropped": (Weighted(lambda m, x: (x @ x.t(), x)[1]), (zeros(3, 5),), 45),
}
CASES["multi-head attention"][0].attention = nn.MultiheadAttention(8, 2, batch_first=True)
for _name in ("called three times", "called through forward"):
    CASES[_name][0].linear = nn.Linear(5, 5)


@pytest.mark.parametrize("name", ["lstm", "lstm without bias", "gru", "rnn"])
def test_a_fused_recurrent_kernel_costs_what_its_parts_do(name: str) -> None:
    model, inputs, _ = CASES[name]
    parts, fused = count(trace(model, inputs)), count(trace_values(model, inputs))
    assert fused.elementwise_flops == parts.elementwise_flops


@pytest.mark.parametrize("name", CASES)
def test_macs(name: str) -> None:
    model, inputs, expected = CASES[name]
    assert counted(model, *inputs).macs == expected


def test_the_fused_encoder_layer_costs_what_its_modules_do() -> None:
    model, inputs, expected = CASES["encoder layer"]
    layer: Any = model.eval()
    attention, norms = layer.self_attn, (layer.norm1, layer.norm2)
    weights = [weight for norm in norms for weight in (norm.weight, norm.bias)]
    weights += [weight for linear in (layer.linear1, layer.linear2) for weight in (linear.weight, linear.bias)]
    projections = (attention.in_proj_weight, attention.in_proj_bias, attention.out_proj.weight, attention.out_proj.bias)

    def fused(module: Any, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch._transformer_encoder_layer_fwd(x, 8, 2, *projections, False, False, 1e-5, *weights)
        return result

    ledger, parts = count(trace_values(Weighted(fused), inputs)), count(trace_values(layer, inputs))
    assert [entry.operation.name for entry in ledger.entries] == ["aten._transformer_encoder_layer_fwd"]
    assert ledger.macs == expected == parts.macs
    assert ledger.elementwise_flops == parts.elementwise_flops


def test_the_fused_multi_head_attention_costs_what_its_parts_do() -> None:
    model, inputs, expected = CASES["multi-head attention"]
    attention: Any = model.eval().attention
    projections = (attention.in_proj_weight, attention.in_proj_bias, attention.out_proj.weight, attention.out_proj.bias)

    def fused(module: Any, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch._native_multi_head_attention(x, x, x, 8, 2, *projections, need_weights=False)[0]
        return result

    parts = Weighted(lambda m, x: attention(x, x, x, need_weights=False)[0])
    ledger, sum_of_parts = count(trace_values(Weighted(fused), inputs)), count(trace_values(parts, inputs))
    assert [entry.operation.name for entry in ledger.entries] == ["aten._native_multi_head_attention"]
    assert ledger.macs == expected == sum_of_parts.macs
    assert ledger.elementwise_flops == sum_of_parts.elementwise_flops


def test_a_module_with_two_parents_counts_once_a_call() -> None:
    shared = nn.Linear(5, 5)
    ledger = counted(nn.Sequential(nn.Sequential(shared), nn.Sequential(shared)), zeros(3, 5))
    assert ledger.macs == 2 * 75
    # Each parent has its own call.
    calls = ledger.trace.calls
    assert {calls[i].path: ledger.inclusive[i].macs for i in (1, 3)} == {"0": 75, "1": 75}


def test_own_and_inclusive() -> None:
    model = Weighted(lambda m, x: m.linear(x) @ m.w, w=zeros(5, 2))
    model.linear = nn.Linear(5, 5)
    ledger = counted(model, zeros(3, 5))
    assert ledger.own[0].macs == 3 * 5 * 2
    assert ledger.inclusive[0].macs == 3 * 5 * 2 + 75


def test_batch_multiplies() -> None:
    one, four = (counted(nn.Conv2d(4, 8, 3), zeros(batch, 4, 8, 8)).macs for batch in (1, 4))
    assert four == 4 * one


# Each: the model, its input, FLOPs outside the family by hand.
ELEMENTWISE: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...], int]] = {
    "relu": (nn.ReLU(), (zeros(2, 3),), 6),
    # x · σ(x): two functions.
    "silu": (nn.SiLU(), (zeros(2, 3),), 12),
    # Normalise (2) and affine (2) on 1·4·2·2 elements.
    "batch norm": (nn.BatchNorm2d(4), (zeros(1, 4, 2, 2),), 64),
    "batch norm not affine": (nn.BatchNorm2d(4, affine=False), (zeros(1, 4, 2, 2),), 32),
    # Mean and variance (4), normalise (2), affine (2) on 6 elements.
    "layer norm": (nn.LayerNorm(3), (zeros(2, 3),), 48),
    # Largest, subtract, exponentiate, sum, divide on 6 elements.
    "softmax": (nn.Softmax(1), (zeros(2, 3),), 30),
    # 4 outputs, windows of 4, and a division each.
    "average pool": (nn.AvgPool2d(2), (zeros(1, 1, 4, 4),), 20),
    "max pool": (nn.MaxPool2d(2), (zeros(1, 1, 4, 4),), 16),
    # 16 elements taken once, 1 division.
    "global pool": (nn.AdaptiveAvgPool2d(1), (zeros(1, 1, 4, 4),), 17),
    "nearest": (nn.Upsample(scale_factor=2), (zeros(1, 1, 4, 4),), 0),
    # 64 outputs of 4 products and 3 sums.
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), (zeros(1, 1, 4, 4),), 448),
    # A bias is one sum an output element: 8·6·6.
    "bias": (nn.Conv2d(4, 8, 3), (zeros(1, 4, 8, 8),), 288),
    # 2·8 numbers sorted by 8 → 3 comparisons each.
    "topk": (Weighted(lambda m, x: x.topk(2)[0]), (zeros(2, 8),), 48),
    # 5 N log₂ N / 2 for a real transform of N = 8, on the 5 numbers of the half spectrum or the 8 of the input.
    "fft": (Weighted(lambda m, x: torch.fft.rfft(x)), (zeros(8),), 5 * 8 * 3 // 2),
    "embedding": (
        Weighted(lambda m, i: F.embedding(i, m.w), w=zeros(9, 4)),
        (torch.zeros(3, dtype=torch.int64),),
        0,
    ),
    # 9 samples of 4 products and 3 sums.
    "grid sample": (
        Weighted(lambda m, x, g: F.grid_sample(x, g, align_corners=False)),
        (zeros(1, 1, 4, 4), zeros(1, 3, 3, 2)),
        63,
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    model, inputs, expected = ELEMENTWISE[name]
    ledger = counted(model, *inputs)
    assert ledger.elementwise_flops == expected


def test_deformable_convolution() -> None:
    from torchvision.ops import DeformConv2d

    ledger = counted(DeformConv2d(4, 8, 3), zeros(1, 4, 8, 8), zeros(1, 18, 6, 6))
    # The convolution itself: 8·6·6 = 288 elements of 36 products.
    assert ledger.macs == 288 * 36
    # 6·6·4·9 = 1296 samples of 7 FLOPs, 18·6·6 = 648 offsets moved (2), and 288 of bias.
    assert ledger.elementwise_flops == 1296 * 7 + 648 * 2 + 288


def test_an_operation_without_a_formula_is_named_and_never_zero() -> None:
    library = torch.library.Library("archprof_test", "DEF")
    library.define("mystery(Tensor x) -> Tensor")
    library.impl("mystery", torch.clone, "Meta")
    ledger = count(trace(Weighted(lambda m, x: torch.ops.archprof_test.mystery(x)), (zeros(2),)))
    assert ledger.unknown == {"archprof_test.mystery": 1}
    assert ledger.states() == {"unknown": 1}


def test_a_formula_is_registered_once() -> None:
    with pytest.raises(RegistrationError, match=r"formula for 'aten\.convolution' is registered twice"):
        register_formula("aten.convolution")(lambda operation: None)


def test_a_scope_forgets_what_was_registered_in_it() -> None:
    known = dict(FORMULAS)
    with FORMULAS.scope():
        register_formula("mine.scoped")(lambda operation: Count(1))
        with FORMULAS.scope(), pytest.raises(RegistrationError, match=r"'mine\.scoped' is registered twice"):
            register_formula("mine.scoped")(lambda operation: Count(2))
    assert known == FORMULAS


def test_a_formula_that_shapes_do_not_tell_leaves_the_call_unknown() -> None:
    class Maybe(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return torch.ops.archprof_test_maybe.cost(x), torch.ops.archprof_test_maybe.cost(x[:1])

    library = torch.library.Library("archprof_test_maybe", "DEF")
    library.define("cost(Tensor x) -> Tensor")
    library.impl("cost", torch.clone, "Meta")
    with FORMULAS.scope():
        register_formula("archprof_test_maybe.cost")(
            lambda operation: Count(0, 7) if operation.arguments[0].numel > 1 else None
        )
        ledger = count(trace(Maybe(), (zeros(2),)))
    assert ledger.elementwise_flops == 7
    assert ledger.unknown == {"archprof_test_maybe.cost": 1}


def test_the_public_way_in_knows_torch_s_operations() -> None:
    # A plugin may register before anything was counted: what has a formula is said to have one.
    code = "import archprof; archprof.register_formula('aten.mm')(lambda operation: None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "formula for 'aten.mm' is registered twice" in done.stderr


def test_no_operation_is_both_free_and_counted() -> None:
    assert not FREE & FORMULAS.keys()


def test_every_name_in_the_tables_is_an_operation_of_torch() -> None:
    import torch.ao.quantization.fx._decomposed
    import torchvision  # noqa: F401 - registers its operations, as the module above does

    for name in [*FREE, *FORMULAS]:
        space, _, operation = name.partition(".")
        if space == "torch_nn":  # registered when its function is first called
            from torch.nn.modules import linear_cross_entropy  # noqa: F401
        assert hasattr(getattr(torch.ops, space), operation), name
