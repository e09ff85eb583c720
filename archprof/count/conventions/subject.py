"""What a convention is given, and what it gives."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from archprof.count.ledger import count
from archprof.errors import RunError
from archprof.trace.functions import trace_functions
from archprof.trace.nested import flat
from archprof.trace.recorder import DataDependentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn

    from archprof.count.ledger import Entry, Ledger
    from archprof.trace.functions import FunctionTrace


@dataclass(frozen=True, slots=True)
class Subject:
    """A model that was run and counted.

    Attributes:
        model: The model, as it was run.
        inputs: What it was run on.
        ledger: Every operation with its exact cost.
        image: Whether what it takes is one image.
    """

    model: nn.Module
    inputs: tuple[Any, ...]
    ledger: Ledger
    image: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first tensor that goes in."""
        return tuple(next(flat(self.inputs)).shape)


class Item(NamedTuple):
    """What a convention gives for one operation, function or module that ran.

    ``path`` is the module that ran it, ``amount`` is in the convention's own unit, and ``macs`` are exact.
    """

    path: str
    operation: str
    amount: int
    macs: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What a convention says.

    Attributes:
        items: Everything that it gives something for, and everything with multiply-accumulates.
        scale: What one unit of the amounts stands for in the figure that is printed.
        shape: The shape of the image that the amounts are of, where it is not the subject's.
    """

    items: list[Item]
    scale: Fraction = Fraction(1)
    shape: tuple[int, ...] | None = None


def operation_items(subject: Subject, amount: Callable[[Entry], int]) -> list[Item]:
    """One item for each operation that is given anything, or has MACs."""
    trace = subject.ledger.trace
    return [
        Item(trace.calls[entry.operation.call].path, entry.operation.name, given, entry.count.macs)
        for entry in subject.ledger.entries
        if (given := amount(entry)) or entry.count.macs
    ]


def function_items(subject: Subject, handles: Mapping[str, Any]) -> list[Item]:
    """One item for each function that was called, and for each operation of those that were dropped.

    Args:
        subject: It is run once more.
        handles: Function -> what one call of it costs; one that is not there costs nothing.
    """
    return list(_function_items(subject, handles))


def _functions(subject: Subject) -> FunctionTrace:
    try:
        return trace_functions(subject.model, subject.inputs)
    except DataDependentError:
        if any(parameter.is_meta for parameter in subject.model.parameters()):
            raise
        # A copy: a pass with values may update statistics.
        return trace_functions(copy.deepcopy(subject.model), subject.inputs, values=True)
    except RunError as error:
        # It ran before, so it is the tracer that stops, and the tool stops there too.
        reason = str(error.__cause__ or error.message).partition("\n")[0]
        raise RunError(f"torch's tracer, by which this convention counts, stops: {reason}") from error


def _function_items(subject: Subject, handles: Mapping[str, Any]) -> Iterator[Item]:
    trace = _functions(subject)
    macs = {id(entry.operation): entry.count.macs for entry in count(trace).entries if entry.count.macs}
    for function in trace.functions:
        handle = handles.get(function.name)
        amount = handle(function) if handle else 0
        exact = sum(macs.pop(id(operation), 0) for operation in function.operations)
        if amount or exact:
            yield Item(trace.calls[function.call].path, function.name, amount, exact)
    for operation in trace.operations:
        if exact := macs.pop(id(operation), 0):
            yield Item(trace.calls[operation.call].path, operation.name, 0, exact)
