"""What operations cost in all their forms, by hand, and against sums of ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from hypothesis import given, settings
from torch import nn

import archprof
from archprof.count.formulas import FORMULAS, Count
from archprof.count.ledger import Ledger, count
from archprof.trace.run import trace, trace_values

from .function import Function

if TYPE_CHECKING:
    from collections.abc import Callable


def ones(*shape: int) -> torch.Tensor:
    return torch.ones(shape)


def counted(model: nn.Module, *inputs: torch.Tensor) -> Ledger:
    """The ledger without values, which must be the one with values."""
    ledger, real = count(trace(model.eval(), inputs)), count(trace_values(model, inputs))
    assert (ledger.macs, ledger.elementwise_flops) == (real.macs, real.elementwise_flops)
    assert not ledger.unknown
    return ledger


sizes = st.integers(1, 4)
batches = st.lists(st.sampled_from([1, 3]), max_size=2)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_matmul_in_every_broadcast_form(data: st.DataObject) -> None:
    # On ones every product adds 1, so the sum of the result is the number of products.
    n, k, m = data.draw(sizes), data.draw(sizes), data.draw(sizes)
    left = data.draw(st.sampled_from([(k,), (n, k)])) if data.draw(st.booleans()) else (*data.draw(batches), n, k)
    right = data.draw(st.sampled_from([(k,), (k, m)])) if data.draw(st.booleans()) else (*data.draw(batches), k, m)
    product = torch.matmul(ones(*left), ones(*right)).sum().item()
    assert counted(Function(torch.matmul), ones(*left), ones(*right)).macs == product


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_convolutions_of_every_kind_as_functions(data: st.DataObject) -> None:
    rank, groups, transposed = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3)), data.draw(st.booleans())
    inside, outside = groups * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    shape = (inside, outside // groups) if transposed else (outside, inside // groups)
    weight = ones(*shape, *data.draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank)))
    image = ones(data.draw(st.integers(1, 2)), inside, *[6] * rank)
    options = {"stride": data.draw(st.integers(1, 2)), "dilation": data.draw(st.integers(1, 2)), "groups": groups}
    run: Any = getattr(F, f"conv{'_transpose' if transposed else ''}{rank}d")
    ledger = counted(Function(lambda x, w: run(x, w, **options)), image, weight)
    assert ledger.macs == run(image, weight, **options).sum().item()


# The equation, the shapes, and MACs. Those of two operands also come out as the sum over ones.
EINSUMS: list[tuple[str, list[tuple[int, ...]], int]] = [
    ("ij,jk->ik", [(2, 3), (3, 4)], 24),
    ("ij,kj->ik", [(2, 3), (4, 3)], 24),
    ("bhid,bhjd->bhij", [(2, 2, 3, 4), (2, 2, 5, 4)], 2 * 2 * 3 * 5 * 4),
    ("...ij,...jk->...ik", [(5, 2, 3), (5, 3, 4)], 120),
    ("bij,jk->bik", [(5, 2, 3), (3, 4)], 120),
    ("ij,j->i", [(2, 3), (3,)], 6),
    ("i,i->", [(3,), (3,)], 3),
    ("ijk,jkl->il", [(2, 3, 4), (3, 4, 5)], 120),
    # What sums over nothing is no matrix product: an outer and an elementwise one, a transpose, a diagonal, a sum.
    ("i,j->ij", [(2,), (3,)], 0),
    ("ij,ij->ij", [(2, 3), (2, 3)], 0),
    ("ij->ji", [(2, 3)], 0),
    ("ii->i", [(3, 3)], 0),
    ("ij->", [(2, 3)], 0),
    # From left to right: (2×3)·(3×4) = 24, then (2×4)·(4×5) = 40.
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)], 24 + 40),
]


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"), EINSUMS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_einsum(equation: str, shapes: list[tuple[int, ...]], macs: int) -> None:
    operands = [ones(*shape) for shape in shapes]
    ledger = counted(Function(lambda *tensors: torch.einsum(equation, *tensors)), *operands)
    assert ledger.macs == macs
    if macs and len(shapes) == 2:
        assert macs == torch.einsum(equation, *operands).sum().item()


# Each: the function, its inputs, MACs, elementwise FLOPs.
CASES: dict[str, tuple[Callable[..., Any], tuple[torch.Tensor, ...], int, int]] = {
    # A result of 2·4, to which the first operand is added.
    "addmm": (torch.addmm, (ones(2, 4), ones(2, 3), ones(3, 4)), 24, 8),
    "addmv": (torch.addmv, (ones(2), ones(2, 3), ones(3)), 6, 2),
    "baddbmm": (torch.baddbmm, (ones(5, 2, 4), ones(5, 2, 3), ones(5, 3, 4)), 120, 40),
    "addbmm": (torch.addbmm, (ones(2, 4), ones(5, 2, 3), ones(5, 3, 4)), 120, 8),
    "mv": (torch.mv, (ones(2, 3), ones(3)), 6, 0),
    "dot": (torch.dot, (ones(3), ones(3)), 3, 0),
    "outer": (torch.outer, (ones(2), ones(3)), 0, 6),
    "tensordot": (lambda x, y: torch.tensordot(x, y, 2), (ones(2, 3, 4), ones(3, 4, 5)), 120, 0),
    "chain": (lambda *m: torch.linalg.multi_dot(m), (ones(2, 3), ones(3, 4), ones(4, 1)), 12 + 6, 0),
    # 2 samples, 6 results of 3·4 products, two multiplications each: one of them in the MAC.
    "bilinear": (lambda x, y, w: F.bilinear(x, y, w), (ones(2, 3), ones(2, 4), ones(6, 3, 4)), 144, 144),
    # 3 queries of 4, 5 keys: subtract, square, sum each, and a root for each pair.
    "distances": (torch.cdist, (ones(3, 4), ones(5, 4)), 0, 15 * 13),
    # 2·5·5 points, each of 2 coordinates that are sums of 3 products.
    "affine grid": (lambda t: F.affine_grid(t, [2, 1, 5, 5], align_corners=False), (ones(2, 2, 3),), 2 * 25 * 2 * 3, 0),
    # 3·3·3 places of 8 neighbours: 8 products and 7 sums.
    "grid sample in 3d": (
        lambda x, g: F.grid_sample(x, g, align_corners=False),
        (ones(1, 2, 4, 4, 4), ones(1, 3, 3, 3, 3)),
        0,
        2 * 27 * 15,
    ),
    # 2 channels, 3·3 places of 4·4 neighbours: 16 products and 15 sums.
    "cubic grid sample": (
        lambda x, g: F.grid_sample(x, g, mode="bicubic", align_corners=False),
        (ones(1, 2, 4, 4), ones(1, 3, 3, 2)),
        0,
        2 * 9 * 31,
    ),
    "nearest grid sample": (
        lambda x, g: F.grid_sample(x, g, mode="nearest", align_corners=False),
        (ones(1, 2, 4, 4), ones(1, 3, 3, 2)),
        0,
        0,
    ),
    # Columns of 4·2·2 windows, moved; then each added to its place.
    "unfold and fold": (lambda x: F.fold(F.unfold(x, 2), (3, 3), 2), (ones(1, 1, 3, 3),), 0, 16),
    # 5 N log₂ N for a complex transform of N = 8, along each of 3 rows; half for a real one, on its half spectrum's
    # elements or its own, whichever are more.
    "fft": (torch.fft.fft, (ones(3, 8).to(torch.complex64),), 0, 3 * 5 * 8 * 3),
    "rfft": (torch.fft.rfft, (ones(3, 8),), 0, 3 * 5 * 8 * 3 // 2),
    "irfft": (torch.fft.irfft, (ones(3, 5).to(torch.complex64),), 0, 3 * 5 * 8 * 3 // 2),
    # N = 4·8 = 32 numbers: 5 · 32 · 5 / 2.
    "rfft2": (torch.fft.rfft2, (ones(4, 8),), 0, 400),
    # torch runs three of real numbers (Gauss): (a + b)(c + d), ac and bd. The sums of the 256 inputs and of the 288
    # weights, ac − bd, the first less both, and i times that, added: 5 for each of 288 results.
    "complex convolution": (
        F.conv2d,
        (ones(1, 4, 8, 8) * 1j, ones(8, 4, 3, 3) * 1j),
        3 * 288 * 36,
        256 + 288 + 5 * 288,
    ),
    "a module for complex numbers": (
        nn.Conv2d(4, 8, 3, bias=False, dtype=torch.complex64),
        (ones(1, 4, 8, 8) * 1j,),
        3 * 288 * 36,
        256 + 288 + 5 * 288,
    ),
    "complex linear": (F.linear, (ones(3, 5) * 1j, ones(7, 5) * 1j), 4 * 105, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    function, inputs, macs, elementwise = CASES[name]
    model = Function(function)
    ledger = count(trace(model, inputs))
    assert (ledger.macs, ledger.elementwise_flops) == (macs, elementwise)
    assert not ledger.unknown


# Recurrent layers on 3 steps of one sequence with 5 features, hidden size 6: MACs by hand.
RECURRENT: dict[str, tuple[nn.Module, int]] = {
    # Two layers, the second of which reads 6: 4 gates of 6 units each.
    "lstm of 2 layers": (nn.LSTM(5, 6, num_layers=2), 3 * 4 * 6 * (5 + 6 + 6 + 6)),
    # Both directions; the second layer reads 2·6.
    "lstm, both ways, 2 layers": (nn.LSTM(5, 6, num_layers=2, bidirectional=True), 3 * 2 * 4 * 6 * (5 + 6 + 12 + 6)),
    "gru, both ways": (nn.GRU(5, 6, bidirectional=True), 3 * 2 * 3 * 6 * (5 + 6)),
    "gru of 3 layers": (nn.GRU(5, 6, num_layers=3, bias=False), 3 * 3 * 6 * (5 + 5 * 6)),
    "rnn of relus": (nn.RNN(5, 6, nonlinearity="relu", bidirectional=True), 3 * 2 * 6 * (5 + 6)),
    # The state is projected from 6 to 2, which is what comes back in.
    "lstm with a projection": (nn.LSTM(5, 6, proj_size=2), 3 * (4 * 6 * (5 + 2) + 6 * 2)),
}


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers(name: str) -> None:
    model, macs = RECURRENT[name]
    assert counted(model, ones(3, 1, 5)).macs == macs
    # Twice the batch, twice the cost.
    assert counted(model, ones(3, 2, 5)).macs == 2 * macs


def test_cells() -> None:
    assert counted(nn.LSTMCell(5, 6), ones(2, 5)).macs == 2 * 4 * 6 * (5 + 6)
    assert counted(nn.GRUCell(5, 6), ones(2, 5)).macs == 2 * 3 * 6 * (5 + 6)


def test_a_grouped_deformable_convolution_with_a_mask() -> None:
    from torchvision.ops import DeformConv2d

    ledger = counted(DeformConv2d(4, 8, 3, groups=2), ones(2, 4, 8, 8), ones(2, 18, 6, 6), ones(2, 9, 6, 6))
    # 2 samples of 288 elements of 2·9 products.
    assert ledger.macs == 2 * 288 * 18
    # 2·36·9·4 samples of 7 and a product with the mask, 2 for each of 2·18·36 offsets, and the bias.
    assert ledger.elementwise_flops == 2592 * 8 + 2 * 1296 + 576


def test_the_top_experts_of_a_mixture() -> None:
    # 6 tokens of 4, 5 experts of 4 → 3, two of which each token meets: the router's 6·4·5, and 6·2 products of 4·3.
    class Mixture(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.router = nn.Linear(4, 5, bias=False)
            self.experts = nn.Parameter(ones(5, 4, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            weights, chosen = self.router(x).softmax(-1).topk(2)
            mixed: torch.Tensor = (torch.einsum("nd,nkde->nke", x, self.experts[chosen]) * weights[..., None]).sum(1)
            return mixed

    assert counted(Mixture(), ones(6, 4)).macs == 6 * 4 * 5 + 6 * 2 * 4 * 3


def test_experts_in_a_loop_meet_only_their_tokens() -> None:
    # Which tokens an expert gets is read from the router's values; here 2 of 6 go to the second, 4 to the first.
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(nn.Linear(4, 3, bias=False) for _ in range(2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = x.new_zeros(len(x), 3)
            for index, expert in enumerate(self.experts):
                rows = (x[:, 0] == index).nonzero()[:, 0]
                out.index_add_(0, rows, expert(x[rows]))
            return out

    profile = archprof.profile(Loop(), torch.tensor([0.0, 0, 1, 0, 1, 0])[:, None].expand(6, 4))
    assert {module.path: module.macs for module in profile.modules} == {
        "": 72,
        "experts": 72,  # a list is never called: the sum of what is in it
        "experts.0": 4 * 12,
        "experts.1": 2 * 12,
    }
    assert "run with values" in profile.environment.remarks[0]


def test_grouped_products() -> None:
    # 6 rows of 16, each of which meets the 16×24 matrix of its group.
    def grouped(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        ends = torch.tensor([2, 5, 6], dtype=torch.int32, device=x.device)
        result: torch.Tensor = torch._grouped_mm(x, w, offs=ends)
        return result

    inputs = (
        torch.empty(6, 16, dtype=torch.bfloat16, device="meta"),
        torch.empty(3, 16, 24, dtype=torch.bfloat16, device="meta"),
    )
    assert count(trace(Function(grouped), inputs)).macs == 6 * 16 * 24


def test_tied_weights_count_at_each_use_and_are_held_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(9, 4)
            self.head = nn.Linear(4, 9, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(self.embedding(tokens))
            return logits

    profile = archprof.profile(Tied(), torch.zeros(2, 3, dtype=torch.int64))
    assert profile.totals.macs == 6 * 4 * 9
    assert profile.totals.parameters == 36


def test_weights_of_each_sample_grow_with_the_batch() -> None:
    from timm.layers.cond_conv2d import CondConv2d

    # 5 experts of 8·4·9 weights are mixed for each sample by a matrix product; then each has its own convolution,
    # padded to 8·8·8 results of 4·9 products.
    model = CondConv2d(4, 8, 3, bias=False, num_experts=5)
    for batch in (1, 3):
        ledger = counted(model, ones(batch, 4, 8, 8), ones(batch, 5))
        assert ledger.macs == batch * (5 * 288 + 512 * 36)


def test_a_custom_operator_is_unknown_until_it_has_a_formula() -> None:
    @torch.library.custom_op("archprof_test_custom::twice", mutates_args=())
    def twice(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @twice.register_fake
    def _(x: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(x)

    name = "archprof_test_custom.twice"
    model = nn.Sequential(nn.Linear(3, 3, bias=False), Function(twice))
    profile = archprof.profile(model, ones(2, 3))
    assert profile.coverage.unknown == {name: 1}
    assert profile.coverage.share < 1
    with FORMULAS.scope():
        archprof.register_formula(name)(lambda operation: Count(0, operation.outputs[0].numel))
        profile = archprof.profile(model, ones(2, 3))
    assert profile.coverage.unknown == {}
    assert (profile.totals.macs, profile.totals.elementwise_flops) == (18, 6)
