"""Tensors whose shape or memory is changed in place are described as they are at the time, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.trace.run import trace, trace_values

if TYPE_CHECKING:
    from collections.abc import Callable

X = torch.linspace(-1, 1, 4 * 8).view(4, 8)


class Model(nn.Module):
    def __init__(self, function: Callable[[Any, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.function = function
        self.layer = nn.Linear(8, 8)
        self.weight = nn.Parameter(torch.ones(4, 16))
        self.plain = torch.ones(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


def _changed(change: Callable[[torch.Tensor, Any], object], then: Callable[[Any, torch.Tensor], torch.Tensor]) -> Any:
    def run(m: Any, x: torch.Tensor) -> torch.Tensor:
        y = m.layer(x)
        change(y, m)
        return then(m, y)

    return run


def _out(operation: Callable[..., object], then: Callable[[Any, torch.Tensor], torch.Tensor]) -> Any:
    def run(m: Any, x: torch.Tensor) -> torch.Tensor:
        y = torch.empty(0, device=x.device)
        operation(x, y)
        return then(m, y)

    return run


def _product(m: Any, y: torch.Tensor) -> torch.Tensor:
    return y @ m.weight


def _layer(m: Any, y: torch.Tensor) -> torch.Tensor:
    result: torch.Tensor = m.layer(y)
    return result


def _halves(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.layer.to(torch.bfloat16)
    y = m.layer(x.bfloat16())
    m.layer.to(torch.float32)
    result: torch.Tensor = y.float()
    return result


CHANGES: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "t_": _changed(lambda y, m: y.t_(), _product),
    "transpose_": _changed(lambda y, m: y.transpose_(0, 1), _product),
    "unsqueeze_": _changed(lambda y, m: y.unsqueeze_(0), lambda m, y: F.conv1d(y, torch.ones(2, 4, 3))),
    "unsqueeze_ and squeeze_": _changed(lambda y, m: y.unsqueeze_(2).squeeze_(2), _layer),
    "resize_": _changed(lambda y, m: y.resize_(2, 8), _layer),
    "as_strided_": _changed(lambda y, m: y.as_strided_((2, 8), (8, 1)), _layer),
    "set_": _changed(lambda y, m: y.set_(m.layer(y)[:2].contiguous()), _layer),
    "data": _changed(lambda y, m: setattr(y, "data", y.data[:2]), _layer),
    "mm out": _out(lambda x, y: torch.mm(x, x.t(), out=y), _product),
    "cat out": _out(lambda x, y: torch.cat([x, x], out=y), _layer),
    "add out": _out(lambda x, y: torch.add(x, 1, out=y), _layer),
    "a weight of another dtype": _halves,
}


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
@pytest.mark.parametrize("name", CHANGES)
def test_what_runs_next_is_counted_with_the_shape_that_it_has_then(name: str) -> None:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        Model(CHANGES[name])(X.clone())
    model = Model(CHANGES[name])
    profile = archprof.profile(model, X)

    assert 2 * profile.totals.macs == counter.get_total_flops() > 0
    assert not [remark for remark in profile.environment.remarks if remark.startswith("run with")]
    # Memory that is no longer anybody's may be given out again: what is kept apart by it must not depend on that.
    assert all(archprof.profile(Model(CHANGES[name]), X) == profile for _ in range(5))
    assert all(
        torch.equal(now, before)
        for now, before in zip(model.parameters(), Model(CHANGES[name]).parameters(), strict=True)
    )


def test_a_weight_that_is_cast_in_place_is_read_and_written_in_its_types() -> None:
    """The result of the layer in bfloat16, its input's copy, and its copy in float32: 4 · 8 elements each."""
    operations = trace(Model(CHANGES["a weight of another dtype"]), (X,)).operations
    product = next(operation for operation in operations if "addmm" in str(operation.function))
    assert {tensor.dtype for tensor in (*product.inputs, *product.outputs)} == {torch.bfloat16}


OWN: dict[str, Callable[[Any, torch.Tensor], object]] = {
    "resize_": lambda m, x: m.plain.resize_(4, 8).fill_(2),
    "unsqueeze_": lambda m, x: m.plain.unsqueeze_(0).mul_(3),
    "t_": lambda m, x: m.plain.t_().zero_(),
    "set_": lambda m, x: m.plain.set_(torch.zeros(3)),
    "data of a constant": lambda m, x: setattr(m.plain, "data", torch.zeros(5)),
    "data of a result": lambda m, x: setattr(m.plain, "data", x * 2),
    "data of a weight": lambda m, x: setattr(m.weight, "data", m.weight.data * 2),
    "values of a weight": lambda m, x: m.weight.data.mul_(2),
}


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("run", [trace, trace_values])
def test_the_model_s_own_tensors_are_put_back(name: str, run: Callable[..., Any]) -> None:
    def act(m: Any, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            OWN[name](m, x)
        return _layer(m, x)

    model, given = Model(act), X.clone()
    plain, weight = model.plain, model.weight
    if run is trace and name == "data of a result":
        run = lambda *arguments: archprof.profile(model, X)  # noqa: E731 - which runs it with values
    run(model, (given,))

    assert model.plain is plain
    assert model.weight is weight
    assert torch.equal(plain, torch.ones(2, 3))
    assert torch.equal(weight, torch.ones(4, 16))
    assert torch.equal(given, X)
