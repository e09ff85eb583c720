"""Records the ATen functions that a model calls, together with the operations that each of them becomes.

The pass sees operations below autograd, where ``aten.linear`` is a view, a transpose and an ``aten.addmm``. fvcore and
torchprofile count what torch's tracer writes down, above it: ``aten::linear`` itself, ``aten::layer_norm``, and even
the product of two sizes, which are tensors while it traces. So for their conventions the model is run once more,
still without memory, with that tracer watching too.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.jit._trace import TracerWarning

from archprof.errors import RunError
from archprof.trace.nested import flat
from archprof.trace.record import Operation, Trace
from archprof.trace.recorder import Recorder
from archprof.trace.run import run
from archprof.trace.value_recorder import ValueRecorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from archprof.trace.record import TensorInfo

aten = torch.ops.aten

_MADE = "archprof_made"
"""The attribute of the tracer's node that says which operations it became."""

_C: Any = torch._C
_TRACER = _C._parse_dispatch_key("Tracer")


@dataclass(slots=True, eq=False)
class FunctionCall:
    """One call of an ATen function as the model made it ("aten.linear"), before torch breaks it up into operations.

    In ``arguments`` and ``outputs`` a tensor is its shape, a list of tensors a list of shapes, and what is not
    known None. ``operations`` are those that it became, and ``call`` is as in :class:`Operation`.
    """

    name: str
    arguments: tuple[Any, ...]
    outputs: tuple[Any, ...]
    call: int
    operations: list[Operation] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class FunctionTrace(Trace):
    """One forward pass, with the functions that ran."""

    functions: list[FunctionCall] = field(default_factory=list)


def trace_functions(model: nn.Module, inputs: tuple[Any, ...], *, values: bool = False) -> FunctionTrace:
    """Record one forward pass of a model, with the functions that it calls.

    Args:
        model: As for :func:`archprof.trace.run.trace`.
        inputs: As there.
        values: Whether to compute for real, as :func:`archprof.trace.run.trace_values` does.

    Raises:
        DataDependentError: Where the model branches on values that depend on the input, and ``values`` is false.
        RunError: Where the forward itself fails.
    """
    return cast("FunctionTrace", run(ValueFunctionRecorder if values else FunctionRecorder, model, inputs))


class FunctionRecorder(Recorder):  # type: ignore[no-untyped-call]
    """Records under torch's tracer."""

    def __init__(self, model: nn.Module, tree: list[tuple[str, nn.Module]]) -> None:
        super().__init__(model, tree)
        self.trace: FunctionTrace = FunctionTrace(model)
        self._fast_paths = False
        self._graph: Any = None
        self._made: list[list[Operation]] = []

    def call(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called: the model itself starts the tracer, the others say where they are."""
        if self._graph is None:
            return self._traced(module, args, kwargs)
        state = torch._C._get_tracing_state()
        if state is None:  # inside a function of the model's own, whose operations the tracer does not see
            return super().call(module, args, kwargs)
        state.push_scope(str(len(self.trace.calls)))
        try:
            return super().call(module, args, kwargs)
        finally:
            state.pop_scope()

    def _traced(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = None

        def forward(*inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
            nonlocal result
            self._graph = torch._C._get_tracing_state().graph()
            result = self.call(module, args, kwargs)
            # The tracer drops what none of these needs.
            outputs = tuple(flat(result))
            if not outputs:
                raise RunError("the model gives back no tensor, alone or in tuples, lists and dicts")
            return outputs[0] if len(outputs) == 1 else outputs

        # What the tracer was not given it takes for a constant, and reads its values.
        tensors = {id(tensor): tensor for tensor in flat(args)}
        for _, owner in self._tree:
            for value in (*owner._parameters.values(), *owner._buffers.values(), *vars(owner).values()):
                if isinstance(value, torch.Tensor):
                    tensors.setdefault(id(value), value)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TracerWarning)
            torch._C._create_graph_by_tracing(forward, tuple(tensors.values()), lambda _: "", True, False)
        self.trace.functions = [
            FunctionCall(
                node.kind().replace("::", "."),
                tuple(_read(value) for value in node.inputs()),
                tuple(_read(value) for value in node.outputs()),
                int(node.scopeName().rpartition("/")[2]),
                self._made[node.i(_MADE)] if node.hasAttribute(_MADE) else [],
            )
            for node in self._graph.nodes()
            if node.kind().startswith("aten::") or node.hasAttribute(_MADE)
        ]
        return result

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Called by torch for each operation; while a function runs that the tracer knows, the tracer is off."""
        if torch._C._get_tracing_state() is None:
            if func is aten._convolution.default:
                func, args = aten.convolution.default, args[:9]
            return super().__torch_dispatch__(func, types, args, kwargs)
        with _tracer_allowed():
            if func is aten.convolution.default:
                # The one operation that the tracer writes down below where it is seen here.
                with self:
                    return aten._convolution.default(*args, False, False, False, False)
            with _untraced():
                return super().__torch_dispatch__(func, types, args, kwargs)

    def append(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: tuple[TensorInfo, ...]) -> None:
        """Write an operation down, and for which function it ran."""
        super().append(func, args, kwargs, outputs)
        node = self._graph.insertPoint().prev()
        if not node.hasAttribute(_MADE):
            node.i_(_MADE, len(self._made))
            self._made.append([])
        self._made[node.i(_MADE)].append(self.trace.operations[-1])

    def info(self, tensor: Tensor) -> TensorInfo:
        """What is known of a tensor, whose sizes are plain numbers only to an untraced reader."""
        if torch._C._get_tracing_state() is None:
            return super().info(tensor)
        with _untraced():
            return super().info(tensor)


class ValueFunctionRecorder(FunctionRecorder, ValueRecorder):  # type: ignore[no-untyped-call]
    """Records under torch's tracer while everything is computed for real."""


def _read(value: Any) -> Any:
    """A shape, a list of shapes, a constant, or None."""
    if value.isCompleteTensor():
        return tuple(value.type().sizes())
    if value.node().kind() == "prim::ListConstruct":
        return [_read(item) for item in value.node().inputs()]
    return value.toIValue()


@contextmanager
def _untraced() -> Iterator[None]:
    """While it holds, the tracer sees nothing, and sizes are numbers."""
    state = torch._C._get_tracing_state()
    _C._set_tracing_state(None)
    try:
        yield
    finally:
        _C._set_tracing_state(state)


@contextmanager
def _tracer_allowed() -> Iterator[None]:
    """While it holds, the tracer may be switched on and off, which torch forbids inside of an operation."""
    excluded = torch._C._dispatch_tls_is_dispatch_key_excluded(_TRACER)
    torch._C._dispatch_tls_set_dispatch_key_excluded(_TRACER, False)
    try:
        yield
    finally:
        torch._C._dispatch_tls_set_dispatch_key_excluded(_TRACER, excluded)
