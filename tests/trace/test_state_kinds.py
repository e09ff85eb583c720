"""After a pass a model is what it was, whatever its forward changes in the objects that it holds."""

from __future__ import annotations

import array
import copy
import dataclasses
import enum
import itertools
import random
import threading
import weakref
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.optim.swa_utils import AveragedModel

import archprof
from archprof.trace.run import trace_values

if TYPE_CHECKING:
    from collections.abc import Callable

X = torch.linspace(-1, 1, 4 * 8).view(4, 8)


class Slotted:
    __slots__ = ("count", "items")

    def __init__(self) -> None:
        self.count = 0
        self.items: list[Any] = []


class MoreSlots(Slotted):
    __slots__ = ("late",)


@dataclasses.dataclass
class Record:
    count: int = 0
    items: list[Any] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class SlottedRecord(Record):
    pass


@dataclasses.dataclass(frozen=True)
class FrozenRecord:
    items: list[Any] = dataclasses.field(default_factory=list)


class Mode(enum.Enum):
    FIRST = 1
    LATER = 2


class Changes(nn.Module):
    """Changes what it holds, and then runs its layer."""

    def __init__(self, hold: Callable[[Any], object], change: Callable[[Any, torch.Tensor], object]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(8, 8)
        self.change = change
        hold(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.change(self, x)
        result: torch.Tensor = nn.functional.linear(x, self.layer.weight)
        return result


def held(value: Any) -> Callable[[Any], object]:
    return lambda m: setattr(m, "held", value())


def _strided(m: Any) -> None:
    m.base = np.zeros((4, 4))
    m.held = m.base[1:, ::2]


def _add(m: Any, x: torch.Tensor) -> None:
    m.held += 1


def _records(m: Any, x: torch.Tensor) -> None:
    m.held.count += 1
    m.held.items.append(x)


def _late(m: Any, x: torch.Tensor) -> None:
    _records(m, x)
    m.held.late = x


def _containers(m: Any, x: torch.Tensor) -> None:
    m.nested["a"]["b"].append(x)
    m.counter.update("aab")
    m.queue.append(4)
    m.ordered.move_to_end("a")
    m.chain["z"] = x


def _hold_containers(m: Any) -> None:
    m.nested = defaultdict(lambda: defaultdict(list))
    m.counter = Counter("b")
    m.queue = deque([1, 2, 3], maxlen=3)
    m.ordered = OrderedDict(a=1, b=2)
    m.chain = ChainMap({}, {"a": 1})


def _hold_weakly(m: Any) -> None:
    m.owner = Record()
    m.reference = weakref.ref(m.owner)
    m.known = weakref.WeakSet()
    m.by_name = weakref.WeakValueDictionary()


def _weakly(m: Any, x: torch.Tensor) -> None:
    m.reference().kept = x
    m.known.add(m.layer)
    m.by_name["owner"] = m.owner


def _bytes(m: Any, x: torch.Tensor) -> None:
    m.held[0] += 1
    if not isinstance(m.held, memoryview):
        m.held.append(3)


def _hooks(m: Any, x: torch.Tensor) -> None:
    m.layer.register_forward_hook(lambda *_: None)
    m.register_forward_pre_hook(lambda *_: None)
    m.layer.register_full_backward_hook(lambda *_: None)


def _hook_counts(m: Any) -> Any:
    return len(m.layer._forward_hooks), len(m._forward_pre_hooks), m.layer._is_full_backward_hook


def _training(m: Any, x: torch.Tensor) -> None:
    m.train(not m.training)
    m.held[1].eval()


def _gradients(m: Any, x: torch.Tensor) -> None:
    m.zero_grad()
    m.layer.bias.grad = torch.zeros(8, device=x.device)


def _replaces(m: Any, x: torch.Tensor) -> None:
    m.layer.weight = nn.Parameter(torch.zeros(8, 8, device=x.device))
    m.more = nn.Linear(8, 8, device=x.device)
    m.register_buffer("late", x)


def _deletes(m: Any, x: torch.Tensor) -> None:
    if hasattr(m, "held"):
        del m.held


def _learns(m: Any, x: torch.Tensor) -> None:
    with torch.no_grad():
        m.layer.weight.mul_(2)
        m.layer.weight.data = m.layer.weight.data * 2


def _casts(m: Any, x: torch.Tensor) -> None:
    m.layer.to(torch.float16).float()


def _prunes(m: Any, x: torch.Tensor) -> None:
    if not hasattr(m.layer, "weight_mask"):
        prune.ln_structured(m.layer, "weight", amount=0.5, n=2, dim=0, importance_scores=torch.ones(8, 8))


def _names(m: Any) -> Any:
    return sorted(m.state_dict()), sorted(vars(m)), list(m._modules)


def _weights(m: Any) -> Any:
    return [(name, tensor.dtype, tensor.stride(), tensor.tolist()) for name, tensor in m.state_dict().items()]


# What the model holds, what its forward does to that, and what is looked at.
CHANGES: dict[str, tuple[Callable[[Any], object], Callable[[Any, torch.Tensor], object], Callable[[Any], Any]]] = {
    "an array": (held(lambda: np.zeros(3)), _add, lambda m: m.held.tolist()),
    "part of an array": (_strided, _add, lambda m: m.base.tolist()),
    "an array in a dict": (
        held(lambda: {"a": [np.arange(4)]}),
        lambda m, x: m.held["a"][0].__setitem__(1, 9),
        lambda m: m.held["a"][0].tolist(),
    ),
    "an array's shape": (
        held(lambda: np.zeros(3)),
        lambda m, x: m.held.resize(5, refcheck=False),
        lambda m: m.held.tolist(),
    ),
    "an array of an array's class": (
        held(lambda: np.zeros((2, 2)).view(np.ma.MaskedArray)),
        lambda m, x: m.held.__setitem__((0, 0), 1.0),
        lambda m: m.held.tolist(),
    ),
    "NumPy's generator": (
        held(lambda: np.random.default_rng(0)),
        lambda m, x: m.held.normal(),
        lambda m: str(m.held.bit_generator.state),
    ),
    "NumPy's older generator": (
        held(lambda: np.random.RandomState(0)),
        lambda m, x: m.held.normal(),
        lambda m: str(m.held.get_state()),
    ),
    "Python's generator": (held(lambda: random.Random(0)), lambda m, x: m.held.random(), lambda m: m.held.getstate()),
    "torch's generator": (
        held(lambda: torch.Generator().manual_seed(3)),
        lambda m, x: torch.rand(3, generator=m.held),
        lambda m: m.held.get_state().tolist(),
    ),
    "a byte array": (held(lambda: bytearray(4)), _bytes, lambda m: [*m.held]),
    "an array of Python's": (held(lambda: array.array("i", [0, 0])), _bytes, lambda m: [*m.held]),
    "a view of bytes": (held(lambda: memoryview(bytearray(2))), _bytes, lambda m: m.held.tolist()),
    "a counter": (held(itertools.count), lambda m, x: next(m.held), lambda m: repr(m.held)),
    "counters in an object": (
        held(lambda: Record(items=[itertools.count(3, 2)])),
        lambda m, x: next(m.held.items[0]),
        lambda m: repr(m.held.items[0]),
    ),
    "one iterator at two places": (
        lambda m: setattr(m, "held", {"a": (names := iter([*"abc"])), "b": names}),
        lambda m, x: (next(m.held["a"]), next(m.held["b"])),
        lambda m: (m.held["a"].__length_hint__(), m.held["a"] is m.held["b"]),
    ),
    "iterators of iterators": (
        held(lambda: enumerate(zip(itertools.cycle("ab"), range(9), strict=False))),
        lambda m, x: [next(m.held) for _ in range(3)],
        lambda m: [*copy.deepcopy(m.held)],
    ),
    "a range that is run through": (
        held(lambda: iter(range(1))),
        lambda m, x: [*m.held],
        lambda m: [*copy.copy(m.held)],
    ),
    "an attribute of a weight": (
        held(int),
        lambda m, x: setattr(m.layer.weight, "kept", x),
        lambda m: hasattr(m.layer.weight, "kept"),
    ),
    "an attribute of a tensor": (
        held(lambda: torch.zeros(3)),
        lambda m, x: setattr(m.held, "kept", x),
        lambda m: hasattr(m.held, "kept"),
    ),
    "what an attribute of a weight holds": (
        lambda m: (setattr(m, "held", 0), setattr(m.layer.weight, "kept", {})),
        lambda m, x: m.layer.weight.kept.update(x=x),
        lambda m: len(m.layer.weight.kept),
    ),
    "slots": (held(Slotted), _records, lambda m: (m.held.count, len(m.held.items))),
    "slots of a subclass": (held(MoreSlots), _late, lambda m: (len(m.held.items), hasattr(m.held, "late"))),
    "a dataclass": (held(Record), _records, lambda m: (m.held.count, len(m.held.items))),
    "a dataclass with slots": (held(SlottedRecord), _records, lambda m: (m.held.count, len(m.held.items))),
    "a frozen dataclass": (held(FrozenRecord), lambda m, x: m.held.items.append(x), lambda m: len(m.held.items)),
    "an enumeration": (
        held(lambda: Mode.FIRST),
        lambda m, x: (setattr(m.held, "kept", x), setattr(m, "held", Mode.LATER)),
        lambda m: (m.held, hasattr(Mode.FIRST, "kept")),
    ),
    "what is thread-local": (
        held(threading.local),
        lambda m, x: setattr(m.held, "kept", x),
        lambda m: hasattr(m.held, "kept"),
    ),
    "a context variable": (
        held(lambda: ContextVar("held", default=None)),
        lambda m, x: m.held.set(x),
        lambda m: m.held.get() is None,
    ),
    "containers": (
        _hold_containers,
        _containers,
        lambda m: (dict(m.nested), dict(m.counter), [*m.queue], m.queue.maxlen, [*m.ordered], dict(m.chain)),
    ),
    "what is held weakly": (
        _hold_weakly,
        _weakly,
        lambda m: (hasattr(m.owner, "kept"), len(m.known), len(m.by_name)),
    ),
    "hooks": (held(int), _hooks, _hook_counts),
    "training": (
        held(lambda: nn.Sequential(nn.Dropout(), nn.BatchNorm1d(8))),
        _training,
        lambda m: [module.training for module in m.modules()],
    ),
    "what is trained": (
        held(int),
        lambda m, x: m.requires_grad_(False),
        lambda m: [parameter.requires_grad for parameter in m.parameters()],
    ),
    "gradients": (
        lambda m: setattr(m.layer.weight, "grad", torch.ones(8, 8)),
        _gradients,
        lambda m: [
            gradient if gradient is None else float(gradient.sum())
            for gradient in (m.layer.weight.grad, m.layer.bias.grad)
        ],
    ),
    "batch normalisation": (held(lambda: nn.BatchNorm1d(8)), lambda m, x: m.held(x), _weights),
    "spectral normalisation": (
        held(lambda: parametrizations.spectral_norm(nn.Linear(8, 8))),
        lambda m, x: m.held(x),
        _weights,
    ),
    "an average of a model": (
        held(lambda: [AveragedModel(nn.Linear(8, 8))]),
        lambda m, x: m.held[0].update_parameters(m.layer),
        lambda m: _weights(m.held[0]),
    ),
    "what is registered": (held(lambda: nn.Linear(8, 8)), _replaces, lambda m: (_names(m), _weights(m))),
    "what is deleted": (held(lambda: nn.Linear(8, 8)), _deletes, _names),
    "weights": (held(int), _learns, _weights),
    "weights' type": (held(int), _casts, _weights),
    "weights' layout": (
        held(lambda: nn.Conv2d(8, 8, 2)),
        lambda m, x: m.held.to(memory_format=torch.channels_last),
        _weights,
    ),
    "pruning": (held(int), _prunes, lambda m: (_names(m), len(m.layer._forward_pre_hooks))),
    "a forward": (
        held(int),
        lambda m, x: setattr(m.layer, "forward", lambda y: y),
        lambda m: "forward" in vars(m.layer),
    ),
}


def _with_values(model: nn.Module, x: torch.Tensor) -> Any:
    return len(trace_values(model, (x,)).operations)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("run", [archprof.profile, _with_values])
@pytest.mark.parametrize("name", CHANGES)
def test_a_model_is_as_it_was(name: str, run: Callable[..., Any], training: bool) -> None:
    hold, change, look = CHANGES[name]
    model = Changes(hold, change).train(training)
    before, attributes = look(model), set(vars(model))

    assert run(model, X) == run(model, X)
    assert look(model) == before
    assert set(vars(model)) == attributes
    torch.manual_seed(0)
    expected = Changes(hold, change).train(training)(X)
    assert torch.equal(model(X), expected)
    if training:  # so that the test can fail
        assert look(model) != before


@pytest.fixture(autouse=True)
def enumeration() -> Any:
    """Members of an enumeration are the process's."""
    yield
    for member in Mode:
        vars(member).pop("kept", None)
