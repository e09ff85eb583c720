"""What a pass leaves behind: nothing, wherever a model keeps what it computed, and twice it gives the same."""

from __future__ import annotations

import copy
import functools
import itertools
import threading
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import torch
from torch import nn

import archprof
from archprof.trace.run import trace, trace_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archprof.trace.record import Trace

X = torch.linspace(-1, 1, 2 * 3 * 4).view(2, 3, 4)
# Each model runs a linear layer 4 → 5 on 2 · 3 rows, and adds a table of 3 positions by 5, the product of a column
# of 3 with a row of 5.
LINEAR, TABLE = 2 * 3 * 4 * 5, 3 * 5

GLOBAL_TABLES: dict[int, torch.Tensor] = {}
GLOBAL_TABLE: torch.Tensor | None = None
GLOBAL_LOG: list[torch.Tensor] = []
GLOBAL_HOLDER = SimpleNamespace(tables={})


def table(x: torch.Tensor) -> torch.Tensor:
    """15 MACs, of an operand that depends on the input, so that nothing of it is computed for real."""
    column = x[0, :, :1] * 0 + torch.ones(3, 1, device=x.device)
    return column @ torch.ones(1, 5, device=x.device)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.linear(x) + self.table(x)
        return result

    def table(self, x: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError


class InAttribute(Model):
    kept: torch.Tensor | None = None

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if self.kept is None:
            self.kept = table(x)
        return self.kept


class InBuffer(Model):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", None)

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if self.kept is None:
            self.kept = table(x)
        return self.kept


class Slotted:
    __slots__ = ("kept",)


class InSlot(Model):
    def __init__(self) -> None:
        super().__init__()
        self.state = Slotted()

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if not hasattr(self.state, "kept"):
            self.state.kept = table(x)
        return self.state.kept


class Cache:
    """An object of the model's own."""

    def __init__(self) -> None:
        self.kept: torch.Tensor | None = None
        self.by_layer: list[dict[str, torch.Tensor]] = [{}]


class InObject(Model):
    def __init__(self) -> None:
        super().__init__()
        self.state = Cache()

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if self.state.kept is None:
            self.state.kept = table(x)
        return self.state.kept


class InNest(Model):
    def __init__(self) -> None:
        super().__init__()
        self.state = (Cache(),)

    def table(self, x: torch.Tensor) -> torch.Tensor:
        layer = self.state[0].by_layer[0]
        if "kept" not in layer:
            layer["kept"] = table(x)
        return layer["kept"]


class InMapping(Model):
    def __init__(self, mapping: Any) -> None:
        super().__init__()
        self.tables = mapping

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] not in self.tables:
            self.tables[x.shape[1]] = table(x)
        result: torch.Tensor = self.tables[x.shape[1]]
        return result


class InSequence(Model):
    def __init__(self, sequence: Any) -> None:
        super().__init__()
        self.tables = sequence

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if not self.tables:
            getattr(self.tables, "append", getattr(self.tables, "add", None))(table(x))
        result: torch.Tensor = next(iter(self.tables))
        return result


