"""Gradients that a model takes in its forward, and those that are asked of its inputs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

import archprof
from archprof.errors import RunError
from archprof.trace.run import trace, trace_values

if TYPE_CHECKING:
    from collections.abc import Callable

ATOMS = torch.linspace(-1, 1, 12).view(4, 3)
ROWS = torch.linspace(-1, 1, 32).view(4, 8)


def energy() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


class Forces(nn.Module):
    """An interatomic potential: what it gives is the gradient of its energy by the positions."""

    def __init__(self, by: Callable[[Any, torch.Tensor], Any]) -> None:
        super().__init__()
        self.energy, self.by = energy(), by

    def forward(self, positions: torch.Tensor) -> Any:
        return self.by(self.energy, positions)


def _by_grad(model: Any, positions: torch.Tensor) -> Any:
    positions = positions.detach().requires_grad_()
    return -torch.autograd.grad(model(positions).sum(), positions)[0]


def _by_grad_of_the_input(model: Any, positions: torch.Tensor) -> Any:
    positions.requires_grad_()
    return -torch.autograd.grad(model(positions).sum(), positions)[0]


def _by_backward(model: Any, positions: torch.Tensor) -> Any:
    leaf = positions.detach().requires_grad_()
    model(leaf).sum().backward(inputs=[leaf])
    return leaf.grad


def _by_grad_with_values(model: Any, positions: torch.Tensor) -> Any:
    forces = _by_grad(model, positions)
    return forces if positions.max() > 0 else -forces


WAYS = [_by_grad, _by_grad_of_the_input, _by_backward, _by_grad_with_values]


@pytest.mark.parametrize("by", WAYS)
def test_forces_are_counted(by: Callable[[Any, torch.Tensor], Any]) -> None:
    model, positions = Forces(by), ATOMS.clone()
    profile = archprof.profile(model, positions)
    # 4 atoms through 3·8 and 8·1 products, and back through both to the positions.
    assert profile.totals.macs == 2 * 4 * (3 * 8 + 8 * 1)
    assert not profile.coverage.unknown
    assert archprof.profile(model, positions) == profile
    assert not positions.requires_grad
    assert positions.grad is None
    assert all(parameter.grad is None for parameter in model.parameters())


def test_gradients_of_parameters_are_left_as_they_were() -> None:
    class Descending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(3, 8)

        def forward(self, x: torch.Tensor) -> Any:
            loss = self.line(x).sum()
            loss.backward()
            return loss

    model = Descending()
    model.line.weight.grad = torch.ones(8, 3)
    profile = archprof.profile(model, ATOMS)
    # Forward, and the weight's gradient.
    assert profile.totals.macs == 2 * 4 * 3 * 8
    assert torch.equal(model.line.weight.grad, torch.ones(8, 3))
    assert model.line.bias.grad is None


def test_a_model_that_cannot_differentiate_is_refused() -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> Any:
            return torch.autograd.grad(x.sum(), x)

    with pytest.raises(RunError, match="does not require grad"):
        archprof.profile(Broken(), ATOMS)


def test_gradients_are_not_recorded_unasked() -> None:
    """They would take time, and the fast paths with it."""
    recorded = []

    class Asking(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            recorded.append(torch.is_grad_enabled())
            return x

    trace(Asking(), (ATOMS,))
    assert recorded == [False]


class Reading(nn.Module):
    """Runs with values only."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> Any:
        return self.model(x) if x.detach().max() > 0 else x


def lines() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))


@pytest.mark.parametrize("wrap", [lambda model: model, Reading], ids=["shapes", "values"])
@pytest.mark.parametrize(("asked", "macs"), [(False, 384), (True, 640)])
def test_an_input_that_asks_for_its_gradient(asked: bool, macs: int, wrap: Callable[[nn.Module], nn.Module]) -> None:
    rows = ROWS.clone().requires_grad_(asked)
    profile = archprof.profile(wrap(lines()), rows, backward=True)
    assert profile.totals.macs == 4 * (8 * 8 + 8 * 2)
    # Both weights' gradients, 4·8·8 + 4·8·2, and that of what is between, 4·2·8; of the input 4·8·8 more.
    assert profile.backward is not None
    assert profile.backward.macs == macs
    assert rows.requires_grad is asked
    assert rows.grad is None


