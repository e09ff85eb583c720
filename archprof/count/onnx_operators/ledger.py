"""Puts every operation of a file's run in one of three states, and adds up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archprof.count.formulas import Count
from archprof.count.onnx_operators.activation import UnknownActivationError
from archprof.count.onnx_operators.precision import precision
from archprof.count.onnx_operators.registry import OPERATORS
from archprof.count.tally import State, Tally
from archprof.trace.onnx_graph.record import MALFORMED, ShapeUnknownError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.trace.onnx_graph.record import Operation, Trace

NOTHING = Count()

PLAIN = "float32"
"""The precision that needs no mention."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation with its state and its cost, that of all its repeats.

    ``precision`` is the type of the numbers that it multiplies or computes with.
    """

    operation: Operation
    state: State
    count: Count
    precision: str

    @property
    def label(self) -> str:
        """The operator, with the precision of its products where that is not float32."""
        exact = self.count.macs and self.precision != PLAIN
        return f"{self.operation.name} ({self.precision})" if exact else self.operation.name


@dataclass(frozen=True, slots=True)
class Choice:
    """An ``If`` of which it is not known which branch runs, and the cost of the cheaper and the more expensive."""

    operation: Operation
    low: Count
    high: Count


@dataclass(slots=True)
class Ledger(Tally):
    """Every operation of a file's run, counted, free or unknown.

    Attributes:
        trace: The run.
        entries: Its operations in order; of branches between which nothing before the run decides, the one with more
            MACs.
        choices: Those decisions.
    """

    trace: Trace
    entries: list[Entry] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)

    @staticmethod
    def repeats(operation: Operation) -> int:
        """As often as the loop around it runs."""
        return operation.repeats


def count(trace: Trace) -> Ledger:
    """Count what a file runs."""
    ledger = Ledger(trace)
    _enter(ledger, trace.operations, {})
    return ledger


def _enter(ledger: Ledger, operations: Iterable[Operation], makers: dict[int, Operation]) -> None:
    for operation in operations:
        makers.update((id(tensor), operation) for tensor in operation.made)
        state, cost = _cost(operation)
        ledger.entries.append(Entry(operation, state, cost, precision(operation, makers)))
        if not operation.branches:
            continue
        branches = []
        for branch in operation.branches:
            part = Ledger(ledger.trace)
            _enter(part, branch, makers)
            branches.append(part)
        branches.sort(key=lambda part: (part.macs, part.elementwise_flops))
        low, high = branches[0], branches[-1]
        ledger.entries += high.entries
        ledger.choices.append(Choice(operation, _total(low), _total(high)))
        ledger.choices += high.choices


def _total(ledger: Ledger) -> Count:
    return Count(ledger.macs, ledger.elementwise_flops)


def _cost(operation: Operation) -> tuple[State, Count]:
    if operation.open or operation.failure or operation.name not in OPERATORS:
        return "unknown", NOTHING
    formula = OPERATORS[operation.name]
    if formula is None:
        return "free", NOTHING
    try:
        cost = formula(operation)
    except (ShapeUnknownError, UnknownActivationError, *MALFORMED):
        cost = None
    if cost is None:
        return "unknown", NOTHING
    return "counted", Count(cost.macs * operation.repeats, cost.elementwise_flops * operation.repeats)
