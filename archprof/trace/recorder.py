"""Sees every operation of a pass, gives its result without memory, and writes it down."""

from __future__ import annotations

from itertools import chain
from types import GeneratorType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._ops import HigherOrderOperator
from torch.autograd import forward_ad
from torch.nn.modules.module import _has_any_global_hook
from torch.utils._python_dispatch import TorchDispatchMode

from archprof.errors import RunError, in_one_line
from archprof.trace.constants import Constants, is_table
from archprof.trace.deferred import DeferredTensors
from archprof.trace.device import device_of, is_meta
from archprof.trace.escaped import MadeTensors
from archprof.trace.gradients import Gradients
from archprof.trace.higher_order import run_higher_order
from archprof.trace.meta_kernels.index_requirements import check_known_indices
from archprof.trace.meta_kernels.layout import META, without_memory
from archprof.trace.meta_kernels.memory_requirements import changes_shapes, targets
from archprof.trace.meta_kernels.registry import META_KERNELS, meta_kernels_enabled
from archprof.trace.meta_kernels.result import result_on_meta
from archprof.trace.modules import MODULE_FAST_PATHS
from archprof.trace.nested import drained, flat, map_leaves, within
from archprof.trace.operators import PLAIN, fast_rule, is_composite, placement, reads_values
from archprof.trace.overwritten import Overwritten
from archprof.trace.own_tracers import is_traced, on_fake_tensors
from archprof.trace.placeholders import replace_tensors, replace_variables
from archprof.trace.record import ModuleCall, Operation, TensorInfo, Trace
from archprof.trace.regions import window_elements
from archprof.trace.subclasses import computes_itself, dispatches, is_fake
from archprof.trace.tensor_table import PLAIN_TENSORS, TensorTable
from archprof.trace.tree import is_compiled
from archprof.trace.zero_tangents import ZeroTangents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from archprof.trace.modules import FastPath

_INSIDE_VMAP: Any = torch._C._functorch.peek_interpreter_stack
"""Gives something inside of a function that runs for many samples at once, where shapes are one sample's."""

_C: Any = torch._C

_TO_COPY = torch.ops.aten._to_copy.default

CALL: Any = nn.Module._call_impl
"""What calling a module does when nobody watches."""


class DataDependentError(RunError):
    """The model's own control flow reads the values of activations, which a pass without memory has not."""


