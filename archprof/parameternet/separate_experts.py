"""Experts that are layers of their own: several alike, side by side, each weighed by what one router says.

They are no dynamic layer: the weight of each is a parameter as it stands, none is computed from a bank, and no formula
says what they cost. They are counted as they run, and a remark says that they are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.parameternet.boundary import MOVES, inside
from archprof.parameternet.find import PRODUCTS, holds
from archprof.parameternet.flow import indices
from archprof.trace.record import TensorInfo, tensors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from torch import nn

    from archprof.parameternet.flow import Flow
    from archprof.trace.record import Operation, Trace

_BESIDE = MOVES | {"aten.cat", "aten.stack"}
"""What leaves elements as they are, those of several tensors beside each other too."""

_NAMED = 4
"""How many holders a remark names."""


@dataclass(frozen=True, slots=True)
class _Expert:
    """The call of a module, or a product with a parameter or a slice of one, that may be an expert or all of them.

    Attributes:
        holder: The module or the parameter that holds all of them.
        caller: The call that calls them.
        name: Which of them it is.
        many: How many are there.
        all_at_once: Whether it is all of them at once.
        inputs: What goes in.
        ran: The operations that it ran, by index.
    """

    holder: str
    caller: int
    name: str
    many: int
    all_at_once: bool
    inputs: tuple[TensorInfo, ...]
    ran: frozenset[int]


def separate_experts(flow: Flow, trace: Trace) -> list[str]:
    """Where a model has experts that are layers of their own, in words."""
    makers: dict[int, list[int]] = {}
    for called, call in enumerate(trace.calls):
        for tensor in call.outputs:
            makers.setdefault(id(tensor), []).append(called)
    groups: dict[tuple[str, int], dict[str, tuple[_Expert, int]]] = {}
    for index, operation in enumerate(flow.operations):
        for value, gate in _weighings(flow, operation):
            router = flow.behind([gate], index)
            for tensor, before in _beside(flow, value, index):
                for expert in (
                    *_called(trace, makers.get(id(tensor), ())),
                    *_multiplied(flow, tensor, before, gate),
                ):
                    groups.setdefault((expert.holder, expert.caller), {}).setdefault(expert.name, (expert, router))
    holders: dict[int, dict[str, None]] = {}
    for (holder, _), members in groups.items():
        if _routed(flow, members.values()):
            many = max(expert.many for expert, _ in members.values())
            holders.setdefault(many, {})[holder or "the model"] = None
    return [_remark(list(names), many) for many, names in holders.items()]


def _weighings(flow: Flow, operation: Operation) -> Iterator[tuple[TensorInfo, TensorInfo]]:
    """What an operation weighs, and what by, if it may be that."""
    name = operation.name.removesuffix("_")
    factors = (0, 1) if name == "aten.mul" else PRODUCTS.get(name)
    if factors is None:
        return
    value, gate = (operation.arguments[index] for index in factors)
    if not (isinstance(gate, TensorInfo) and flow.dynamic(value) and flow.dynamic(gate)):
        return
    if value.numel != gate.numel:
        yield (value, gate) if value.numel > gate.numel else (gate, value)


def _beside(flow: Flow, tensor: TensorInfo, before: int) -> Iterator[tuple[TensorInfo, int]]:
    """A tensor, and those that it holds elements of as they are."""
    waiting, seen = [(tensor, before)], set()
    while waiting:
        tensor, before = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        yield tensor, before
        index = flow.maker(tensor, before)
        if index is None:
            continue
        operation = flow.operations[index]
        if operation.name in _BESIDE or operation.function.is_view:
            waiting += [(source, index) for source in tensors(operation.arguments[:1])]


def _called(trace: Trace, calls: Iterable[int]) -> Iterator[_Expert]:
    """The calls of modules that stand in a container with others like them."""
    for index in calls:
        call = trace.calls[index]
        container = call.path.rpartition(".")[0]
        alike = _alike(trace.model, container, call.module) if call.path else 0
        if alike > 1 and (ran := frozenset(inside(trace, index))):
            yield _Expert(container, call.parent, call.path, alike, False, call.inputs, ran)


def _multiplied(flow: Flow, tensor: TensorInfo, before: int, gate: TensorInfo) -> Iterator[_Expert]:
    """The product that gave a tensor, where it is one with a matrix of a bank, or with all that the gate weighs."""
    index = flow.maker(tensor, before)
    if index is None or flow.operations[index].name not in PRODUCTS:
        return
    operation = flow.operations[index]
    given, weight = (operation.arguments[place] for place in PRODUCTS[operation.name])
    banks = [] if flow.dynamic(weight) else holds(flow, weight, index)
    if len(banks) != 1 or len(banks[0].shape) < 3:
        return
    (bank,) = banks
    many = bank.shape[0]
    all_at_once = weight.numel == bank.numel and [side for side in gate.shape if side > 1][-1:] == [many]
    if all_at_once or weight.numel * many == bank.numel:
        yield _Expert(bank.parameter or "", operation.call, str(index), many, all_at_once, (given,), frozenset({index}))


def _alike(model: nn.Module, container: str, module: nn.Module) -> int:
    """How many modules a container has whose parameters are named and shaped as those of one of them."""
    shapes = _shapes(module)
    return sum(_shapes(child) == shapes for child in model.get_submodule(container).children()) if shapes else 0


def _shapes(module: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, tuple(parameter.shape)) for name, parameter in module.named_parameters()]


def _routed(flow: Flow, members: Collection[tuple[_Expert, int]]) -> bool:
    """Whether several run side by side, weighed by what one router with parameters says of what goes in."""
    if len(members) < 2 and not any(expert.all_at_once for expert, _ in members):
        return False
    ran = sum(1 << index for index in frozenset[int]().union(*(expert.ran for expert, _ in members)))
    common = -1
    for expert, router in members:
        first = min(expert.ran)
        if (flow.behind(expert.inputs, first) | router) & ran:
            return False  # one after another, or weighed by what they say themselves
        common &= router & ~flow.behind(expert.inputs, first, data=True)
    return bool(flow.parameters(indices(common)))


def _remark(holders: list[str], many: int) -> str:
    named = ", ".join(holders[:_NAMED]) + (f" and {len(holders) - _NAMED} more" if len(holders) > _NAMED else "")
    return (
        f"{named}: {many} experts weighed by a router are counted as they run, but not analysed as a dynamic layer: "
        "the weight of each is a parameter as it stands, and none is computed from a bank of them"
    )
