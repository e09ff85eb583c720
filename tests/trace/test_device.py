"""A model that asks where its tensors are takes the way that it takes without archprof, however it asks."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.errors import RunError
from archprof.trace.device import presented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

X = torch.linspace(-1, 1, 4 * 8).view(4, 8)
ONE = 4 * 8 * 8  # MACs of a linear layer 8 → 8 on 4 rows


class Asks(nn.Module):
    """Runs its layer once where the answer is the expected one, and else twice."""

    def __init__(self, ask: Callable[[Any, torch.Tensor], Any], expected: Any = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(8, 8)
        self.register_buffer("buffer", torch.zeros(3))
        self.ask = ask
        self.expected = expected

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layer(x)
        return y if self.ask(self, x) == self.expected else self.layer(y)


def heard_inside(run: Callable[[Any, torch.Tensor], Any]) -> Callable[[Any, torch.Tensor], Any]:
    """What is told inside of functions that torch calls."""

    def ask(m: Any, x: torch.Tensor) -> Any:
        answers: list[Any] = []

        def listen(tensor: torch.Tensor) -> torch.Tensor:
            answers.append((tensor.device, tensor.is_meta, tensor.is_cpu, tensor.type()))
            return tensor.clone()

        run(listen, x)
        return answers

    return ask


class OwnFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, function: Any, x: torch.Tensor) -> Any:
        return function(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, *gradients


class OwnTensor(torch.Tensor):
    pass


def questions(x: torch.Tensor) -> list[str]:
    """The names of all attributes that begin with ``is_`` and say yes."""
    return [name for name in dir(x) if name.startswith("is_") and not callable(getattr(x, name)) and getattr(x, name)]


# Each tensor that a model can have or make.
TENSORS: dict[str, Callable[[Any, torch.Tensor], torch.Tensor]] = {
    "the input": lambda m, x: x,
    "a view": lambda m, x: x[1:],
    "its transpose": lambda m, x: x.T,
    "its data": lambda m, x: x.data,
    "its copy": lambda m, x: copy.deepcopy(x),
    "of another dtype": lambda m, x: x.half(),
    "a mask": lambda m, x: x > 0,
    "a result": lambda m, x: m.layer(x),
    "on its device": lambda m, x: x.to(x.device),
    "on the CPU": lambda m, x: x.cpu(),
    "like it": lambda m, x: torch.rand_like(x),
    "new": lambda m, x: x.new_zeros(3),
    "new of values": lambda m, x: x.new_tensor([1.0]),
    "made there": lambda m, x: torch.ones(3, device=x.device),
    "made of values there": lambda m, x: torch.tensor([1.0], device=x.device),
    "made by an operation": lambda m, x: torch.ops.aten.zeros.default([3], device=x.device),
    "made of a constant and it": lambda m, x: torch.arange(8) + x,
    "a weight": lambda m, x: m.layer.weight,
    "the first parameter": lambda m, x: next(m.parameters()),
    "a buffer": lambda m, x: m.buffer,
    "from the state dict": lambda m, x: m.state_dict()["layer.bias"],
    "a new parameter": lambda m, x: nn.Parameter(torch.zeros(3, device=x.device)),
    "of a new module": lambda m, x: nn.Linear(8, 8, device=x.device)(x),
    "of a copied module": lambda m, x: copy.deepcopy(m.layer)(x),
    "of a moved module": lambda m, x: m.layer.to(x.device)(x),
    "of an own class": lambda m, x: x.as_subclass(OwnTensor),
}
ANSWERS: dict[str, Callable[[torch.Tensor], Any]] = {
    "device": lambda t: (
        t.device,
        t.device.type,
        t.device.index,
        str(t.device),
        repr(t.device),
        torch.device(t.device),
    ),
    "is_": questions,
    "meta": lambda t: (t.is_meta, t.is_cpu, t.is_cuda, torch.Tensor.is_meta.__get__(t)),
    "type()": lambda t: t.type(),
    "get_device": lambda t: (t.get_device(), torch.get_device(t)),
    "storage": lambda t: (t.untyped_storage().device, t.untyped_storage().is_cuda, t.untyped_storage().nbytes()),
    "a class": lambda t: (isinstance(t, torch.FloatTensor), isinstance(t, (torch.HalfTensor, torch.BoolTensor))),
    "the same": lambda t: (t.to(t.device) is t, t.cpu() is t, t.to("cpu", t.dtype) is t, t.to(device=t.device) is t),
    "a copy": lambda t: (t.to(t.device, copy=True) is t, t.to(torch.float64) is t),
    "as_tensor": lambda t: torch.as_tensor(t, device=t.device) is t,
}
PRESENTED: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    **{
        f"{answer} of {tensor}": lambda m, x, tensor=tensor, answer=answer: ANSWERS[answer](TENSORS[tensor](m, x))
        for answer in ANSWERS
        for tensor in TENSORS
    },
    "devices of two": lambda m, x: (x.device == m.layer.weight.device, x.device in {m.buffer.device}),
    "any weight on meta": lambda m, x: any(weight.is_meta or weight.device.type == "meta" for weight in m.parameters()),
    "the module of its device": lambda m, x: torch.get_device_module(x.device).__name__,
    "the default device": lambda m, x: (torch.get_default_device(), torch.ones(1).device),
    "a generator": lambda m, x: torch.randn(3, generator=torch.Generator(x.device), device=x.device).device,
    "is autocast on": lambda m, x: (torch.is_autocast_enabled(x.device.type), torch.get_autocast_dtype(x.device.type)),
    "a constant's values": lambda m, x: torch.arange(3, device=x.device).tolist(),
    "NumPy's values there": lambda m, x: torch.from_numpy(np.ones(8)).to(x.device).sum().item(),
    "in a device context": lambda m, x: _in_device_context(x),
    "inside of an own function": heard_inside(lambda listen, x: OwnFunction.apply(listen, x)),
    "inside of vmap": heard_inside(lambda listen, x: torch.vmap(listen)(x)),
    "inside of grad": heard_inside(lambda listen, x: torch.func.grad(lambda t: listen(t).sum())(x)),
    "inside of a checkpoint": heard_inside(lambda listen, x: checkpoint(listen, x, use_reentrant=False)),
    "moved to a graphics card": lambda m, x: _fails(lambda: x.cuda()),
}


def _in_device_context(x: torch.Tensor) -> Any:
    with torch.device(x.device):
        return (torch.zeros(8) + x).device, torch.zeros(3).device


def _fails(function: Callable[[], Any]) -> str:
    try:
        function()
    except (RuntimeError, AssertionError) as error:
        return type(error).__name__
    return "nothing"


def _kind(x: torch.Tensor) -> bool:
    return x.device.type == "cpu"


def _meta(x: torch.Tensor) -> bool:
    return x.is_meta


def _compared(x: torch.Tensor) -> bool:
    return x.device == torch.device("cpu") or str(x.device) == "cpu"


@cache
def compiled(function: Callable[[torch.Tensor], bool]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.script(function)


def _autocast(m: Any, x: torch.Tensor) -> Any:
    with torch.autocast(x.device.type, dtype=torch.bfloat16):
        return m.layer(x).dtype, torch.is_autocast_enabled(x.device.type)


def _switched(m: Any, x: torch.Tensor) -> Any:
    torch.set_autocast_enabled("cpu", True)
    try:
        return m.layer(x).dtype
    finally:
        torch.set_autocast_enabled("cpu", False)


def _handled(m: Any, x: torch.Tensor) -> Any:
    with suppress(Exception):
        return bool(x.sum() > 0)
    return None


def _wrapped(m: Any, x: torch.Tensor) -> Any:
    try:
        return float(x[0, 0])
    except Exception as error:
        raise ValueError("the first value is no number") from error


def _saved(m: Any, x: torch.Tensor) -> int:
    torch.save(x, buffer := io.BytesIO())
    return len(buffer.getvalue())


# What only a tensor with values can tell, so that the pass is made with values.
def _in_context_of_meta() -> Any:
    with torch.device("meta"):
        return torch.zeros(3).device, torch.zeros(3, device="cpu").device


VALUED: dict[str, Callable[[Any, torch.Tensor], Any]] = {
    "item": lambda m, x: x[0, 0].item(),
    "handled": _handled,
    "wrapped": _wrapped,
    "tolist": lambda m, x: x.tolist(),
    "numpy": lambda m, x: x.cpu().numpy().sum(),
    "asarray": lambda m, x: np.asarray(x).shape,
    "from_dlpack": lambda m, x: np.from_dlpack(x).shape,
    "repr": lambda m, x: (repr(x), str(x), f"{x}"),
    "format": lambda m, x: f"{x[0, 0]:.2f}",
    "data_ptr": lambda m, x: (x.data_ptr() == x[1:].data_ptr(), x.data_ptr() == x.clone().data_ptr(), x.data_ptr() % 8),
    "storage's data_ptr": lambda m, x: x.untyped_storage().data_ptr() == x.clone().untyped_storage().data_ptr(),
    "storage's values": lambda m, x: (x.untyped_storage()[0], x.untyped_storage().tolist()),
    "shared memory": lambda m, x: x.clone().share_memory_().is_shared(),
    "pickle": lambda m, x: pickle.loads(pickle.dumps(x)).sum().item(),
    "save": _saved,
    "copy": lambda m, x: copy.copy(x).device,
    "to meta": lambda m, x: (x.to("meta").device, x.to(device="meta").is_meta),
    "made on meta": lambda m, x: (torch.empty(3, device="meta").device, torch.arange(3, device="meta").is_cpu),
    "like it on meta": lambda m, x: (torch.zeros_like(x, device="meta").is_meta, x.new_ones(3, device="meta").device),
    "in a context of meta": lambda m, x: _in_context_of_meta(),
    "a module on meta": lambda m, x: nn.Linear(8, 8, device="meta").weight.is_meta,
    "nonzero": lambda m, x: x.nonzero().shape,
    "compiled, a kind of device": lambda m, x: compiled(_kind)(x),
    "compiled, on meta": lambda m, x: compiled(_meta)(x),
    "compiled, compared": lambda m, x: compiled(_compared)(x),
    "autocast": _autocast,
    "autocast without a context": _switched,
}


def answered(ask: Callable[[Any, torch.Tensor], Any]) -> Asks:
    """A model that expects what it is told in a real run."""
    with torch.no_grad():
        return Asks(ask, ask(Asks(ask), X))


def check(model: nn.Module) -> archprof.Profile:
    """What torch's own counter says of a real run is what the profile says, and the model runs as before."""
    with torch.no_grad():
        before = copy.deepcopy(model)(X)
        with FlopCounterMode(display=False) as counter:
            copy.deepcopy(model)(X)
    profile = archprof.profile(model, X)
    assert 2 * profile.totals.macs == counter.get_total_flops()
    assert profile == archprof.profile(model, X)
    with torch.no_grad():
        assert torch.equal(model(X), before)
    return profile