class Recorder(TensorTable, TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, gives its meta result, and writes it down."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch would wrap the method below in a guard that imports its compiler: seconds, for a pass that is
        # never compiled.
        return False

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        TorchDispatchMode.__init__(self)  # type: ignore[no-untyped-call]
        TensorTable.__init__(self, tree)
        self.trace = Trace(model, parameters=self.parameters)
        self.device = torch.device("cpu")
        self._call = -1
        self._gradients = Gradients()
        self._zero_tangents = ZeroTangents()
        self.overwritten = Overwritten()
        self._constants = Constants(self.overwritten)
        self._backwards = False
        self.keeps_constants = True
        # What had no values, which the model may have taken for an error of its own.
        self.lack: DataDependentError | None = None
        self._fast_rules = meta_kernels_enabled()
        self._fast_paths = self._fast_rules and not _has_any_global_hook()  # type: ignore[no-untyped-call]
        self._tree = tree
        self._paths = {id(module): path for path, module in tree}
        self._deferred: list[tuple[nn.Module, dict[str, Any], dict[str, Any]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation."""
        if on_fake_tensors():
            return func(*args, **(kwargs or {}))
        if not PLAIN_TENSORS.issuperset(types) and any(map(dispatches, types)):
            return NotImplemented  # a subclass of tensors takes its operations apart itself, and then they come here
        kwargs = kwargs or {}
        if is_traced():
            self.check_tracer(func)
        direct = self._fast_rules and not self._backwards and not self._zero_tangents.standing_in
        if direct and (rule := fast_rule(func)) is not None:
            result = self._by_rule(rule, func, args, kwargs)
            if result is not None:
                return result
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

    def _by_rule(self, rule: Any, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """What an operation gives by its fast rule, written down; None where that is left to the longer way.

        It is the commonest, of tensors without values alone, which are looked at once.
        """
        inputs = self._described_on_meta(args)
        if inputs is None or not PLAIN.issuperset(map(type, kwargs.values())):
            return None
        try:
            result = rule(*args, **kwargs)
        except Exception:  # it comes again where it is said what it means
            return None
        if result is not None:
            self.append(func, inputs, kwargs, self._infos(result))
        return result

    def _stays(self, tensor: Tensor, changes: dict[str, Any]) -> bool:
        """Whether a tensor without memory is asked for as it is, on the device that it is said to be on.

        Otherwise that device is struck from the changes.
        """
        device = changes.get("device")
        if device is None or not is_meta(tensor) or torch.device(device) != self.device:
            return False
        del changes["device"]
        requested = {value for value in changes.values() if value is not None and value is not False}
        return requested <= {tensor.dtype, tensor.layout}

    def call(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called: run it, or take its fast path."""
        path = self._paths.get(id(module))
        if path is None:  # made during the pass; its operations belong to whoever made it
            path = self.trace.calls[self._call].path
        given = args if self._call >= 0 else (args, kwargs)
        call = ModuleCall(path, module, self._call, self._infos(given))
        calls = self.trace.calls
        calls.append(call)
        self._call = len(calls) - 1
        if torch.is_grad_enabled():
            self._gradients.mark(self._call)
        try:
            fast_path = None if kwargs else MODULE_FAST_PATHS.get(type(module))
            output: Any = None if fast_path is None else self._fast_path(fast_path, module, args)
            if output is None:
                output = CALL(module, *args, **kwargs)
            if call.parent < 0 and isinstance(output, GeneratorType):
                output = drained(output)
            call.outputs = self._infos(output)
        finally:
            self._call = call.parent
            if torch.is_grad_enabled():
                self._gradients.mark(call.parent)
        return output

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

    def _fast_path(self, fast_path: FastPath, module: nn.Module, args: tuple[Any, ...]) -> Tensor | None:
        """What a common module would do, without doing it; None where it has to run."""
        if (
            len(args) != 1
            or type(args[0]) is not torch.Tensor
            or not is_meta(args[0])
            or module._forward_hooks
            or module._forward_pre_hooks
            or module._backward_hooks
            or module._backward_pre_hooks
            or "forward" in module.__dict__
            or not self._fast_paths
            or torch.is_grad_enabled()
            or _INSIDE_VMAP() is not None
            or forward_ad._current_level >= 0  # where a tensor may carry another, its derivative
        ):
            return None
        with _C._DisableTorchDispatch():
            return fast_path(self, module, args[0])

    def do(self, func: Any, args: tuple[Any, ...]) -> Tensor | None:
        """Write an operation down with the first tensor that it gives, or do nothing and give None."""
        result = META_KERNELS[func](*args)
        if result is None:
            return None
        if self._zero_tangents.standing_in:
            self.note(func, args, {}, result)
        else:
            self.append(func, self._described(args), {}, self._infos(result))
        first: Tensor = result if isinstance(result, torch.Tensor) else result[0]
        return first

    def note(self, func: Any, args: Any, kwargs: dict[str, Any], result: Any) -> None:
        """Write an operation down."""
        if (instead := self._zero_tangents.seen(func, args, result, self.info)) is not None:
            func, args = instead
        inputs, keywords = self._described(args), self._described_by_name(kwargs) if kwargs else kwargs
        if changes_shapes(func):
            for target in targets(func, args, kwargs):
                self.forget(target)
        self.append(func, inputs, keywords, self._infos(result))

    def append(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: tuple[TensorInfo, ...]) -> None:
        """Write an operation down whose tensors are described already."""
        operations = self.trace.backward if self._backwards else self.trace.operations
        operations.append(Operation(func, args, kwargs, outputs, self._call))

    def compute(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The operation's result, as meta tensors unless it depends on small constants only."""
        values, meta = placement(args, kwargs)
        if window_elements(func, args) is not None:
            raise self.needs_values(func)
        try:
            if values:
                if not meta and (result := self._constants.computed(func, args, kwargs, self.info)) is not None:
                    return result
                check_known_indices(func, args)
                self._constants.forget(func, args, kwargs)
                given = args, kwargs
                args, kwargs = map_leaves(self._on_meta, (tuple(args), kwargs))
                if changes_shapes(func):
                    result = result_on_meta(func, args, kwargs)
                    self._follow(targets(func, *given))
                    return result
            elif not meta:
                return self._constants.made(func, args, kwargs, real=self.keeps_constants)
            return result_on_meta(func, args, kwargs)
        except Exception as error:
            if reads_values(func, error):
                raise self.needs_values(func) from error
            raise

    def _follow(self, tensors: Iterable[Tensor]) -> None:
        """Tensors with values that were to be written to take the shapes of their placeholders."""
        for tensor in tensors:
            placeholder = self._meta_placeholders.get(id(tensor))
            if placeholder is not None and placeholder.shape != tensor.shape:
                tensor.resize_(placeholder.shape)

    def needs_values(self, reader: object) -> DataDependentError:
        """The error for what only tensors with values can do; it is known even where the model handles it."""
        self.lack = DataDependentError(f"{self.where} needs the values of its input: {reader}")
        return self.lack

    def check_tracer(self, func: Any) -> None:
        """Refuse what a tracer follows, which is to see every operation and not only what comes out.

        Raises:
            DataDependentError: Always, unless operations are computed for real.
        """
        raise self.needs_values(f"{func}, in a function that is traced")

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
        registered = chain.from_iterable(module._parameters.values() for _, module in self.with_values)
        self.device = device_of(chain(registered, flat(inputs)))
        gradients = torch.is_grad_enabled()
        for path, module in self.with_values:
            if is_compiled(type(module)):
                if any(not is_meta(tensor) for tensor in (*module.parameters(), *module.buffers())):
                    raise DataDependentError(f"{path or 'the model'} was compiled by torch.jit, with its weights in it")
            elif type(module) in MODULE_FAST_PATHS and id(module) in self.plain and self._fast_paths and not gradients:
                self._defer(module)
            else:
                replace_tensors(module, self._meta_placeholder, self._meta_placeholders)
        if gradients:
            for _, module in self._tree:
                replace_variables(module, self._meta_placeholder)
        return tuple([map_leaves(self._on_meta, value) for value in inputs])

    def _defer(self, module: nn.Module) -> None:
        """Replace the tensors of a module once somebody asks for one, unless that is its fast path."""
        attributes = module.__dict__
        parameters, buffers = attributes["_parameters"], attributes["_buffers"]
        self._deferred.append((module, parameters, buffers))
        attributes["_parameters"] = DeferredTensors(parameters, self._parameter_on_meta)
        if buffers:
            attributes["_buffers"] = DeferredTensors(buffers, self._buffer_on_meta)

    def _parameter_on_meta(self, parameter: Tensor) -> Tensor:
        return parameter if is_meta(parameter) else self._meta_placeholder(parameter)

    def _buffer_on_meta(self, buffer: Tensor) -> Tensor:
        return buffer if is_meta(buffer) or is_table(buffer) else self._meta_placeholder(buffer)

    def put_back(self) -> None:
        """Give modules and tensors back what they held, as far as the pass itself has taken it."""
        self.overwritten.put_back()
        for module, parameters, buffers in self._deferred:
            module.__dict__.update(_parameters=parameters, _buffers=buffers)
        self._deferred.clear()

    @property
    def path(self) -> str:
        """The path of the module that is running."""
        return self.trace.calls[self._call].path

    @property
    def where(self) -> str:
        """The module that is running, for a message."""
        if not self.trace.calls:
            return "the model"
        call = self.trace.calls[self._call]
        return f"{call.path or 'the model'} ({type(call.module).__name__})"

    def made(self) -> MadeTensors:
        """The tensors without memory that the pass made, which is over: the recorder lets go of them."""
        made = MadeTensors([*self._seen.values(), *self._earlier], self._meta_placeholders.values(), self.trace)
        self._seen, self._earlier, self._meta_placeholders = {}, [], {}  # the frames of an error hold the recorder
        return made

    # -- tensors ------------------------------------------------------------------------------------------

    def _on_meta(self, value: Any) -> Any:
        """A tensor without its values, or the device for it; anything else as it is."""
        if isinstance(value, torch.Tensor):
            return value if is_meta(value) and not is_fake(value) else self._meta_placeholder(value)
        return META if isinstance(value, torch.device) else value

    def _meta_placeholder(self, tensor: Tensor) -> Tensor:
        placeholder = self._meta_placeholders.get(id(tensor))
        if placeholder is None:
            if tensor.layout != torch.strided or tensor.is_nested or computes_itself(tensor):
                kind = type(tensor).__name__ if tensor.layout == torch.strided else f"{tensor.layout} tensor"
                kind = "nested tensor" if tensor.is_nested else kind
                raise DataDependentError(f"{self.where} holds or takes a {kind.removeprefix('torch.')}")
            info = self.info(tensor)
            placeholder = without_memory(tensor)
            if isinstance(tensor, torch.nn.Parameter):
                placeholder = torch.nn.Parameter(placeholder, tensor.requires_grad)
            elif tensor.requires_grad:
                placeholder.requires_grad_()
            if attributes := tensor.__dict__:
                placeholder.__dict__.update(attributes)
            memory = placeholder.untyped_storage()
            self._original_memory[memory._cdata] = info.storage
            self._meta_placeholders[id(tensor)] = placeholder
            self._seen[id(placeholder)] = (placeholder, info, memory)
        return placeholder