class InHiddenModule(Model):
    """In a module that is not registered."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Identity()]

    def table(self, x: torch.Tensor) -> torch.Tensor:
        owner: Any = self.hidden[0]
        if not hasattr(owner, "kept"):
            owner.kept = table(x)
        result: torch.Tensor = owner.kept
        return result


class InGlobalMapping(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        if x.shape[1] not in GLOBAL_TABLES:
            GLOBAL_TABLES[x.shape[1]] = table(x)
        return GLOBAL_TABLES[x.shape[1]]


class InGlobal(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        global GLOBAL_TABLE
        if GLOBAL_TABLE is None:
            GLOBAL_TABLE = table(x)
        return GLOBAL_TABLE


class InGlobalObject(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        tables = GLOBAL_HOLDER.tables
        if x.shape[1] not in tables:
            tables[x.shape[1]] = table(x)
        result: torch.Tensor = tables[x.shape[1]]
        return result


class InClass(Model):
    tables: ClassVar[dict[int, torch.Tensor]] = {}
    kept: torch.Tensor | None = None

    def table(self, x: torch.Tensor) -> torch.Tensor:
        if not self.tables:
            self.tables[0] = type(self).kept = table(x)
        assert type(self).kept is not None
        return self.tables[0]


@functools.cache
def cached_table(rows: int, device: torch.device) -> torch.Tensor:
    return table(torch.ones(1, rows, 1, device=device).repeat(2, 1, 40_000))


@functools.lru_cache(maxsize=4)
def recently_used_table(rows: int, device: torch.device) -> tuple[torch.Tensor, int]:
    return cached_table.__wrapped__(rows, device), rows


class InCache(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = cached_table(x.shape[1], x.device)
        return result


class InRecentlyUsed(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = recently_used_table(x.shape[1], x.device)[0]
        return result


class InCachedProperty(Model):
    @functools.cached_property
    def kept(self) -> torch.Tensor:
        return table(self.x)

    def table(self, x: torch.Tensor) -> torch.Tensor:
        self.x = x
        return self.kept


def closed_over() -> Callable[[torch.Tensor], torch.Tensor]:
    kept = None

    def of(x: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        if kept is None:
            kept = table(x)
        return kept

    return of


class InClosure(Model):
    def __init__(self) -> None:
        super().__init__()
        self.function = closed_over()

    def table(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class InDefault(Model):
    def table(self, x: torch.Tensor, kept: list[torch.Tensor] = []) -> torch.Tensor:  # noqa: B006 - as models do
        if not kept:
            kept.append(table(x))
        return kept[0]


def with_attribute(x: torch.Tensor) -> torch.Tensor:
    function: Any = with_attribute
    if not hasattr(function, "kept"):
        function.kept = table(x)
    result: torch.Tensor = function.kept
    return result


class InFunctionAttribute(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        return with_attribute(x)


class Grows(Model):
    """Keys of every call, as for a text that is written word by word: 3 more rows of the product each time."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = torch.zeros(0, 5)
        self.log: list[torch.Tensor] = []
        self.recent: deque[tuple[int, ...]] = deque(maxlen=2)

    def table(self, x: torch.Tensor) -> torch.Tensor:
        self.keys = torch.cat([self.keys, table(x)])
        self.log.append(self.keys)
        self.recent.append(tuple(self.keys.shape))
        GLOBAL_LOG.append(self.keys)
        return self.log[-1].mean() + self.keys[-3:]


class Counts(Model):
    """In place, in a small tensor that is registered nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = torch.zeros((), dtype=torch.long)

    def table(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if int(self.calls) > 1:
            return table(x) + table(x)
        return table(x)


MODELS: dict[str, Callable[[], Model]] = {
    **{
        kind.__name__: kind
        for kind in (
            *(InAttribute, InBuffer, InSlot, InObject, InNest, InHiddenModule, InGlobalMapping, InGlobal),
            *(InGlobalObject, InClass, InCache, InRecentlyUsed, InCachedProperty, InClosure, InDefault),
            *(InFunctionAttribute, Grows, Counts),
        )
    },
    "in dict": lambda: InMapping({}),
    "in OrderedDict": lambda: InMapping(OrderedDict()),
    "in defaultdict": lambda: InMapping(defaultdict(list)),
    "in list": lambda: InSequence([]),
    "in set": lambda: InSequence(set()),
    "in deque": lambda: InSequence(deque()),
}


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """Each test begins with code that holds nothing."""
    global GLOBAL_TABLE
    GLOBAL_TABLE = None
    for container in (GLOBAL_TABLES, GLOBAL_LOG, GLOBAL_HOLDER.tables, InClass.tables):
        container.clear()
    InClass.kept = None
    InDefault.table.__defaults__[0].clear()
    vars(with_attribute).clear()
    cached_table.cache_clear()
    recently_used_table.cache_clear()


def macs(recorded: Trace) -> int:
    from archprof.count.ledger import count

    return count(recorded).macs


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_never_run_runs_as_if_nobody_had_looked(name: str) -> None:
    model, other = MODELS[name](), MODELS[name]()
    first, second = archprof.profile(model, X), archprof.profile(model, X)

    assert first == second
    assert first.totals.macs == LINEAR + TABLE
    assert not first.environment.remarks
    assert len(GLOBAL_LOG) == 0
    assert torch.equal(model(X), other(X))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_run_finds_what_it_kept(name: str) -> None:
    model = MODELS[name]()
    model(X)
    before = copy.deepcopy(model)(X)
    logged = len(GLOBAL_LOG)
    first, second = archprof.profile(model, X), archprof.profile(model, X)

    assert first == second
    # What is kept is not computed again, save by those that compute something each time.
    assert first.totals.macs == LINEAR + {"Grows": 1, "Counts": 2}.get(name, 0) * TABLE
    assert len(GLOBAL_LOG) == logged
    assert torch.equal(model(X), before)


@pytest.mark.parametrize("run", [trace, trace_values])
@pytest.mark.parametrize("name", MODELS)
def test_twice_gives_the_same_with_values_and_without(name: str, run: Callable[..., Trace]) -> None:
    model = MODELS[name]()
    attributes = {path: set(vars(module)) for path, module in model.named_modules()}

    assert [macs(run(model, (X,))) for _ in range(3)] == 3 * [LINEAR + TABLE]
    assert {path: set(vars(module)) for path, module in model.named_modules()} == attributes
    assert not GLOBAL_LOG


def test_what_is_in_a_registered_list_keeps_its_length() -> None:
    model = Grows()
    model(X)
    trace(model, (X,))

    assert (len(model.log), len(model.recent), len(model.keys)) == (1, 1, 3)
    assert model.recent[0] == (3, 5)


REGISTERED: list[str] = []


class Registers(Model):
    def table(self, x: torch.Tensor) -> torch.Tensor:
        if not REGISTERED:
            REGISTERED.append("done")
        return table(x)


def test_what_code_notes_that_is_no_tensor_stays() -> None:
    """As what was registered with torch, which refuses it a second time."""
    REGISTERED.clear()
    trace(Registers(), (X,))
    assert REGISTERED == ["done"]


GLOBAL_MEMORY = torch.zeros(3, 5)


class WritesInto(Model):
    """Keys and values in memory that was made for them before."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("registered", torch.zeros(3, 5))
        self.plain = torch.zeros(6, 5)
        self.steps = torch.zeros(2, dtype=torch.long)

    def table(self, x: torch.Tensor) -> torch.Tensor:
        now = table(x)
        self.registered[:] = now
        self.registered[1:].add_(1)
        self.plain[3:] = now
        self.plain.mul_(2)
        self.steps[1] += 1
        GLOBAL_MEMORY.copy_(now)
        return self.plain[3:] + self.registered


