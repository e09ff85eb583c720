"""Runs a model once, without memory or arithmetic, and records every operation that it runs.

The pass is made on meta tensors whatever device the model is on: a parameter that holds values is replaced meanwhile by
a meta tensor of the same layout, so nothing is allocated, nothing computed, and nothing of the model's
changed, and CPU, CUDA and meta models give the same trace.
"""

from __future__ import annotations

import re
from contextlib import contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.errors import RunError, in_one_line
from archprof.trace.device import presented
from archprof.trace.model_state import put_back
from archprof.trace.recorder import DataDependentError, Recorder
from archprof.trace.replaced_data import watched_data
from archprof.trace.threads import watched
from archprof.trace.torch_state import surroundings, without_collector
from archprof.trace.tree import is_compiled, walk
from archprof.trace.value_recorder import ValueRecorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from archprof.trace.escaped import MadeTensors
    from archprof.trace.record import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """How a model is run, so that another can be run likewise.

    Attributes:
        inputs: The positional arguments of its forward.
        keywords: Its keyword arguments.
        backward: Whether it is a training step.
        values: Whether to compute for real, as :func:`trace_values` does.
    """

    inputs: tuple[Any, ...]
    keywords: dict[str, Any] = field(default_factory=dict)
    backward: bool = False
    values: bool = False

    def __call__(self, model: nn.Module) -> Trace:
        """Run a model.

        Raises:
            DataDependentError: Where it is not computed for real and the model branches on values.
            RunError: Where a pass itself fails.
        """
        run_it = trace_values if self.values else trace
        return run_it(model, self.inputs, self.keywords, backward=self.backward)


def trace(
    model: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any] | None = None, *, backward: bool = False
) -> Trace:
    """Record one forward pass of a model, and with ``backward`` the backward pass after it.

    Args:
        model: Any module, on any device, in any mode; it is left as it was found.
        inputs: The positional arguments of its forward; tensors may be on any device.
        keywords: Its keyword arguments.
        backward: Whether to make it a training step: the model in training mode, and the gradients of all its
            results with respect to its trainable parameters.

    Raises:
        DataDependentError: Where the model branches on values that depend on the input.
        RunError: Where a pass itself fails.
    """
    return run(Recorder, model, inputs, keywords, backward=backward)


def trace_values(
    model: nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any] | None = None, *, backward: bool = False
) -> Trace:
    """As :func:`trace`, computing for real, for a model whose control flow reads values.

    The model and the inputs must hold values and be on one device.
    """
    return run(ValueRecorder, model, inputs, keywords, backward=backward)


def run(
    kind: type[Recorder],
    model: nn.Module,
    inputs: tuple[Any, ...],
    keywords: dict[str, Any] | None = None,
    *,
    backward: bool = False,
) -> Trace:
    """One pass, or a training step, under a recorder of some kind.

    A forward that differentiates, as that of a potential whose forces are its gradients, is run with gradients too. One
    that gives what it made on its input's device to a function that compares devices, as recurrent layers do, is run
    with nothing that has values. One whose attention takes nested tensors is run with attention in one operation.
    """
    gradients, constants, fast_path = backward, True, False
    while True:
        made: list[MadeTensors] = []
        try:
            # In a copy of the context, so that context variables are what they were.
            return copy_context().run(
                _run_once,
                *(kind, model, inputs, keywords or {}),
                backward=backward,
                gradients=gradients,
                constants=constants,
                fast_path=fast_path,
                made=made,
            )
        except RunError as error:
            _free_frames(error)
            if not gradients and _lacks_gradients(error.__cause__):
                gradients = True
            elif constants and _compares_devices(error.__cause__):
                constants = False
            elif not fast_path and "outside of its fast path" in str(error.__cause__):
                fast_path = True
            else:
                raise
        finally:
            for tensors in made:
                tensors.take_back()


def _run_once(
    kind: type[Recorder],
    model: nn.Module,
    inputs: tuple[Any, ...],
    keywords: dict[str, Any],
    *,
    backward: bool,
    gradients: bool,
    constants: bool,
    fast_path: bool,
    made: list[MadeTensors],
) -> Trace:
    tree = walk(model)
    modules = [module for _, module in tree]
    compiled = [entry for entry in tree if is_compiled(type(entry[1]))]
    _check_graphs(compiled)
    recorder = kind(model, tree)
    recorder.keeps_constants = constants
    values = issubclass(kind, ValueRecorder)
    trained = [tensor for module in modules for tensor in module._parameters.values() if tensor is not None]
    aside = _gradients_aside([*model.parameters()] if compiled else trained, own=not gradients)
    collecting = nullcontext() if values else without_collector()
    around = surroundings(modules, gradients=gradients, fast_path=fast_path)
    with collecting, put_back(modules) as state, aside, around:
        try:
            if backward:
                model.train()
            arguments, named = recorder.prepare((inputs, keywords))
            with recorder, watched(recorder, modules), watched_data(recorder), _presented(recorder):
                output = model(*arguments, **named)
                if backward:
                    recorder.backward(output)
            if recorder.lack is not None:
                raise recorder.lack
            recorder.trace.advanced = [_attribute(tree, *held) for held in state.advanced()]
        except RunError:
            raise
        except (Exception, SystemExit) as error:
            if recorder.lack is not None:
                raise recorder.lack from error
            raise _framed(error, recorder) from error
        finally:
            recorder.put_back()
            if not values:
                made.append(recorder.made())
    return recorder.trace


