"""Sees every operation of a pass, gives its result without memory, and writes it down."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._ops import HigherOrderOperator
from torch.nn.modules.module import _has_any_global_hook
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.errors import RunError, in_one_line
from archprof.trace.constants import Constants, is_table
from archprof.trace.device import device_of
from archprof.trace.gradients import Gradients
from archprof.trace.higher_order import run_higher_order
from archprof.trace.meta_kernels.index_requirements import check_known_indices
from archprof.trace.meta_kernels.layout import META, without_memory
from archprof.trace.meta_kernels.registry import META_KERNELS, meta_kernels_enabled
from archprof.trace.meta_kernels.result import result_on_meta
from archprof.trace.modules import MODULE_FAST_PATHS
from archprof.trace.nested import flat, map_leaves, within
from archprof.trace.overwritten import Overwritten
from archprof.trace.record import ModuleCall, Operation, TensorInfo, Trace
from archprof.trace.regions import window_elements
from archprof.trace.sequences import sizes
from archprof.trace.subclasses import computes_itself, dispatches, inner_tensors
from archprof.trace.zero_tangents import ZeroTangents

if TYPE_CHECKING:
    from torch import Tensor

_INSIDE_VMAP: Any = torch._C._functorch.peek_interpreter_stack
"""Gives something inside of a function that runs for many samples at once, where shapes are one sample's."""

_PLAIN = {int, float, bool, type(None), str, torch.dtype, torch.device}
"""Types of most arguments that are no tensor; asking for them first is quicker."""

_PLAIN_TENSORS = (torch.Tensor, nn.Parameter)

_C: Any = torch._C

_TO_COPY = torch.ops.aten._to_copy.default

_TORCH_S = frozenset({"aten", "prims", "torchvision", "quantized", "profiler"})
"""Namespaces of operations that have kernels for tensors without values."""

CALL = nn.Module.__call__
"""What calling a module does when nobody watches."""