@pytest.mark.parametrize("run", [trace, trace_values, archprof.profile])
def test_what_is_written_into_the_model_s_own_memory_is_written_back(run: Callable[..., Any]) -> None:
    model = WritesInto()
    run(model, X if run is archprof.profile else (X,))

    for tensor in (model.registered, model.plain, model.steps, GLOBAL_MEMORY):
        assert not tensor.any()
    assert torch.equal(model(X), WritesInto()(X))
    GLOBAL_MEMORY.zero_()


class Reads(Model):
    """Reads values, so that it is run with them; it updates statistics, and cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.norm = nn.BatchNorm1d(3)
        self.steps: list[float] = []

    def table(self, x: torch.Tensor) -> torch.Tensor:
        with self.lock:
            self.steps.append(float(self.norm(x).sum()))
        return table(x)


def test_a_model_that_is_run_with_values_is_left_as_it_was_too() -> None:
    model = Reads().train()
    profile = archprof.profile(model, X, conventions=["fvcore"])

    assert profile.totals.macs == LINEAR + TABLE
    assert profile.environment.remarks[0].startswith("run with values: ")
    assert profile == archprof.profile(model, X, conventions=["fvcore"])
    assert torch.equal(model.norm.running_mean, torch.zeros(3))
    assert torch.equal(model.norm.running_var, torch.ones(3))
    assert int(model.norm.num_batches_tracked) == 0
    assert model.steps == []


def numbers() -> Iterator[int]:
    """0, 1, 2 ..."""
    number = 0
    while True:
        yield number
        number += 1


def delegating() -> Iterator[int]:
    """The same from another's hands."""
    yield from numbers()


class Counting(nn.Module):
    """Adds the next of what its ``source`` gives; ``other`` is left alone."""

    def __init__(self, source: Any) -> None:
        super().__init__()
        self.source, self.other = source, numbers()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        item = next(self.source)
        return x + (item if isinstance(item, int) else item[0])


@pytest.mark.parametrize(
    "source",
    [numbers, delegating, lambda: enumerate(numbers()), lambda: (n for n in range(9)), lambda: map(abs, numbers())],
    ids=["generator", "yield from", "enumerate", "expression", "map"],
)
def test_a_generator_that_a_pass_advances_is_named(source: Callable[[], Any]) -> None:
    model = nn.Sequential(nn.Linear(4, 4), Counting(source()))
    remarks = archprof.profile(model, X).environment.remarks
    assert [remark for remark in remarks if "generator" in remark] == [
        "the pass has advanced 1.source, a generator, which cannot go back: the model's next call takes the item after"
    ]


def test_an_iterator_that_can_be_copied_and_a_generator_left_alone_are_not() -> None:
    source = itertools.count()
    assert not archprof.profile(Counting(source), X).environment.remarks
    assert next(source) == 0
