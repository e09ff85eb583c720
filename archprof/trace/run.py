"""Runs a model once, without memory or arithmetic, and records every operation that it runs.

The pass is made on meta tensors whatever device the model is on: a parameter that holds values is stood in for by
a meta tensor of the same layout, so nothing is allocated, nothing computed, and nothing of the model's
changed, and CPU, CUDA and meta models give the same trace.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.errors import RunError
from archprof.trace.record import ModuleCall, Operation, TensorInfo, Trace
from archprof.trace.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

CONSTANT_LIMIT = 1 << 16
"""Elements up to which a tensor that depends on no input keeps its values, so that a model may steer by it."""


class ValuesNeededError(RunError):
    """The model's own control flow reads the values of activations, which a pass without memory has not."""


def trace(model: nn.Module, inputs: tuple[Any, ...]) -> Trace:
    """Record one forward pass of a model, without gradients.

    Args:
        model: Any module, on any device, in any mode; it is left as it was found.
        inputs: The positional arguments of its forward; tensors may be on any device.

    Raises:
        ValuesNeededError: Where the model branches on values that depend on the input.
        RunError: Where the forward itself fails.
    """
    return _run(Recorder(model), model, inputs)


def trace_values(model: nn.Module, inputs: tuple[Any, ...]) -> Trace:
    """As :func:`trace`, computing for real, for a model whose control flow reads values.

    The model and the inputs must hold values and be on one device.
    """
    return _run(ValueRecorder(model), model, inputs)


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, gives its meta result, and writes it down."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch would wrap the method below in a guard that imports its compiler: seconds, for a pass that is
        # never compiled.
        return False

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace(model)
        self._call = -1
        # Every tensor seen is kept, so that an id() stays one tensor's for the whole pass.
        self._seen: dict[int, tuple[Tensor, TensorInfo]] = {}
        self._stand_ins: dict[int, Tensor] = {}
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._parameters = {
            id(tensor): path for named in (model.named_parameters(), model.named_buffers()) for path, tensor in named
        }

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation."""
        kwargs = kwargs or {}
        result = self.compute(func, args, kwargs)
        self.trace.operations.append(
            Operation(
                func,
                tuple([self._described(arg) for arg in args]),
                {key: self._described(value) for key, value in kwargs.items()} if kwargs else kwargs,
                (self._info(result),) if isinstance(result, torch.Tensor) else self._tensors(result),
                self._call,
            )
        )
        return result

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation's result, as meta tensors unless it depends on small constants only."""
        values, meta = self._placement(args, kwargs)
        if values and not meta and self._constant(func, args, kwargs):
            return func(*args, **kwargs)
        if values:
            args = tuple([self._on_meta(arg) for arg in args])
            kwargs = {key: self._on_meta(value) for key, value in kwargs.items()}
        shape_of = SHAPES.get(func)
        if shape_of is not None:
            result = shape_of(*args, **kwargs)
            if result is not None:
                return result
        try:
            return func(*args, **kwargs)
        except (NotImplementedError, RuntimeError) as error:
            if _reads_values(func, error):
                raise ValuesNeededError(f"{self.where} needs the values of its input: {func}") from error
            raise

    def prepare(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put stand-ins in the model in place of its parameters and buffers; the inputs on meta too."""
        for module in self.trace.model.modules():
            registered: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for tensors in registered:
                for name, tensor in tensors.items():
                    if tensor is not None and not tensor.is_meta:
                        tensors[name] = self._stand_in(tensor)
            # Recurrent layers hand their weights to torch in a list of their own.
            for name, value in vars(module).items():
                if isinstance(value, list) and any(id(item) in self._stand_ins for item in value):
                    vars(module)[name] = [self._stand_ins.get(id(item), item) for item in value]
        return tuple([self._on_meta(value) for value in inputs])

    @property
    def where(self) -> str:
        """The module that is running, for a message."""
        call = self.trace.calls[self._call]
        return f"{call.path or 'the model'} ({type(call.module).__name__})"

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        """A module is called."""
        path = self._paths.get(id(module))
        if path is None:  # made during the pass; its operations belong to whoever made it
            path = self.trace.calls[self._call].path
        self.trace.calls.append(ModuleCall(path, module, self._call, self._tensors(args)))
        self._call = len(self.trace.calls) - 1

    def leave(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        """A module returns, or raised."""
        call = self.trace.calls[self._call]
        call.outputs = self._tensors(output)
        self._call = call.parent

    # -- tensors ------------------------------------------------------------------------------------------

    def _placement(self, args: Any, kwargs: Any) -> tuple[bool, bool]:
        """Whether any tensor argument holds values, and whether any is on meta."""
        values = meta = False
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(arg, torch.Tensor):
                if arg.is_meta:
                    meta = True
                else:
                    values = True
            elif isinstance(arg, (list, tuple)):
                for item in arg:
                    if isinstance(item, torch.Tensor):
                        if item.is_meta:
                            meta = True
                        else:
                            values = True
        return values, meta

    def _constant(self, func: Any, args: Any, kwargs: Any) -> bool:
        """Whether every tensor here is a small one that is neither a parameter nor a buffer."""
        return all(
            tensor.numel() <= CONSTANT_LIMIT and id(tensor) not in self._parameters
            for tensor in _flat((args, tuple(kwargs.values())))
        )

    def _on_meta(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value if value.is_meta else self._stand_in(value)
        if isinstance(value, (list, tuple)):
            return type(value)([self._on_meta(item) for item in value])
        return torch.device("meta") if isinstance(value, torch.device) else value

    def _stand_in(self, tensor: Tensor) -> Tensor:
        found = self._stand_ins.get(id(tensor))
        if found is None:
            info = self._info(tensor)
            found = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
            if isinstance(tensor, torch.nn.Parameter):
                found = torch.nn.Parameter(found, tensor.requires_grad)
            self._stand_ins[id(tensor)] = found
            self._seen[id(found)] = (found, info)
        return found

    def _info(self, tensor: Tensor) -> TensorInfo:
        known = self._seen.get(id(tensor))
        if known is not None:
            return known[1]
        info = TensorInfo(
            tuple(tensor.shape),
            tensor.dtype,
            tensor.untyped_storage()._cdata,
            self._parameters.get(id(tensor)),
        )
        self._seen[id(tensor)] = (tensor, info)
        return info

    def _described(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._info(value)
        if isinstance(value, (list, tuple)):
            return tuple([self._described(item) for item in value])
        return value

    def _tensors(self, value: Any) -> tuple[TensorInfo, ...]:
        return tuple([self._info(tensor) for tensor in _flat(value)])


class ValueRecorder(Recorder):  # type: ignore[no-untyped-call]
    """Records while everything is computed for real."""

    def prepare(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Nothing stands in for anything."""
        return inputs

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation's result."""
        return func(*args, **kwargs)


def _run(recorder: Recorder, model: nn.Module, inputs: tuple[Any, ...]) -> Trace:
    with _as_found(model), torch.no_grad(), torch.random.fork_rng(devices=[]):
        entered = register_module_forward_pre_hook(recorder.enter)
        left = register_module_forward_hook(recorder.leave, always_call=True)
        try:
            arguments = recorder.prepare(inputs)
            with recorder:
                model(*arguments)
        except RunError:
            raise
        except Exception as error:
            raise RunError(f"{_failed_at(recorder)} does not run on this input: {error}") from error
        finally:
            entered.remove()
            left.remove()
    return recorder.trace


def _failed_at(recorder: Recorder) -> str:
    """The innermost module that was entered last and came back with nothing."""
    for call in reversed(recorder.trace.calls):
        if not call.outputs:
            return f"{call.path or 'the model'} ({type(call.module).__name__})"
    return "the model"


@contextmanager
def _as_found(model: nn.Module) -> Iterator[None]:
    """Put every module's attributes back afterwards: heads cache anchors, attention caches tables."""
    attributes = [
        (
            module,
            dict(vars(module)),
            [(name, dict(vars(module)[name])) for name in ("_buffers", "_parameters")],
        )
        for module in model.modules()
    ]
    try:
        yield
    finally:
        for module, found, registered in attributes:
            vars(module).clear()
            vars(module).update(found)
            for name, tensors in registered:
                vars(module)[name].clear()
                vars(module)[name].update(tensors)


def _flat(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dicts, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _flat(item)


def _reads_values(func: Any, error: Exception) -> bool:
    """Whether an operation failed for want of values rather than of matching shapes."""
    return (
        func.name() == "aten::_local_scalar_dense"
        or isinstance(error, NotImplementedError)
        or any(tag in func.tags for tag in (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape))
    )
