"""Experts that are layers of their own are counted, no dynamic layer, and said to be there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.parameternet.analysis import analyse
from archprof.trace.run import RunSpec

REMARK = (
    "{}: {} experts weighed by a router are counted as they run, but not analysed as a dynamic layer: "
    "the weight of each is a parameter as it stands, and none is computed from a bank of them"
)


class WeighedSum(nn.Module):
    """All of four small networks for every token, and the sum of what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8, bias=False)) for _ in range(4)
        )
        self.gate = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gate(x).softmax(-1)
        return torch.stack([weights[:, index, None] * expert(x) for index, expert in enumerate(self.experts)]).sum(0)


class Stacked(WeighedSum):
    """The same, weighed by one product."""

    def forward(self, x: Tensor) -> Tensor:
        copies = torch.stack([expert(x) for expert in self.experts], 1)
        return torch.einsum("te,ted->td", self.gate(x).softmax(-1), copies)


class TopTwo(WeighedSum):
    """Two of them for every token, in a loop over the experts."""

    def forward(self, x: Tensor) -> Tensor:
        weights, best = self.gate(x).softmax(-1).topk(2)
        y = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            token, rank = torch.where(best == index)
            y.index_add_(0, token, expert(x[token]) * weights[token, rank, None])
        return y


class Deep(nn.Module):
    """Six of them, one after another."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(WeighedSum() for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(x)
        return x


class Sliced(nn.Module):
    """Matrices of one parameter, multiplied one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.zeros(4, 8, 16))
        self.gate = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gate(x).softmax(-1)
        copies = [weights[:, index, None] * (x @ matrix) for index, matrix in enumerate(self.bank)]
        return torch.stack(copies).sum(0)


class AtOnce(Sliced):
    """The same in one product, and their sum in another, which looks like a dynamic layer with the parts exchanged."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("te,teo->to", self.gate(x).softmax(-1), torch.einsum("ti,eio->teo", x, self.bank))


def remarks_of(model: nn.Module, x: Tensor, *, values: bool = False) -> list[str]:
    run = RunSpec(inputs=(x,), values=values)
    ledger = count(run(model.eval()))
    result, text = analyse(ledger, measure(ledger.trace), run)
    assert result is None
    return text


@pytest.mark.parametrize(
    ("model", "index"), [(WeighedSum, "experts"), (Stacked, "experts"), (Sliced, "bank"), (AtOnce, "bank")]
)
def test_experts_that_are_layers_of_their_own_are_said_to_be_there(model: type[nn.Module], index: str) -> None:
    assert remarks_of(model(), torch.empty(6, 8, device="meta")) == [REMARK.format(index, 4)]


def test_experts_that_tokens_choose_among_in_a_loop() -> None:
    assert remarks_of(TopTwo(), torch.randn(6, 8), values=True) == [REMARK.format("experts", 4)]


def test_many_places_are_one_remark() -> None:
    names = "layers.0.experts, layers.1.experts, layers.2.experts, layers.3.experts and 2 more"
    assert remarks_of(Deep(), torch.empty(6, 8, device="meta")) == [REMARK.format(names, 4)]


class Selective(nn.Module):
    """Branches weighed by what they say themselves, as in selective kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.gate = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        entry, another_model = (branch(x) for branch in self.branches)
        weights = self.gate(entry + another_model).softmax(-1)
        return weights[:, :1] * entry + weights[:, 1:] * another_model


class Chained(Selective):
    """One layer after another, each weighed."""

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gate(x).sigmoid()
        entry, another_model = self.branches
        return weights[:, 1:] * another_model(weights[:, :1] * entry(x))


class Attention(nn.Module):
    """Attention whose weights are parameters with a dimension for the heads."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Parameter(torch.zeros(4, 8, 16)) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (torch.einsum("td,hde->hte", x, weight) for weight in (self.q, self.k, self.v))
        return (q @ k.transpose(1, 2)).softmax(-1) @ v


@pytest.mark.parametrize("model", [Selective, Chained, Attention])
def test_what_only_looks_like_experts_is_not_spoken_of(model: type[nn.Module]) -> None:
    assert remarks_of(model(), torch.empty(6, 8, device="meta")) == []