@pytest.mark.filterwarnings("ignore:.*TypedStorage is deprecated", "ignore:.*torch.tensor.*")
@pytest.mark.parametrize("way", PRESENTED)
def test_every_tensor_is_said_to_be_where_the_model_would_run(way: str) -> None:
    torch.manual_seed(0)
    model = answered(PRESENTED[way])
    profile = check(model)

    assert not profile.environment.remarks


@pytest.mark.parametrize("way", VALUED)
def test_what_only_values_tell_is_read_from_values(way: str) -> None:
    profile = check(answered(VALUED[way]))

    assert len(profile.environment.remarks) == 1
    assert profile.environment.remarks[0].startswith("run with values: the model (Asks) needs the values of its input")


@pytest.mark.parametrize("way", VALUED)
def test_a_model_without_values_is_refused_where_only_values_tell(way: str) -> None:
    """Rather than counted on another way than it would take."""
    with pytest.raises(RunError, match="needs the values of its input"):
        archprof.profile(answered(VALUED[way]).to("meta"), X.to("meta"))


def test_under_autocast_the_smaller_type_is_counted() -> None:
    """4 · 8 results of four bytes; under autocast all has two: copies of input, weight and bias, and the result."""
    model = nn.Sequential(nn.Linear(8, 8))
    plain = archprof.profile(model, X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = archprof.profile(model, X)

    assert plain.totals.macs == cast.totals.macs == ONE
    assert cast.environment.remarks[0].startswith("run with values")
    assert plain.totals.activation_bytes == 4 * 8 * 4
    assert cast.totals.activation_bytes == (4 * 8 + 8 * 8 + 8 + 4 * 8) * 2


class Recurrent(nn.Module):
    """Its first state is made on the device of its input, which recurrent layers compare."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(8, 8)
        self.layer = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = torch.zeros(1, 8, device=x.device)
        y: torch.Tensor = self.recurrent(x, (state, state))[0]
        return self.layer(y) if x.is_cpu and not x.is_meta and y.type() == "torch.FloatTensor" else y


def test_what_a_recurrent_layer_is_given_is_told_to_be_there_too() -> None:
    # Per row four gates of 8 by 8 from the input and as many from the state, and then the linear layer.
    assert archprof.profile(Recurrent(), X).totals.macs == 4 * (2 * 4 * 8 * 8) + ONE


class _Watching(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


@pytest.fixture
def on_card() -> Iterator[torch.Tensor]:
    """A tensor that is said to be on a graphics card."""
    tensor = torch.empty(2, device="meta")
    with presented(torch.device("cuda", 0), ValueError), _Watching():
        yield tensor


def test_a_graphics_card_is_presented_too(on_card: torch.Tensor) -> None:
    assert str(on_card.device) == "cuda:0"
    assert on_card.type() == "torch.cuda.FloatTensor"
    assert on_card.half().type() == "torch.cuda.HalfTensor"
    assert (on_card.is_cuda, on_card.is_cpu, on_card.is_meta) == (True, False, False)
    assert on_card.get_device() == torch.get_device(on_card) == 0
    assert isinstance(on_card, torch.cuda.FloatTensor)
    assert not isinstance(on_card, torch.FloatTensor)
    assert on_card.untyped_storage().is_cuda
    assert on_card.cuda() is on_card.cuda(0) is on_card.to("cuda") is on_card.to("cuda:0") is on_card.to(0) is on_card
    with pytest.raises(ValueError, match="numpy"):
        on_card.numpy()


def test_a_tensor_on_meta_beside_one_with_values_is_refused_as_by_torch() -> None:
    model = Asks(lambda m, x: m.layer(torch.empty(4, 8, device="meta")))
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        model(X)
    with pytest.raises(RunError, match="meta"):
        archprof.profile(model, X)


def test_a_model_on_meta_may_be_run_where_that_is_the_default() -> None:
    with torch.device("meta"):
        model = Asks(lambda m, x: torch.zeros(3).device.type, "cpu")
        # It is told that it is on the CPU, and what it makes too.
        assert archprof.profile(model, torch.empty(4, 8)).totals.macs == ONE


def test_afterwards_torch_is_as_it_was() -> None:
    names = ("device", "is_meta", "is_cpu", "type", "to", "cpu", "__repr__", "numpy")
    before = (
        [getattr(torch.Tensor, name) for name in names],
        torch.FloatTensor,
        torch.as_tensor,
        torch.set_autocast_enabled,
    )
    archprof.profile(nn.Linear(8, 8), X)
    with pytest.raises(RunError):
        archprof.profile(nn.Linear(9, 8), X)

    after = (
        [getattr(torch.Tensor, name) for name in names],
        torch.FloatTensor,
        torch.as_tensor,
        torch.set_autocast_enabled,
    )
    assert before == after
    assert torch.empty(1, device="meta").is_meta
