"""Sees every operation of a pass, gives its result without memory, and writes it down."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.modules.module import _has_any_global_hook
from torch.utils._python_dispatch import TorchDispatchMode, is_traceable_wrapper_subclass

from archprof.errors import RunError
from archprof.trace.gradients import Gradients
from archprof.trace.meta_kernels import resample, views  # noqa: F401 - they enter their results
from archprof.trace.meta_kernels.layout import META
from archprof.trace.meta_kernels.shapes import SHAPES
from archprof.trace.modules import SHORTCUTS
from archprof.trace.record import ModuleCall, Operation, TensorInfo, Trace
from archprof.trace.subclasses import inner_tensors, is_function, own_dispatch, rewrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

CONSTANT_LIMIT = 1 << 16
"""Elements up to which a tensor that depends on no input keeps its values, so that a model may steer by it."""


_INSIDE_VMAP: Any = torch._C._functorch.peek_interpreter_stack
"""Gives something inside of a function that runs for many samples at once, where shapes are one sample's."""

_PLAIN = {int, float, bool, type(None), str, torch.dtype, torch.device}
"""Types of most arguments that are no tensor; asking for them first is quicker."""

CALL = nn.Module.__call__
"""What calling a module does when nobody watches."""


class ValuesNeededError(RunError):
    """The model's own control flow reads the values of activations, which a pass without memory has not."""


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, gives its meta result, and writes it down."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch would wrap the method below in a guard that imports its compiler: seconds, for a pass that is
        # never compiled.
        return False

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace(model)
        self._call = -1
        self._gradients = Gradients()
        self._backwards = False
        self._shortcuts = not (
            _has_any_global_hook()  # type: ignore[no-untyped-call]
            or torch.is_autocast_enabled("cpu")
        )
        # Every tensor seen is kept, so that an id() stays one tensor's for the whole pass.
        self._seen: dict[int, tuple[Tensor, TensorInfo]] = {}
        self._stand_ins: dict[int, Tensor] = {}
        # Modules with weights that are wrappers around other tensors: what they run is the wrapper's business.
        self._wrapping: set[int] = set()
        # Whether a class of tensors has run operations of its own: it does so below where torch takes functions apart.
        self._functions_come = False
        self._tree = tree
        self._paths = {id(module): path for path, module in tree}
        for path, module in tree:
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is None or id(tensor) in self._seen:
                    continue
                for inner in {id(part): part for part in (tensor, *inner_tensors(tensor))}.values():
                    self.info(inner).parameter = f"{path}.{name}" if path else name
                if own_dispatch(type(tensor)):
                    self._wrapping.add(id(module))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation."""
        if types and any(map(own_dispatch, types)):
            self._functions_come = True
            return NotImplemented  # it runs operations of its own on what is inside it, and those are seen
        kwargs = kwargs or {}
        if torch.is_inference_mode_enabled() or (self._functions_come and is_function(func)):
            result = self._parts(func, args, kwargs)
            if result is not NotImplemented:
                return result
        result = self.compute(func, args, kwargs)
        if self._backwards:
            call = self._gradients.call(self._call)
            if call is None:
                return result
            self._call = call
        self.note(func, args, kwargs, result)
        return result

    def call(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called: run it, or take its shortcut."""
        path = self._paths.get(id(module))
        if path is None:  # made during the pass; its operations belong to whoever made it
            path = self.trace.calls[self._call].path
        given = args if self._call >= 0 else (args, kwargs)
        call = ModuleCall(path, module, self._call, self._infos(given))
        self.trace.calls.append(call)
        self._enter(len(self.trace.calls) - 1)
        try:
            output = None if kwargs else self._shortcut(module, args)
            if output is None:
                output = CALL(module, *args, **kwargs)
            call.outputs = self._infos(output)
        finally:
            self._enter(call.parent)
        return output

    def _enter(self, call: int) -> None:
        """From now on operations belong to a call."""
        self._call = call
        self._gradients.mark(call)

    def backward(self, output: Any) -> None:
        """Run the backward pass from every result of the forward that has a gradient.

        Raises:
            RunError: Where none has.
        """
        results = [tensor for tensor in flat(output) if tensor.requires_grad]
        if not results:
            raise RunError("there is no backward pass: nothing that comes out depends on a trainable parameter")
        self._backwards = True
        self._gradients.run(results)

    def _parts(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Take a function apart where torch leaves that to whoever watches; NotImplemented where it is an operation."""
        with self:
            return func.decompose(*args, **kwargs)

    def _shortcut(self, module: nn.Module, args: tuple[Any, ...]) -> Tensor | None:
        """What a common module would do, without doing it; None where it has to run."""
        found = SHORTCUTS.get(type(module))
        if (
            found is None
            or len(args) != 1
            or type(args[0]) is not torch.Tensor
            or not args[0].is_meta
            or module._forward_hooks
            or module._forward_pre_hooks
            or module._backward_hooks
            or module._backward_pre_hooks
            or "forward" in vars(module)
            or id(module) in self._wrapping
            or not self._shortcuts
            or torch.is_grad_enabled()
            or _INSIDE_VMAP() is not None
        ):
            return None
        with torch._C._DisableTorchDispatch():
            return found(self, module, args[0])

    def do(self, func: Any, args: tuple[Any, ...]) -> Tensor | None:
        """Write an operation down with the first tensor that it gives, or do nothing and give None."""
        result = SHAPES[func](*args)
        if result is None:
            return None
        self.note(func, args, {}, result)
        first: Tensor = result if isinstance(result, torch.Tensor) else result[0]
        return first

    def note(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        """Write an operation down."""
        self.append(
            func,
            self._described(args),
            {key: self._described(value) for key, value in kwargs.items()} if kwargs else kwargs,
            self._infos(result),
        )

    def append(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: tuple[TensorInfo, ...]) -> None:
        """Write an operation down whose tensors are described already."""
        operations = self.trace.backward if self._backwards else self.trace.operations
        operations.append(Operation(func, args, kwargs, outputs, self._call))

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
        for path, module in self._tree:
            if isinstance(module, torch.jit.ScriptModule):
                if any(not tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
                    raise ValuesNeededError(f"{path or 'the model'} was compiled by torch.jit, with its weights in it")
                continue
            replaced = False
            registered: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
            for tensors in registered:
                for name, tensor in tensors.items():
                    if tensor is not None and not tensor.is_meta:
                        kind: type = type(tensor)
                        if own_dispatch(kind) and not is_traceable_wrapper_subclass(tensor):
                            where = f"{path}.{name}" if path else name
                            raise ValuesNeededError(f"{where} is of the class {kind.__name__}, which hides its tensors")
                        tensors[name] = self._stand_in(tensor)
                        replaced = True
            if replaced and type(module) not in SHORTCUTS:
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

    # -- tensors ------------------------------------------------------------------------------------------

    def _placement(self, args: Any, kwargs: Any) -> tuple[bool, bool]:
        """Whether any tensor argument holds values, and whether any is on meta."""
        values = meta = False
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if type(arg) in _PLAIN:
                continue
            if isinstance(arg, torch.Tensor):
                if arg.is_meta:
                    meta = True
                else:
                    values = True
            elif isinstance(arg, (list, tuple)):
                for item in arg:
                    if type(item) not in _PLAIN and isinstance(item, torch.Tensor):
                        if item.is_meta:
                            meta = True
                        else:
                            values = True
        return values, meta

    def _constant(self, func: Any, args: Any, kwargs: Any) -> bool:
        """Whether every tensor here is a small one that is neither a parameter nor a buffer."""
        return all(
            tensor.numel() <= CONSTANT_LIMIT and self.info(tensor).parameter is None
            for tensor in flat((args, tuple(kwargs.values())))
        )

    def _on_meta(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value if value.is_meta else self._stand_in(value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self._on_meta, value))
        if isinstance(value, (list, tuple)):
            return type(value)([self._on_meta(item) for item in value])
        if isinstance(value, dict):
            return {key: self._on_meta(item) for key, item in value.items()}
        return META if isinstance(value, torch.device) else value

    def _stand_in(self, tensor: Tensor) -> Tensor:
        found = self._stand_ins.get(id(tensor))
        if found is None:
            info = self.info(tensor)
            if is_traceable_wrapper_subclass(tensor):
                found = rewrapped(tensor, self._stand_in)
            else:
                found = torch.empty_strided(info.shape, tensor.stride(), dtype=info.dtype, device=META)
            if isinstance(tensor, torch.nn.Parameter):
                found = torch.nn.Parameter(found, tensor.requires_grad)
            info.storage = found.untyped_storage()._cdata  # views will be of the stand-in's
            self._stand_ins[id(tensor)] = found
            self._seen[id(found)] = (found, info)
        return found

    def info(self, tensor: Tensor) -> TensorInfo:
        """What is known of a tensor; always the same object for the same tensor."""
        known = self._seen.get(id(tensor))
        if known is not None:
            return known[1]
        try:
            storage = tensor.untyped_storage()._cdata
        except (NotImplementedError, RuntimeError):  # a sparse tensor, or one that stands for many inside of a vmap
            storage = -id(tensor)
        info = TensorInfo(tuple(tensor.shape), tensor.dtype, storage)
        self._seen[id(tensor)] = (tensor, info)
        return info

    def _infos(self, value: Any) -> tuple[TensorInfo, ...]:
        """What is known of the tensors in something, in order."""
        if isinstance(value, torch.Tensor):
            return (self.info(value),)
        return tuple([self.info(tensor) for tensor in flat(value)])

    def _described(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.info(value)
        if isinstance(value, (list, tuple)):
            return tuple([item if type(item) in _PLAIN else self._described(item) for item in value])
        return value


class ValueRecorder(Recorder):  # type: ignore[no-untyped-call]
    """Records while everything is computed for real."""

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        super().__init__(model, tree)
        self._shortcuts = False

    def prepare(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Nothing stands in for anything."""
        return inputs

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation's result."""
        return func(*args, **kwargs)


def flat(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists, dicts and dataclasses, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from flat(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from flat(getattr(value, field.name, None))


def _reads_values(func: Any, error: Exception) -> bool:
    """Whether an operation failed for want of values rather than of matching shapes."""
    return (
        func.name() == "aten::_local_scalar_dense"
        or isinstance(error, NotImplementedError)
        or any(tag in func.tags for tag in (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape))
    )
