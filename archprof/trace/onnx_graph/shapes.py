"""The shapes of what a node makes, of those that it reads.

The most frequent operators have rules of their own (:mod:`.shape_rules`), which give what onnx's would, sooner. For
every other onnx's own rule is asked node by node, with the values that are known. Our own rules also stand where onnx
has none (:mod:`.runtime_operators`) or another than the runtimes have (:mod:`.windows`), and where it does not look at
whether the operation can run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod
from typing import TYPE_CHECKING

import onnx
import onnx.numpy_helper
import onnx.shape_inference

from archprof.errors import in_one_line
from archprof.sources.input_axes import LARGEST
from archprof.trace.onnx_graph import runtime_operators, shape_rules, windows
from archprof.trace.onnx_graph.record import MALFORMED, UNDEFINED, ShapeUnknownError, Tensor, dtype_code, dtype_name
from archprof.trace.onnx_graph.schemas import schema

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from archprof.trace.onnx_graph.record import Operation, Shape

VIEWS = frozenset({"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Optional", "OptionalGetElement"})
"""Operators whose result is what they were given under another shape: runtimes give them the same memory."""


class ShapeRules:
    """The rules at a file's opsets.

    Args:
        opsets: The version of each domain that the file imports.
        ir_version: The version of its format.
    """

    def __init__(self, opsets: dict[str, int], ir_version: int) -> None:
        self.opsets = opsets
        self.imports = [onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]
        self.ir_version = ir_version
        self.differences: dict[str, str] = {}
        # Networks repeat their blocks: what was asked once of an operator, its attributes and shapes is known.
        self._answers: dict[tuple[Hashable, ...], Answer] = {}

    def schema(self, domain: str, type_: str) -> onnx.defs.OpSchema | None:
        """What onnx knows of an operator in this file."""
        return schema(domain, type_, self.opsets.get(domain, 1))

    def resolve(self, operation: Operation) -> None:
        """Enter the shapes and types of an operation's outputs, or why it cannot run."""
        if (outputs := shape_rules.infer(operation)) is not None:
            for tensor, output in zip(operation.outputs, outputs, strict=True):
                if tensor is not None:
                    tensor.shape, tensor.dtype = output
            try:
                self.check(operation)
            except ValueError as error:
                operation.failure = in_one_line(error)
            return
        question = _question(operation)
        if question is not None and (answer := self._answers.get(question)) is not None:
            answer.enter(operation, self.differences)
            return
        self.compute(operation)
        if question is not None and operation.failure is None:
            self._answers[question] = Answer.of(operation, self.differences)

    def compute(self, operation: Operation) -> None:
        """As :meth:`resolve`, by onnx's rule, whatever was asked before."""
        node = operation.node
        own = runtime_operators.RULES.get((node.domain, node.type))
        try:
            if own is not None:
                for tensor, (shape, dtype) in zip(operation.outputs, own(operation), strict=False):
                    if tensor is not None:
                        tensor.shape, tensor.dtype = shape, dtype
            else:
                self.ask_onnx(operation)
            self.check(operation)
        except ShapeUnknownError:
            return
        except MALFORMED as error:
            operation.failure = in_one_line(error)

    def ask_onnx(self, operation: Operation) -> None:
        """Enter what onnx says of an operation's outputs, and correct it where the runtimes do otherwise."""
        node = operation.node
        rule = self.schema(node.domain, node.type)
        if rule is None:
            return
        data = {
            name: onnx.numpy_helper.from_array(tensor.value)
            for name, tensor in zip(node.inputs, operation.inputs, strict=False)
            if tensor is not None and tensor.value is not None
        }
        types = {
            name: _type(tensor)
            for name, tensor in zip(node.inputs, operation.inputs, strict=False)
            if tensor is not None
        }
        try:
            found = onnx.shape_inference.infer_node_outputs(
                rule, node.proto, types, data, None, self.imports, self.ir_version
            )
        except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, KeyError) as error:
            if any(not tensor.known or tensor.dtype == UNDEFINED for tensor in operation.read):
                return  # it may be what is not known of them
            operation.failure = in_one_line(error).removeprefix("[ShapeInferenceError] ")
            return
        for tensor in operation.made:
            if (type_ := found.get(tensor.name)) is not None:
                enter_type(tensor, type_)
        if node.type in _LIKE_FIRST:
            for tensor in operation.made:
                tensor.shape = tensor.shape or operation.operand(0).shape
                tensor.dtype = tensor.dtype if tensor.dtype != UNDEFINED else operation.operand(0).dtype
        size = windows.output_size(operation)
        if size is not None and operation.made:
            self.correct(operation, size)

    def correct(self, operation: Operation, size: Shape) -> None:
        """Put the runtimes' size in the place of onnx's, and remember where they differ."""
        for tensor in operation.made:
            if tensor.shape is not None and tensor.shape != size:
                self.differences[operation.node.text] = (
                    f"{_text(size)} as the runtimes have it; onnx says {_text(tensor.shape)}"
                )
            tensor.shape = size

    def check(self, operation: Operation) -> None:
        """Look at what onnx does not."""
        node, made = operation.node, operation.made
        for tensor in made:
            if tensor.shape is not None and (elements := prod(tensor.shape)) > LARGEST:
                raise ValueError(f"its result would have {elements:,} elements")
        if node.type == "Reshape" and made and made[0].shape is not None:
            source = operation.operand(0).sizes
            if prod(source) != made[0].numel:
                raise ValueError(f"{prod(source):,} elements do not fill {_text(made[0].shape)}")
        elif node.type in _CONVOLUTIONS:
            source, weight = operation.operand(0).sizes, operation.operand(1).sizes
            channels = weight[1] * operation.attributes.get("group", 1)
            if source[1] != channels:
                raise ValueError(f"a weight for {channels} channels meets {source[1]}")
        if node.type in _CONVOLUTIONS or node.type in windows.POOLS:
            for tensor in made:
                if tensor.shape and min(tensor.shape[2:], default=1) < 1:
                    raise ValueError(f"{_text(operation.operand(0).sizes)} is smaller than the kernel")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation gives: shape, type and what is known of a shape that is not, of each output; and a remark."""

    outputs: tuple[tuple[Shape | None, str, onnx.TypeProto | None, bool] | None, ...]
    difference: str | None

    @classmethod
    def of(cls, operation: Operation, differences: Mapping[str, str]) -> Answer:
        """What an operation was found to give."""
        outputs = tuple(
            None if tensor is None else (tensor.shape, tensor.dtype, tensor.partial, tensor.sequence)
            for tensor in operation.outputs
        )
        return cls(outputs, differences.get(operation.node.text) if differences else None)

    def enter(self, operation: Operation, differences: dict[str, str]) -> None:
        """Give an operation the same."""
        for tensor, output in zip(operation.outputs, self.outputs, strict=True):
            if tensor is not None and output is not None:
                tensor.shape, tensor.dtype, tensor.partial, tensor.sequence = output
        if self.difference is not None:
            differences[operation.node.text] = self.difference


def _question(operation: Operation) -> tuple[Hashable, ...] | None:
    """All that an operation's shapes depend on; None where that is more than an answer is kept for."""
    node = operation.node
    if node.graphs or (node.domain, node.type) in runtime_operators.RULES:
        return None
    inputs: list[Hashable] = []
    for tensor in operation.inputs:
        if tensor is None:
            inputs.append(None)
        elif tensor.shape is None or tensor.sequence:
            return None
        else:
            value = tensor.value
            inputs.append((tensor.dtype, tensor.shape, None if value is None else (value.dtype.str, value.tobytes())))
    given = tuple([tensor is not None for tensor in operation.outputs])
    return node.domain, node.type, node.operator.signature, given, *inputs


