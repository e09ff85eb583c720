"""Parameters that no operation reads are named, and those that are read in a roundabout way are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import archprof

if TYPE_CHECKING:
    from collections.abc import Callable

X = torch.ones(2, 4)


class Function(nn.Module):
    def __init__(self, function: Callable[..., Any], **members: Any) -> None:
        super().__init__()
        self.function = function
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self, x)


def remarks(model: nn.Module, inputs: Any = X, **options: Any) -> list[str]:
    return [r for r in archprof.profile(model, inputs, **options).environment.remarks if not r.startswith("run with")]


# Linear layers 4 → 4 have 16 weights and 4 biases.
UNREAD: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "a layer": (lambda: Function(lambda m, x: m.a(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4)), "20 of 40 {}: b"),
    "a weight": (
        lambda: Function(lambda m, x: x @ m.a.weight.mT, a=nn.Linear(4, 4)),
        "4 of 20 {}: a.bias",
    ),
    "many": (
        lambda: Function(lambda m, x: x, **{name: nn.Linear(4, 4) for name in "abcde"}),
        "100 of 100 {}: a, b, c and 2 more",
    ),
    "what only its shape is asked of": (
        lambda: Function(lambda m, x: x.expand(3, *m.a.weight[:2].shape), a=nn.Linear(4, 4)),
        "4 of 20 {}: a.bias",  # a view of the weight is taken: what comes of it is not looked into
    ),
    "a branch for training": (
        lambda: Function(
            lambda m, x: m.b(m.a(x)) if m.training else m.a(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4)
        ).eval(),
        "20 of 40 {}: b",
    ),
    "a layer inside of one": (
        lambda: nn.Sequential(nn.Linear(4, 4), Function(lambda m, x: x, a=nn.Sequential(nn.Linear(4, 4)))),
        "20 of 40 {}: 1",
    ),
}


@pytest.mark.parametrize("name", UNREAD)
def test_what_nothing_reads_is_named(name: str) -> None:
    make, expected = UNREAD[name]
    assert remarks(make()) == [expected.format("parameters are read by no operation of this pass")]
    with torch.device("meta"):
        assert remarks(make()) == [expected.format("parameters are read by no operation of this pass")]


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    return model


def shared_memory() -> nn.Module:
    """Two parameters in the same memory, of which one is read."""
    model = Function(lambda m, x: m.a(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    model.b.weight, model.b.bias = nn.Parameter(model.a.weight.data), nn.Parameter(model.a.bias.data[:2])
    return model


def held_elsewhere() -> nn.Module:
    model = Function(lambda m, x: x @ m.plain, a=nn.Linear(4, 4, bias=False))
    model.plain = model.a.weight.detach().mT
    return model


def pruned() -> nn.Module:
    return prune.random_unstructured(nn.Linear(4, 4), "weight", amount=0.5)


READ: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU()),
    "tied": tied,
    "in the same memory": shared_memory,
    "in an attribute": held_elsewhere,
    "in a list": lambda: Function(
        lambda m, x: x @ m.parts[0] * m.parts[1], parts=nn.ParameterList([X[0].diag(), X[0]])
    ),
    "data": lambda: Function(lambda m, x: x @ m.a.weight.data, a=nn.Linear(4, 4, bias=False)),
    "detached": lambda: Function(lambda m, x: x @ m.a.weight.detach(), a=nn.Linear(4, 4, bias=False)),
    "stacked": lambda: Function(
        lambda m, x: x @ torch.stack([m.a.weight, m.b.weight]).sum(0),
        a=nn.Linear(4, 4, bias=False),
        b=nn.Linear(4, 4, bias=False),
    ),
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(4, 4)),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(4, 4)),
    "pruned": pruned,
    "recurrent": lambda: nn.LSTM(4, 3, num_layers=2, bidirectional=True),
    "attention": lambda: Function(lambda m, x: m.a(x, x, x), a=nn.MultiheadAttention(4, 2)),
    "an encoder": lambda: nn.TransformerEncoderLayer(4, 2, 8),
    "read as a number": lambda: Function(lambda m, x: x * float(m.a), a=nn.Parameter(torch.ones(()))),
    "without elements": lambda: Function(lambda m, x: x, a=nn.Parameter(torch.ones(0, 4))),
    "vmap": lambda: Function(lambda m, x: torch.vmap(lambda row: row @ m.a.weight)(x), a=nn.Linear(4, 4, bias=False)),
    "frozen": lambda: nn.Linear(4, 4).requires_grad_(False),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_read_in_any_way_is_not(name: str) -> None:
    assert remarks(READ[name]().eval()) == []


@pytest.mark.filterwarnings("ignore")
def test_a_converted_model_s_float_weights() -> None:
    """A model quantised by pt2e reads its integers from buffers, and keeps the parameters that they were made of."""
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
        X86InductorQuantizer,
        get_default_x86_inductor_quantization_config,
    )

    class Tower(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 24, 3)
            self.fc = nn.Linear(24, 6, bias=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = self.fc(self.conv(x).mean((2, 3)))
            return result

    image = torch.ones(1, 3, 8, 8)
    quantizer = X86InductorQuantizer().set_global(get_default_x86_inductor_quantization_config())
    model = prepare_pt2e(torch.export.export(Tower().eval(), (image,)).module(), quantizer)
    model(image)
    profile = archprof.profile(convert_pt2e(model), image)
    # 24 · 3 · 9 weights of the convolution and 6 · 24 of the linear layer are integers now; the bias of 24 is not.
    assert "792 of 816 parameters are read by no operation of this pass: " in " ".join(profile.environment.remarks)
