"""Finds the dynamic layers of a trace by where their weights come from, whatever their classes are called.

A convolution is dynamic where its weight depends on the model's input and is linear in a bank of parameters, or is
picked from one; a product of matrices where besides the bank has a dimension of its own for the experts, which tells it
from attention. A grouped product whose matrices are a bank of parameters is a layer of experts that chooses instead of
mixing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from archprof.count.free import GATHERS
from archprof.parameternet.flow import Flow, indices
from archprof.trace.record import TensorInfo, tensors

if TYPE_CHECKING:
    from archprof.trace.record import Operation, Trace

PRODUCTS = {"aten.mm": (0, 1), "aten.bmm": (0, 1), "aten.addmm": (1, 2), "aten.baddbmm": (1, 2)}
_LINEAR = frozenset({"aten.sum", "aten.clone", "aten._unsafe_view", "aten._to_copy", "aten.div", "aten._reshape_copy"})


@dataclass(frozen=True, slots=True)
class Mixture:
    """How a weight was mixed.

    Attributes:
        experts: M.
        bank: The parameters that hold the experts.
        coefficients: What they are weighed by.
        steps: The operations of the mixing, by index.
        products: Whether experts are weighed by products of matrices, and not element by element.
        top_k_routed: Whether experts are chosen by number, and none mixed.
    """

    experts: int
    bank: tuple[TensorInfo, ...]
    coefficients: tuple[tuple[TensorInfo, int], ...]
    steps: frozenset[int]
    products: bool
    top_k_routed: bool = False


@dataclass(frozen=True, slots=True)
class DynamicOp:
    """One run of a dynamic layer.

    Attributes:
        operation: The index of the convolution or product.
        input: What is convolved.
        weight: What it is convolved with.
        mixture: Where the weight comes from; without ``steps`` where experts are chosen and not mixed.
        bias: Where its bias comes from, where that is mixed too.
        router: The operations behind the coefficients that are not behind the input, by index.
        kernels_generated: Kernels in the weight.
    """

    operation: int
    input: TensorInfo
    weight: TensorInfo
    mixture: Mixture
    bias: Mixture | None
    router: frozenset[int]
    kernels_generated: int


def find(trace: Trace, flow: Flow | None = None) -> tuple[Flow, list[DynamicOp]]:
    """The dynamic layers of a trace, in the order in which they run, and the flow that they were found in.

    Args:
        trace: The trace.
        flow: Its flow, where that is known already.
    """
    flow = flow or Flow(trace)
    layers: list[DynamicOp] = []
    coefficient_sources: set[int] = set()
    for index, operation in enumerate(trace.operations):
        layer = _dynamic_at(flow, index, operation)
        if layer is None:
            continue
        sources = {id(_source(flow, tensor, before)) for tensor, before in layer.mixture.coefficients}
        # A product of a router's weights with what experts made of the input looks the same with the parts exchanged.
        if operation.name == "aten.convolution" or flow.parameters(layer.router) or sources & coefficient_sources:
            layers.append(layer)
            coefficient_sources |= sources
    return flow, layers


def _source(flow: Flow, tensor: TensorInfo, before: int) -> TensorInfo:
    """The tensor that one is a view of."""
    while (index := flow.maker(tensor, before)) is not None and flow.operations[index].function.is_view:
        tensor, before = tensors(flow.operations[index].arguments)[0], index
    return tensor


def _dynamic_at(flow: Flow, index: int, operation: Operation) -> DynamicOp | None:
    if operation.name == "aten._grouped_mm":
        return _grouped_experts(flow, index, operation)
    if operation.name == "aten.convolution":
        input_, weight, bias = operation.arguments[:3]
        if not flow.dynamic(weight) or not (mixture := _mixture(flow, weight, index)):
            return None
        bias_mixture = _mixture(flow, bias, index) if bias is not None and flow.dynamic(bias) else None
        return _dynamic_op(flow, index, input_, weight, mixture, bias_mixture)
    if operation.name not in ("aten.bmm", "aten.baddbmm"):
        return None
    left, right = (operation.arguments[position] for position in PRODUCTS[operation.name])
    for input_, weight in ((left, right), (right, left)):
        mixture = _mixture(flow, weight, index) if flow.dynamic(weight) and flow.dynamic(input_) else None
        if mixture and mixture.experts > 1 and all(len(tensor.shape) >= 3 for tensor in mixture.bank):
            return _dynamic_op(flow, index, input_, weight, mixture, None)
    return None


def _dynamic_op(
    flow: Flow, index: int, input_: TensorInfo, weight: TensorInfo, mixture: Mixture, bias: Mixture | None
) -> DynamicOp | None:
    size = sum(tensor.numel for tensor in mixture.bank)
    if not size or mixture.experts * weight.numel % size:
        return None
    kernels = mixture.experts * weight.numel // size
    trunk = flow.ancestors([input_], index, data=True)
    router = 0
    for tensor, before in mixture.coefficients:
        router |= flow.ancestors([tensor], before)
    return DynamicOp(index, input_, weight, mixture, bias, frozenset(indices(router & ~trunk)) - mixture.steps, kernels)


def _grouped_experts(flow: Flow, index: int, operation: Operation) -> DynamicOp | None:
    """A grouped product of tokens, sorted by expert, with the experts' matrices."""
    input_, weight = operation.arguments[:2]
    bank = flow.origin(weight)
    if bank is None or len(weight.shape) != 3 or len(input_.shape) != 2:
        return None
    ends = [tensor for tensor in operation.inputs if tensor is not input_ and tensor is not weight]
    router = flow.ancestors([*ends, input_], index) & ~flow.ancestors([input_], index, data=True)
    mixture = Mixture(weight.shape[0], (bank,), tuple((end, index) for end in ends), frozenset(), True, True)
    return DynamicOp(index, input_, weight, mixture, None, frozenset(indices(router)), 1)