_CONVOLUTIONS = frozenset({"Conv", "ConvInteger"})
_LIKE_FIRST = frozenset({"Dropout", "GroupNormalization", "MeanVarianceNormalization"})
"""Operators whose results have the first input's shape, of which onnx does not know that."""


def enter_type(tensor: Tensor, type_: onnx.TypeProto) -> None:
    """Enter what onnx says of a tensor."""
    kind = type_.WhichOneof("value")
    if kind == "optional_type":
        enter_type(tensor, type_.optional_type.elem_type)
    elif kind == "sequence_type":
        tensor.sequence = True
        tensor.dtype = dtype_name(type_.sequence_type.elem_type.tensor_type.elem_type)
        tensor.partial = type_
    elif kind == "tensor_type":
        dense = type_.tensor_type
        tensor.dtype = dtype_name(dense.elem_type)
        if not dense.HasField("shape"):
            return
        shape = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in dense.shape.dim)
        if min(shape, default=0) < 0:
            tensor.partial = type_
        else:
            tensor.shape = shape


def declared(info: onnx.ValueInfoProto) -> Tensor:
    """What a graph says of one of its inputs or outputs."""
    tensor = Tensor(info.name)
    enter_type(tensor, info.type)
    return tensor


def _type(tensor: Tensor) -> onnx.TypeProto:
    """A tensor's type as onnx has it, with its shape as far as it is known."""
    if tensor.shape is None and tensor.partial is not None:
        return tensor.partial
    type_ = onnx.TypeProto()
    kind = type_.sequence_type.elem_type.tensor_type if tensor.sequence else type_.tensor_type
    kind.elem_type = dtype_code(tensor.dtype)
    if tensor.shape is not None and not tensor.sequence:
        kind.shape.dim.extend([_dimension(size) for size in tensor.shape])
        kind.shape.SetInParent()
    return type_


@cache
def _dimension(size: int) -> onnx.TensorShapeProto.Dimension:
    return onnx.TensorShapeProto.Dimension(dim_value=size)


def _text(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "a scalar"
