"""Which module of a model a dynamic layer is: the one whose result is the convolution of what goes into it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archprof.count.free import GATHERS
from archprof.parameternet.find import samples
from archprof.trace.record import TensorInfo, tensors

if TYPE_CHECKING:
    from archprof.parameternet.find import DynamicOp
    from archprof.parameternet.flow import Flow
    from archprof.trace.record import ModuleCall, Operation, Trace

_SOURCES = {"aten.index_copy": 3, "aten.index_add": 3, "aten.scatter_add": 3, "aten.index_put": 2}
"""Operations that put elements into their first argument: which argument these are."""

MOVES = GATHERS | {"aten.clone", "aten._to_copy", "aten._unsafe_view", "aten._reshape_copy"}
"""What leaves elements as they are, or picks some; views besides."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call of a module that is a dynamic layer and nothing else.

    Attributes:
        call: Its index in the trace.
        position: Which of the tensors that go in is convolved.
        arguments: How many go in.
        padding: What is put round that tensor first, as ``torch.nn.functional.pad`` takes it.
        holds_router: Whether the router runs inside too.
    """

    call: int
    position: int
    arguments: int
    padding: tuple[int, ...]
    holds_router: bool


def find_boundary(flow: Flow, trace: Trace, op: DynamicOp) -> Boundary | None:
    """The innermost call with bank and router in it that is the layer alone, else the outermost that is.

    Between what goes in and the convolution, and between that and what comes out, elements may be moved, and weighed by
    what comes from elsewhere (the probability of an expert, ODConv's attention to channels).
    """
    found = None
    index = trace.operations[op.operation].call
    while index >= 0:
        found = _bounds(flow, trace, op, index) or found
        if found and found.holds_router:
            break
        index = trace.calls[index].parent
    return found


def complete(flow: Flow, trace: Trace, op: DynamicOp) -> DynamicOp:
    """The layer with all that its module runs besides mixing and convolution as its router.

    ODConv's attention to channels and places weighs no experts, and is a part of the layer all the same.
    """
    boundary = find_boundary(flow, trace, op)
    if boundary is None or not boundary.holds_router:
        return op
    mixing = op.mixture.steps | (op.bias.steps if op.bias else frozenset())
    return replace(op, router=op.router | (inside(trace, boundary.call) - mixing - {op.operation}))


def inside(trace: Trace, call: int) -> set[int]:
    """The operations that a call ran, with all that it called, by index."""
    calls = {call}
    for index in range(call + 1, len(trace.calls)):
        if trace.calls[index].parent in calls:
            calls.add(index)
    return {place for place, operation in enumerate(trace.operations) if operation.call in calls}


def _bounds(flow: Flow, trace: Trace, op: DynamicOp, index: int) -> Boundary | None:
    call, operation = trace.calls[index], trace.operations[op.operation]
    if len(call.outputs) != 1:
        return None
    ran = inside(trace, index)
    down = _follow(flow, call.outputs[0], max(ran) + 1, operation.outputs)
    up = _follow(flow, op.input, op.operation, call.inputs)
    if down is None or up is None or down.padding or not _fits(op, operation, up.end, call):
        return None
    if any(flow.behind([gate], before) >> op.operation & 1 for gate, before in down.gates):
        return None  # weighed by what was made of its result: squeeze-and-excitation, which the plain layer has too
    position = next(place for place, tensor in enumerate(call.inputs) if tensor is up.end)
    return Boundary(index, position, len(call.inputs), up.padding, ran >= op.router)


@dataclass(slots=True)
class _Path:
    """How elements came from one tensor to another: what they were weighed by, and what was put round them."""

    end: TensorInfo
    gates: list[tuple[TensorInfo, int]] = field(default_factory=list)
    padding: tuple[int, ...] = ()


def _follow(flow: Flow, tensor: TensorInfo, before: int, ends: tuple[TensorInfo, ...]) -> _Path | None:
    """Follow elements back to where they come from; None where they were computed on the way."""
    path, summed = _Path(tensor), False
    while not any(path.end is end for end in ends):
        index = flow.maker(path.end, before)
        if index is None:
            return None
        operation = flow.operations[index]
        name = operation.name.removesuffix("_")
        if name in _SOURCES:
            path.end = tensors(operation.arguments[_SOURCES[name] :])[0]
        elif name == "aten.mul" and isinstance(operation.arguments[1], TensorInfo):
            path.end, gate = sorted(operation.arguments[:2], key=lambda tensor: -tensor.numel)
            path.gates.append((gate, index))
        elif name == "aten.constant_pad_nd" and not path.padding and not any(operation.arguments[2:]):
            path.end, path.padding = operation.arguments[:2]
        elif name in MOVES or operation.function.is_view or name == "aten.sum":
            path.end = tensors(operation.arguments)[0]
        else:
            return None
        before = index
        summed = summed or name == "aten.sum"
    return path if path.gates or not summed else None


def _fits(op: DynamicOp, operation: Operation, source: TensorInfo, call: ModuleCall) -> bool:
    """Whether the plain layer makes a tensor of the call's result's shape of what goes in."""
    batch, c_in, c_out, *_ = samples(op, operation)
    if operation.name == "aten.convolution":
        wanted = (batch, c_out, *operation.outputs[0].shape[2:])
        return source.shape[:2] == (batch, c_in) and call.outputs[0].shape == wanted
    return source.shape[-1:] == (c_in,) and call.outputs[0].shape == (*source.shape[:-1], c_out)
