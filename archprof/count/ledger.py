"""Puts every operation of a trace in one of three states, and adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from archprof.count import operations  # noqa: F401 - they register their formulas
from archprof.count.formulas import FORMULAS, Count, Formula
from archprof.count.free import FREE
from archprof.count.operations.pointwise import pointwise
from archprof.count.tally import State, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch._ops import OpOverload

    from archprof.trace.record import NamedOperator, Operation, Trace

NOTHING = Count()


@dataclass(slots=True)
class Entry:
    """One operation of the trace with its state and its cost."""

    operation: Operation
    state: State
    count: Count


@dataclass(slots=True)
class Ledger(Tally):
    """Every operation of a trace, counted, free or unknown.

    ``own`` and ``inclusive`` have one count for each module call of the trace: what it ran itself, and that
    with everything that it called.
    """

    trace: Trace
    entries: list[Entry] = field(default_factory=list)
    own: list[Count] = field(default_factory=list)
    inclusive: list[Count] = field(default_factory=list)


def count(trace: Trace) -> Ledger:
    """Count a trace with the exact formulas."""
    ledger = Ledger(trace)
    rules: dict[OpOverload | NamedOperator, tuple[Formula | None, State]] = {}
    for operation in trace.operations:
        rule = rules.get(operation.function)
        if rule is None:
            rule = rules[operation.function] = _rule(operation)
        formula, state = rule
        cost = formula(operation) if formula else NOTHING
        if cost is None:
            cost, state = NOTHING, "unknown"
        ledger.entries.append(Entry(operation, state, cost))
    own, inclusive = by_call(trace, [entry.count for entry in ledger.entries])
    ledger.own = [*map(Count._make, own)]
    ledger.inclusive = [*map(Count._make, inclusive)]
    return ledger


def by_call(trace: Trace, figures: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    """Sums of two figures of each operation for each call of a module.

    Returns:
        For each call what it ran itself, and that with everything that it called.
    """
    own = [[0, 0] for _ in trace.calls]
    for operation, (first, second) in zip(trace.operations, figures, strict=True):
        if operation.call >= 0:
            sums = own[operation.call]
            sums[0] += first
            sums[1] += second
    inclusive = [list(sums) for sums in own]
    # A call comes after the call that made it, so backwards every child is complete before its parent.
    for index in range(len(trace.calls) - 1, 0, -1):
        parent = inclusive[trace.calls[index].parent]
        parent[0] += inclusive[index][0]
        parent[1] += inclusive[index][1]
    return own, inclusive


def _rule(operation: Operation) -> tuple[Formula | None, State]:
    """The formula of an operation, and its state.

    ``add_`` and ``add.out`` cost what ``add`` does. torch marks its own pointwise operations and views; those
    that have no entry of their own go by that mark.
    """
    name = operation.name
    plain = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    if formula := FORMULAS.get(plain):
        return formula, "counted"
    if plain in FREE:
        return None, "free"
    if torch.Tag.pointwise in operation.function.tags:
        return pointwise, "counted"
    if operation.function.is_view:
        return None, "free"
    return None, "unknown"
