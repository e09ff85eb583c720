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

    from archprof.trace.onnx_graph.record import Form, Operation, Trace

NOTHING = Count()

PLAIN = "float32"
"""The precision that needs no mention."""


@dataclass(slots=True)
class Entry:
    """One operation with its state and its cost, that of all its repeats.

    Attributes:
        operation: The operation.
        state: Its state.
        count: Its cost.
        precision: The type of the numbers that it multiplies or computes with.
        label: The operator, with the precision of its products where that is not float32.
    """

    operation: Operation
    state: State
    count: Count
    precision: str
    label: str


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
    return _Counter(trace).count(trace.operations)


class _Counter:
    """Counts the operations of one run, and those of the same form once."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.integers: dict[int, Operation] = {}  # a tensor's id -> the operation that made it of integers
        self.known: dict[tuple[Form, int], tuple[State, Count, str, str]] = {}

    def count(self, operations: Iterable[Operation]) -> Ledger:
        """The ledger of some operations in order."""
        ledger = Ledger(self.trace)
        for operation in operations:
            if operation.node.type == "DequantizeLinear":
                self.integers.update((id(tensor), operation) for tensor in operation.made)
            ledger.entries.append(Entry(operation, *self.judge(operation)))
            if operation.branches:
                branches = [self.count(branch) for branch in operation.branches]
                branches.sort(key=lambda part: (part.macs, part.elementwise_flops))
                low, high = branches[0], branches[-1]
                ledger.entries += high.entries
                ledger.choices.append(Choice(operation, _total(low), _total(high)))
                ledger.choices += high.choices
        return ledger

    def judge(self, operation: Operation) -> tuple[State, Count, str, str]:
        """State, cost, precision and label of an operation."""
        # What was an integer before is no part of a form.
        key = None if operation.form is None or self.integers else (operation.form, operation.repeats)
        if key is not None and (known := self.known.get(key)) is not None:
            return known
        state, cost = _cost(operation)
        kind = precision(operation, self.integers)
        label = f"{operation.name} ({kind})" if cost.macs and kind != PLAIN else operation.name
        if key is not None:
            self.known[key] = state, cost, kind, label
        return state, cost, kind, label


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
