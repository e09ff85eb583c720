"""What a convention is given, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from archprof.count.figures import Item
from archprof.count.ledger import count
from archprof.errors import ArchprofError, RunError, in_one_line
from archprof.trace.functions import trace_functions
from archprof.trace.nested import flat
from archprof.trace.recorder import DataDependentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import nn

    from archprof.count.ledger import Entry, Ledger
    from archprof.trace.functions import FunctionTrace


class NotApplicableError(RunError):
    """A convention whose tool is not for such a model, as one that takes images is not for text."""


class ToolStopsError(RunError):
    """A model on which the tool itself, whose figure was to be replayed, ends in an error."""


class Functions(NamedTuple):
    """The functions that a model calls.

    ``ledger`` has their exact cost, its trace the functions themselves. ``refusal`` is what the tracer says against
    what the model gives back, where it takes only some of that: a number beside a tensor, say.
    """

    ledger: Ledger
    refusal: str | None


@dataclass(frozen=True)
class Subject:
    """A model that was run and counted, and what conventions need beside that, each recorded once.

    Attributes:
        model: The model, as it was run.
        inputs: The positional arguments that it was run on.
        ledger: Every operation with its exact cost.
        image: Whether what it takes is one batch of images.
        keywords: The keyword arguments that it was run on.
    """

    model: nn.Module
    inputs: tuple[Any, ...]
    ledger: Ledger
    image: bool = True
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the first tensor that goes in; () where none does."""
        return next((tuple(tensor.shape) for tensor in flat((self.inputs, dict(self.keywords)))), ())

    @property
    def functions(self) -> Functions:
        """The functions that the model calls, as torch's tracer writes them down.

        Raises:
            ToolStopsError: Where the tracer stops, as do the tools that count by it.
        """
        if isinstance(self._functions, Exception):
            raise self._functions
        return self._functions

    @cached_property
    def _functions(self) -> Functions | Exception:
        # The failure is kept too: several conventions ask for it.
        try:
            return _functions(self)
        except Exception as error:
            return error


def operation_items(subject: Subject, amount: Callable[[Entry], int]) -> list[Item]:
    """One item for each operation that is given anything, or has MACs."""
    trace = subject.ledger.trace
    return [
        Item(trace.calls[entry.operation.call].path, entry.operation.name, given, entry.count.macs)
        for entry in subject.ledger.entries
        if (given := amount(entry)) or entry.count.macs
    ]


def function_items(subject: Subject, tool: str, handles: Mapping[str, Any]) -> list[Item]:
    """One item for each function that was called, and for each operation of those that were dropped.

    Args:
        subject: The model.
        tool: The name of the tool whose handles they are.
        handles: Function -> what one call of it costs; one that is not there costs nothing.

    Raises:
        ToolStopsError: Where torch's tracer stops, or a handle does as the tool's own does.
    """
    return list(_function_items(subject, tool, handles))


def _function_items(subject: Subject, tool: str, handles: Mapping[str, Any]) -> Iterator[Item]:
    ledger = subject.functions.ledger
    trace: Any = ledger.trace
    macs = {id(entry.operation): entry.count.macs for entry in ledger.entries if entry.count.macs}
    for function in trace.functions:
        handle = handles.get(function.name)
        path = trace.calls[function.call].path
        try:
            amount = handle(function) if handle else 0
        except Exception as error:
            location = f" in {path}" if path else ""
            raise ToolStopsError(f"{tool} itself stops at {function.name}{location}: {reason(error)}") from error
        exact = sum(macs.pop(id(operation), 0) for operation in function.operations)
        if amount or exact:
            yield Item(path, function.name, amount, exact)
    for operation in trace.operations:
        if exact := macs.pop(id(operation), 0):
            yield Item(trace.calls[operation.call].path, operation.name, 0, exact)


def _functions(subject: Subject) -> Functions:
    if subject.keywords:
        raise ToolStopsError(f"{_TRACER} takes positional arguments only")
    if refusal := _refusal(subject.inputs):
        raise ToolStopsError(f"{_TRACER} stops: {refusal}")
    refusals: list[str | None] = []
    hook = subject.model.register_forward_hook(lambda *given: refusals.append(_refusal(given[-1])))
    try:
        return Functions(count(_traced(subject)), refusals[-1])
    finally:
        hook.remove()


def _traced(subject: Subject) -> FunctionTrace:
    try:
        return trace_functions(subject.model, subject.inputs)
    except DataDependentError:
        if any(parameter.is_meta for parameter in subject.model.parameters()):
            raise
        return trace_functions(subject.model, subject.inputs, values=True)
    except RunError as error:
        # It ran before, so it is the tracer that stops, and the tool stops there too.
        first, *_ = str(error.__cause__ or error.message).splitlines()
        raise ToolStopsError(f"{_TRACER} stops: {first}") from error


_TRACER = "torch's tracer, by which this convention counts,"


def _refusal(value: Any) -> str | None:
    """Why the tracer does not take some arguments or a result: it takes tensors, text and None, and containers."""
    try:
        torch._C._jit_flatten(value)
    except (RuntimeError, TypeError) as error:
        return in_one_line(error)
    return None


def reason(error: Exception) -> str:
    """What an error says, in one line and without a hint."""
    return error.message if isinstance(error, ArchprofError) else in_one_line(error)