@pytest.mark.parametrize("record", [trace, trace_values])
def test_what_a_reentrant_checkpoint_computes_again_is_counted(record: Callable[..., Any]) -> None:
    class Checkpointed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> Any:
            return checkpoint(self.line, x, use_reentrant=True)

    step = record(Checkpointed(), (ROWS.clone().requires_grad_(),), backward=True)
    products = [operation.name for operation in step.backward if operation.name in ("aten.mm", "aten.addmm")]
    # The forward again, the weight's gradient, and the input's.
    assert sorted(products) == ["aten.addmm", "aten.mm", "aten.mm"]
    assert [operation.name for operation in step.operations].count("aten.addmm") == 1


def test_a_tensor_of_the_model_s_own_that_asks_for_its_gradient() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.line = nn.Linear(8, 8, bias=False)
            self.scale = torch.ones(8, requires_grad=True)

        def forward(self, x: torch.Tensor) -> Any:
            return self.line(x * self.scale)

    model = Scaled()
    profile = archprof.profile(model, ROWS, backward=True)
    # The weight's gradient, and that of what it is given, for the scale.
    assert profile.backward is not None
    assert profile.backward.macs == 2 * 4 * 8 * 8
    assert model.scale.grad is None
    assert not model.scale.is_meta


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Wrapping(nn.Module):
    """A linear layer whose result is inside something."""

    def __init__(self, wrap: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.linear, self.wrap = nn.Linear(8, 2), wrap

    def forward(self, rows: torch.Tensor) -> Any:
        return self.wrap(self.linear(rows))


def _of_itself(value: torch.Tensor) -> Plain:
    plain = Plain(value)
    plain.value = [value, plain]
    return plain


@pytest.mark.parametrize(
    "wrap",
    [
        Plain,
        Slotted,
        lambda value: SimpleNamespace(rows=[value]),
        lambda value: torch.distributions.Normal(value, 1.0),
        lambda value: {"deep": (Plain(Slotted(value)),)},
        _of_itself,
    ],
)
def test_a_result_inside_an_object_has_a_backward_pass(wrap: Callable[[torch.Tensor], Any]) -> None:
    profile = archprof.profile(Wrapping(wrap), ROWS, backward=True)

    # 4·8·2 = 64 forward; the weight's gradient takes as many, and the rows need none.
    assert profile.totals.macs == 64
    assert profile.backward is not None
    assert profile.backward.macs == 64


def _carried(m: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(m(forward_ad.make_dual(x, torch.ones_like(x)))).tangent


# Of Linear(8, 8), Tanh, Linear(8, 1) on 4 rows: 4 * 8 * 8 + 4 * 8 forward; and as many for what the linear layers do to
# a derivative by the input, in either direction.
DERIVATIVES: dict[str, Callable[[nn.Module, torch.Tensor], Any]] = {
    "carried along": _carried,
    "jvp": lambda m, x: torch.func.jvp(m, (x,), (torch.ones_like(x),)),
    "vjp": lambda m, x: torch.func.vjp(m, x)[1](torch.ones(4, 1)),
    "vjp on the input's device": lambda m, x: torch.func.vjp(m, x)[1](torch.ones(4, 1, device=x.device)),
    "functional.vjp": lambda m, x: torch.autograd.functional.vjp(m, x, torch.ones(4, 1)),
    "vmap of grad": lambda m, x: torch.vmap(torch.func.grad(lambda row: m(row).sum()))(x),
}


@pytest.mark.filterwarnings("ignore:.*torch.jit.* is deprecated")
@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_in_either_direction_are_counted_without_values(name: str) -> None:
    class Derives(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))

        def forward(self, x: torch.Tensor) -> Any:
            return DERIVATIVES[name](self.inner, x)

    profile = archprof.profile(Derives(), torch.ones(4, 8))
    assert profile.totals.macs == 2 * (4 * 8 * 8 + 4 * 8)
    assert not profile.environment.remarks