class DataDependentError(RunError):
    """The model's own control flow reads the values of activations, which a pass without memory has not."""


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, gives its meta result, and writes it down."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch would wrap the method below in a guard that imports its compiler: seconds, for a pass that is
        # never compiled.
        return False

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = Trace(model)
        self.device = torch.device("cpu")
        self._call = -1
        self._gradients = Gradients()
        self._zero_tangents = ZeroTangents()
        self.overwritten = Overwritten()
        self._constants = Constants(self.info, self.overwritten)
        self._backwards = False
        self._fast_paths = meta_kernels_enabled() and not (
            _has_any_global_hook()  # type: ignore[no-untyped-call]
            or torch.is_autocast_enabled("cpu")
        )
        # Every tensor seen is kept, so that an id() stays one tensor's for the whole pass.
        self._seen: dict[int, tuple[Tensor, TensorInfo]] = {}
        self._meta_placeholders: dict[int, Tensor] = {}
        # Memory of a placeholder -> that of the tensor which it stands for.
        self._stands_for: dict[int, int] = {}
        self._tree = tree
        # The memory of each parameter, of all its parts where it is made of others.
        self._parameters: list[tuple[set[int], TensorInfo]] = []
        self._paths = {id(module): path for path, module in tree}
        for path, module in tree:
            for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                if tensor is not None and id(tensor) not in self._seen:
                    info = self.info(tensor)
                    info.parameter = f"{path}.{name}" if path else name
                    if name in module._parameters:
                        memory = {info.storage}
                        if type(tensor) not in _PLAIN_TENSORS:
                            memory |= {self.info(inner).storage for inner in inner_tensors(tensor)}
                        self._parameters.append((memory, info))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation."""
        if types and any(kind not in _PLAIN_TENSORS and dispatches(kind) for kind in types):
            return NotImplemented  # a subclass of tensors takes its operations apart itself, and then they come here
        kwargs = kwargs or {}
        if func is _TO_COPY and self._stays(args[0], kwargs):
            return args[0].detach()
        if isinstance(func, HigherOrderOperator):
            return self.compute_higher_order(func, args, kwargs)
        if is_composite(func):
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

    def _stays(self, tensor: Tensor, changes: dict[str, Any]) -> bool:
        """Whether a tensor without memory is asked for as it is, on the device that it is said to be on.

        Otherwise that device is struck from the changes.
        """
        device = changes.get("device")
        if device is None or not tensor.is_meta or torch.device(device) != self.device:
            return False
        del changes["device"]
        asked = {value for value in changes.values() if value is not None and value is not False}
        return asked <= {tensor.dtype, tensor.layout}

    def call(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called: run it, or take its fast path."""
        path = self._paths.get(id(module))
        if path is None:  # made during the pass; its operations belong to whoever made it
            path = self.trace.calls[self._call].path
        given = args if self._call >= 0 else (args, kwargs)
        call = ModuleCall(path, module, self._call, self._infos(given))
        self.trace.calls.append(call)
        self._enter(len(self.trace.calls) - 1)
        try:
            output = None if kwargs else self._fast_path(module, args)
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
        results = [tensor for tensor in within(output) if tensor.requires_grad]
        if not results:
            raise RunError("there is no backward pass: nothing that comes out depends on a trainable parameter")
        self._backwards = True
        self._gradients.run(results)

    def _parts(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """A function that is made of others, taken apart; NotImplemented where it is one operation after all.

        In inference mode, and inside of functions that an operator calls, torch leaves that to whoever watches.
        """
        with self:
            return func.decompose(*args, **kwargs)

    def _fast_path(self, module: nn.Module, args: tuple[Any, ...]) -> Tensor | None:
        """What a common module would do, without doing it; None where it has to run."""
        found = MODULE_FAST_PATHS.get(type(module))
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
            or not self._fast_paths
            or torch.is_grad_enabled()
            or _INSIDE_VMAP() is not None
        ):
            return None
        with torch._C._DisableTorchDispatch():
            return found(self, module, args[0])

    def do(self, func: Any, args: tuple[Any, ...]) -> Tensor | None:
        """Write an operation down with the first tensor that it gives, or do nothing and give None."""
        result = META_KERNELS[func](*args)
        if result is None:
            return None
        self.note(func, args, {}, result)
        first: Tensor = result if isinstance(result, torch.Tensor) else result[0]
        return first

    def note(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        """Write an operation down."""
        if (instead := self._zero_tangents.seen(func, args, result, self.info)) is not None:
            func, args = instead
        described = self._described(args)
        if torch.Tag.inplace_view in getattr(func, "tags", ()):
            self._seen.pop(id(args[0]), None)  # its shape is another from now on
        self.append(
            func,
            described,
            self._described_by_name(kwargs),
            self._infos(result),
        )

    def append(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: tuple[TensorInfo, ...]) -> None:
        """Write an operation down whose tensors are described already."""
        operations = self.trace.backward if self._backwards else self.trace.operations
        operations.append(Operation(func, args, kwargs, outputs, self._call))

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation's result, as meta tensors unless it depends on small constants only."""
        values, meta = self._placement(args, kwargs)
        if window_elements(func, args) is not None:
            raise DataDependentError(f"{self.where} pools over regions whose sizes are values: {func}")
        try:
            if values:
                if not meta and (result := self._constants.computed(func, args, kwargs)) is not None:
                    return result
                check_known_indices(func, args)
                self._constants.forget(func, args, kwargs)
                args, kwargs = map_leaves(self._on_meta, (tuple(args), kwargs))
            elif not meta:
                return self._constants.made(func, args, kwargs)
            return result_on_meta(func, args, kwargs)
        except Exception as error:
            if _reads_values(func, error):
                raise DataDependentError(f"{self.where} needs the values of its input: {func}") from error
            raise

    def compute_higher_order(self, operator: HigherOrderOperator, args: Any, kwargs: dict[str, Any]) -> Any:
        """What an operator gives that takes functions."""
        try:
            return run_higher_order(self, operator, args, kwargs)
        except Exception as error:
            # What it is that fails is seen where it is run with values.
            reason = f"{self.where} runs torch's {operator}, which takes functions: {in_one_line(error)}"
            raise DataDependentError(reason) from error

    def prepare(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put placeholders in the model in place of its parameters and buffers; the inputs on meta too."""
        self.device = device_of((*[list(module._parameters.values()) for _, module in self._tree], *inputs))
        for path, module in self._tree:
            if isinstance(module, torch.jit.ScriptModule):
                if any(not tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
                    raise DataDependentError(f"{path or 'the model'} was compiled by torch.jit, with its weights in it")
                continue
            replaced = False
            for name, tensor in module._parameters.items():
                if tensor is not None and not tensor.is_meta:
                    module._parameters[name] = self._meta_placeholder(tensor)  # type: ignore[assignment]
                    replaced = True
            for name, buffer in module._buffers.items():
                if buffer is not None and not buffer.is_meta and not is_table(buffer):
                    module._buffers[name] = self._meta_placeholder(buffer)
            if replaced and type(module) not in MODULE_FAST_PATHS:
                # Recurrent layers hand their weights to torch in a list of their own.
                for name, value in vars(module).items():
                    if isinstance(value, list) and any(id(item) in self._meta_placeholders for item in value):
                        vars(module)[name] = [self._meta_placeholders.get(id(item), item) for item in value]
            if torch.is_grad_enabled():
                for name, value in vars(module).items():
                    if isinstance(value, torch.Tensor) and value.requires_grad and not value.is_meta:
                        vars(module)[name] = self._meta_placeholder(value)
        return tuple([map_leaves(self._on_meta, value) for value in inputs])

    @property
    def where(self) -> str:
        """The module that is running, for a message."""
        if not self.trace.calls:
            return "the model"
        call = self.trace.calls[self._call]
        return f"{call.path or 'the model'} ({type(call.module).__name__})"

    def finish(self) -> Trace:
        """The trace, once the pass is over: which parameters it read is known then."""
        operations = (*self.trace.operations, *self.trace.backward)
        read = {tensor.storage for operation in operations for tensor in operation.inputs}
        read = {self._stands_for.get(storage, storage) for storage in read}
        for memory, info in self._parameters:
            if not memory & read and info.numel:
                self.trace.unread.append(info)
        return self.trace

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

    def _on_meta(self, value: Any) -> Any:
        """A tensor without its values, or the device for it; anything else as it is."""
        if isinstance(value, torch.Tensor):
            return value if value.is_meta else self._meta_placeholder(value)
        return META if isinstance(value, torch.device) else value

    def _meta_placeholder(self, tensor: Tensor) -> Tensor:
        found = self._meta_placeholders.get(id(tensor))
        if found is None:
            if tensor.layout != torch.strided or tensor.is_nested or computes_itself(tensor):
                kind = type(tensor).__name__ if tensor.layout == torch.strided else f"{tensor.layout} tensor"
                kind = "nested tensor" if tensor.is_nested else kind
                raise DataDependentError(f"{self.where} holds or takes a {kind.removeprefix('torch.')}")
            info = self.info(tensor)
            found = without_memory(tensor)
            if isinstance(tensor, torch.nn.Parameter):
                found = torch.nn.Parameter(found, tensor.requires_grad)
            elif tensor.requires_grad:
                found.requires_grad_()
            self._stands_for[found.untyped_storage()._cdata] = info.storage
            info.storage = found.untyped_storage()._cdata  # views will be of the placeholder's
            self._meta_placeholders[id(tensor)] = found
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
        info = TensorInfo(sizes(tensor), tensor.dtype, storage)
        self._seen[id(tensor)] = (tensor, info)
        return info

    def _infos(self, value: Any) -> tuple[TensorInfo, ...]:
        """What is known of the tensors in something, in order."""
        if isinstance(value, torch.Tensor):
            return (self.info(value),)
        return tuple([self.info(tensor) for tensor in flat(value)])

    def _described_by_name(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {key: self._described(value) for key, value in kwargs.items()} if kwargs else kwargs

    def _described(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.info(value)
        if isinstance(value, (list, tuple)):
            return tuple([item if type(item) in _PLAIN else self._described(item) for item in value])
        return value


@cache
def is_composite(func: Any) -> bool:
    """Whether torch takes a function apart for every device."""
    return bool(_C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"))


def _reads_values(func: Any, error: Exception) -> bool:
    """Whether an operation failed for want of values rather than of matching shapes."""
    return (
        func.name() == "aten::_local_scalar_dense"
        or func.namespace not in _TORCH_S  # whose kernel for shapes alone, if there is one, may know less
        or isinstance(error, NotImplementedError)
        or "NestedTensorImpl" in str(error)  # there are none without memory
        or any(tag in func.tags for tag in (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape))
    )