def _mixture(flow: Flow, weight: TensorInfo, before: int) -> Mixture | None:
    """Follow a weight back to its experts, as long as it is linear in them."""
    experts = 0
    bank: dict[int, TensorInfo] = {}
    coefficients: list[tuple[TensorInfo, int]] = []
    steps: set[int] = set()
    kinds: set[str] = set()
    stack = [(weight, before, 1)]
    while stack:
        tensor, limit, factor = stack.pop()
        index = flow.maker(tensor, limit)
        if index is None:
            return None
        operation = flow.operations[index]
        steps.add(index)
        name = operation.name.removesuffix("_")
        if name in PRODUCTS:
            left, right = (operation.arguments[position] for position in PRODUCTS[name])
            share = left.shape[-1]
        elif name == "aten.mul" and isinstance(operation.arguments[1], TensorInfo):
            left, right = operation.arguments[:2]
            share = factor
        elif name == "aten.add" and isinstance(operation.arguments[1], TensorInfo):
            stack += [(source, index, factor) for source in operation.arguments[:2]]
            continue
        elif name in GATHERS and not flow.dynamic(operation.arguments[0]):
            parameters = holds(flow, operation.arguments[0], index)
            if len(parameters) != 1:
                return None
            experts += parameters[0].shape[0]
            bank[id(parameters[0])] = parameters[0]
            coefficients += [(source, index) for source in tensors(operation.arguments[1:])]
            kinds.add(name)
            continue
        elif name in _LINEAR or name == "aten.add" or operation.function.is_view:
            first = tensors(operation.arguments)[0]
            shrinks = first.numel // operation.outputs[0].numel if name == "aten.sum" else 1
            stack.append((first, index, factor * shrinks))
            continue
        else:
            return None
        if flow.dynamic(left) and flow.dynamic(right):
            if name != "aten.mul":
                return None
            # One of them holds the experts; the other weighs places or channels of them.
            larger, smaller = (left, right) if left.numel >= right.numel else (right, left)
            coefficients.append((smaller, index))
            stack.append((larger, index, factor))
            continue
        static, dynamic = (left, right) if flow.dynamic(right) else (right, left)
        parameters = holds(flow, static, index)
        if not parameters or not flow.dynamic(dynamic):
            return None
        experts += share
        bank.update((id(source), source) for source in parameters)
        coefficients.append((dynamic, index))
        kinds.add(name)
    products, top_k_routed = kinds <= set(PRODUCTS), kinds <= GATHERS
    return Mixture(experts, tuple(bank.values()), tuple(coefficients), frozenset(steps), products, top_k_routed)


def holds(flow: Flow, tensor: TensorInfo, before: int) -> list[TensorInfo]:
    """The parameters that a tensor which depends on no input holds."""
    origin = flow.origin(tensor)
    return [origin] if origin else flow.parameters(indices(flow.ancestors([tensor], before)))


def samples(layer: DynamicOp, operation: Operation) -> tuple[int, int, int, int, tuple[int, ...], int]:
    """Batch, channels in, channels out, groups, window and positions of a convolution or product."""
    output = operation.outputs[0].shape
    if operation.name == "aten.convolution":
        transposed, groups = bool(operation.arguments[6]), int(operation.arguments[8])
        batch = layer.input.shape[0] * layer.kernels_generated
        c_in, c_out = layer.input.shape[1] // layer.kernels_generated, output[1] // layer.kernels_generated
        sides = layer.input.shape[2:] if transposed else output[2:]
        return batch, c_in, c_out, max(groups // layer.kernels_generated, 1), layer.weight.shape[2:], prod(sides)
    flipped = operation.arguments[PRODUCTS.get(operation.name, (0, 1))[0]] is layer.weight
    c_in = layer.weight.shape[-1 if flipped else -2]
    c_out = layer.weight.shape[-2 if flipped else -1]
    rows = layer.input.numel // c_in
    batch = rows if not layer.mixture.steps else layer.kernels_generated
    return batch, c_in, c_out, 1, (), rows // batch
