"""What analyses of a whole model might see across rows, where a row does something with what others computed.

A kernel that one row mixes and another convolves with is a dynamic layer of both, and experts may be rows of their own
that another row weighs. A row that does such a thing with its inputs is not counted by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.free import GATHERS
from archprof.parameternet.boundary import MOVES
from archprof.parameternet.find import PRODUCTS, find
from archprof.trace.record import TensorInfo, tensors

if TYPE_CHECKING:
    from archprof.parameternet.flow import Flow
    from archprof.trace.record import Operation, Trace

_JOINS = MOVES | {"aten.cat", "aten.stack"}


def obstacle_in(flow: Flow, trace: Trace) -> str:
    """Why a row of its own is not enough to tell what its operations are part of; empty where it is."""
    inputs = {id(tensor) for tensor in trace.calls[0].inputs}
    dependents = _dependents(flow, trace)
    for index, operation in enumerate(flow.operations):
        if any(_is_made_outside(flow, weight, index, inputs) for weight in _weights(operation)):
            return "what comes in may be the weight of a dynamic layer"
        for value, gate in _gated(flow, operation):
            sources = _moved_from(flow, value, index, inputs)
            if any(not dependents.get(id(gate), frozenset()) >= {source} for source in sources):
                return "what comes in may be experts that it weighs"
    return ""


def chooses(flow: Flow) -> bool:
    """Whether a row chooses among elements by numbers that it computes."""
    return any(
        operation.name in GATHERS
        and any(flow.maker(tensor, index) is not None for tensor in tensors(operation.arguments[1:]))
        for index, operation in enumerate(flow.operations)
    )


def routers_read_more(flow: Flow, trace: Trace) -> bool:
    """Whether the router of a dynamic layer reads something that comes in and that the layer itself does not."""
    _, layers = find(trace, flow)
    dependents = _dependents(flow, trace)
    nothing: frozenset[int] = frozenset()
    return any(
        not dependents.get(id(tensor), nothing) <= dependents.get(id(layer.input), nothing)
        for layer in layers
        for mixture in (layer.mixture, layer.bias)
        if mixture
        for tensor, _ in mixture.coefficients
    )


def _weights(operation: Operation) -> list[TensorInfo]:
    """The operands that would be a dynamic layer's weight."""
    if operation.name == "aten.convolution":
        return tensors(operation.arguments[1:2])
    if operation.name in ("aten.bmm", "aten.baddbmm"):
        return tensors([operation.arguments[position] for position in PRODUCTS[operation.name]])
    return tensors(operation.arguments[1:2]) if operation.name == "aten._grouped_mm" else []


def _is_made_outside(flow: Flow, weight: TensorInfo, before: int, inputs: set[int]) -> bool:
    """Whether a weight is, as far as it is linear in what it was made of, made of something that comes in."""
    stack, seen = [(weight, before)], set[int]()
    while stack:
        tensor, limit = stack.pop()
        index = flow.maker(tensor, limit)
        if index is None:
            if id(tensor) in inputs:
                return True
            continue
        if index in seen:
            continue
        seen.add(index)
        operation = flow.operations[index]
        operands = tensors(operation.arguments)
        name = operation.name.removesuffix("_")
        if name in PRODUCTS:
            operands = [operation.arguments[position] for position in PRODUCTS[name]]
            if not all(flow.dynamic(operand) for operand in operands):
                continue  # of a parameter, which is in this row
        elif (name in GATHERS and not flow.dynamic(operation.arguments[0])) or name == "aten.convolution":
            continue
        stack += [(operand, index) for operand in operands]
    return False


def _gated(flow: Flow, operation: Operation) -> list[tuple[TensorInfo, TensorInfo]]:
    """What an operation weighs, and by what, if it may be that."""
    name = operation.name.removesuffix("_")
    positions = (0, 1) if name == "aten.mul" else PRODUCTS.get(name)
    if positions is None:
        return []
    left, right = (operation.arguments[position] for position in positions)
    if not (isinstance(right, TensorInfo) and flow.dynamic(left) and flow.dynamic(right)) or left.numel == right.numel:
        return []
    return [(left, right) if left.numel > right.numel else (right, left)]


def _moved_from(flow: Flow, tensor: TensorInfo, before: int, inputs: set[int]) -> set[int]:
    """The inputs of which a tensor holds elements as they are."""
    stack, sources, seen = [(tensor, before)], set[int](), set[int]()
    while stack:
        tensor, limit = stack.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        index = flow.maker(tensor, limit)
        if index is None:
            if id(tensor) in inputs:
                sources.add(id(tensor))
            continue
        operation = flow.operations[index]
        if operation.name in _JOINS or operation.function.is_view:
            stack += [(source, index) for source in tensors(operation.arguments[:1])]
    return sources


def _dependents(flow: Flow, trace: Trace) -> dict[int, frozenset[int]]:
    """The inputs that each tensor depends on."""
    depends = {id(tensor): frozenset({id(tensor)}) for tensor in trace.calls[0].inputs}
    for operation in flow.operations:
        sources = frozenset[int]().union(*(depends.get(id(tensor), frozenset()) for tensor in operation.inputs))
        for tensor in operation.outputs:
            depends[id(tensor)] = depends.get(id(tensor), frozenset()) | sources
    return depends