def _attribute(tree: list[tuple[str, nn.Module]], holder: Any, value: Any) -> str:
    """The name of what an object holds: of a module by its path, of another by its type."""
    owner = next((path for path, module in tree if module is holder), type(holder).__name__)
    name = next((name for name, other in getattr(holder, "__dict__", {}).items() if other is value), "")
    return ".".join(filter(None, (owner, name)))


def _free_frames(error: BaseException | None) -> None:
    """Let go of the tensors in the variables of what has failed, among which one that lives on would not be found."""
    errors: dict[int, BaseException] = {}  # an error may be the cause of what was its own
    while error is not None and id(error) not in errors:
        errors[id(error)] = error
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _presented(recorder: Recorder) -> AbstractContextManager[None]:
    """While it holds, tensors without values are said to be where the model would run."""
    if isinstance(recorder, ValueRecorder):
        return nullcontext()
    return presented(recorder.device, recorder.needs_values)


def _lacks_gradients(error: BaseException | None) -> bool:
    """Whether a forward failed because it differentiates and gradients were not recorded."""
    return isinstance(error, RuntimeError) and "not require grad" in str(error)


_DEVICES = re.compile("same device|expected device")


def _compares_devices(error: BaseException | None) -> bool:
    """Whether a forward failed because a function found tensors without values beside some that have them."""
    return isinstance(error, RuntimeError) and "meta" in str(error) and bool(_DEVICES.search(str(error)))


_WITHOUT_VALUES = ("meta", "unallocated storage", "data pointer")
"""Words of torch's errors for tensors without values, of which it has many outside of operations (numpy, lists)."""


_NOT_HANDLED = "all __torch_dispatch__ handlers returned NotImplemented"
"""What torch says of tensors that are no model's own, but stand for others while a function is traced."""

_INTERNAL = re.compile("INTERNAL ASSERT|Internal error|report (a bug|an issue)|file an issue", re.IGNORECASE)
"""Words by which torch says that it has met a case that it did not expect, which tell a user nothing."""


def _check_graphs(compiled: list[tuple[str, nn.Module]]) -> None:
    for path, module in compiled:
        if "MKLDNN" in str(getattr(module, "graph", "")):
            raise RunError(
                f"{path or 'the model'} was optimised by torch.jit for inference: its weights are packed and hidden",
                hint="give it as it was before torch.jit.optimize_for_inference",
            )


def _framed(error: BaseException, recorder: Recorder) -> RunError:
    """What went wrong, and in which module."""
    if _INTERNAL.search(str(error)):
        if not isinstance(recorder, ValueRecorder):
            return DataDependentError(f"{_failed_at(recorder)} runs what torch has no shapes for")
        return RunError(
            f"{_failed_at(recorder)} does not run on this input: torch stops there at a check of its own, and has no"
            " kernel for it",
            hint="run the model by itself: where torch runs it, report it here; a nested tensor can be given padded",
        )
    if recorder.trace.backward:
        return RunError(f"the backward pass of {recorder.where} fails: {in_one_line(error)}")
    if any(word in str(error) for word in _WITHOUT_VALUES) and not isinstance(recorder, ValueRecorder):
        return DataDependentError(f"{_failed_at(recorder)} needs the values of its input: {in_one_line(error)}")
    if _NOT_HANDLED in str(error):
        return RunError(
            f"{_failed_at(recorder)} runs on tensors of a class that does not say what becomes of their operations",
            hint="profile it on plain tensors",
        )
    hint = None
    if "more than 1 value per channel" in str(error):
        hint = "in training it normalises over the batch: give it two samples or more"
    return RunError(f"{_failed_at(recorder)} does not run on this input: {in_one_line(error)}", hint=hint)


def _failed_at(recorder: Recorder) -> str:
    """The innermost module that was entered last and came back with nothing, with its weight's shape."""
    for call in reversed(recorder.trace.calls):
        if not call.outputs:
            weight = getattr(call.module, "weight", None)
            shape = f", weight {'×'.join(map(str, weight.shape))}" if isinstance(weight, torch.Tensor) else ""
            return f"{call.path or 'the model'} ({type(call.module).__name__}{shape})"
    return "the model"


@contextmanager
def _gradients_aside(trained: list[nn.Parameter], *, own: bool) -> Iterator[None]:
    """Put back the gradients of the parameters, and which of them ask for one.

    Unless the pass may see the model's own, there are none meanwhile: to those that are there it would add its own.
    """
    before = [(parameter, parameter.grad, parameter.requires_grad) for parameter in trained]
    try:
        if not own:
            for parameter in trained:
                parameter.grad = None
        yield
    finally:
        for parameter, gradient, asks in before:
            if parameter.grad is not gradient:
                parameter.grad = gradient
            if parameter.requires_grad != asks:
                parameter.requires_grad_(asks)
