"""What a run of a file does: every operation with its tensors, without their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from math import prod
from typing import TYPE_CHECKING, Any

import onnx

from archprof.trace.onnx_graph.small_tensors import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from archprof.trace.onnx_graph.graph import Node
    from archprof.trace.onnx_graph.inputs import SizedInputs
    from archprof.trace.onnx_graph.reader import OnnxFile

Shape = tuple[int, ...]

UNDEFINED = "undefined"
"""The type of elements that nobody knows."""

_NAMES = {"float": "float32", "double": "float64"}
_CODES = {name: code for code, name in _NAMES.items()}
_BITS = {"bool": 8, "complex64": 64, "complex128": 128}


@cache
def dtype_name(code: int) -> str:
    """The name of an ONNX type of elements: "float32", "int8", "float8e4m3fn" …; "undefined" where it has none."""
    try:
        name = str(onnx.TensorProto.DataType.Name(code)).lower()
    except ValueError:
        return UNDEFINED
    return _NAMES.get(name, name)


@cache
def dtype_code(name: str) -> int:
    """The number that ONNX gives a type of elements."""
    return int(onnx.TensorProto.DataType.Value(_CODES.get(name, name).upper()))


@cache
def bits(dtype: str) -> int:
    """The size of one element, which is the first number in the type's name; none for text."""
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz").partition("e")[0]
    return _BITS.get(dtype) or int("".join(filter(str.isdigit, digits)) or 0)


@lru_cache(maxsize=4096)
def size_in_memory(shape: Shape, dtype: str) -> int:
    """Bytes of so many elements, those of less than a byte packed."""
    return -(-prod(shape) * bits(dtype) // 8)


class ShapeUnknownError(Exception):
    """A shape that was asked for is not known."""


MALFORMED = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What a rule raises of an operation whose inputs or attributes are not those that its operator has."""


class Tensor:
    """One value of the run: a tensor, or a sequence of them.

    Attributes:
        name: Its name in the file.
        shape: Its shape; None where it is not known.
        dtype: The type of its elements, as :func:`dtype_name` has it.
        stored: Gives its elements, where they are known and nobody asked for them yet.
        is_constant: Whether it is one of the file's own: an initializer, or the value of a Constant node.
        sources: The file's own constants (initializers, Constant nodes) that it was made of, where it was made of
            nothing else; empty for whatever depends on an input.
        view: The tensor whose memory it has, where it is a view.
        partial: Its shape as far as onnx knows it, where it is not known.
        elements: What a sequence holds, as far as that is known.
        sequence: Whether it is a sequence.
    """

    # Most tensors have none of these: a class has them sooner than each of its instances.
    stored: Callable[[], np.ndarray | None] | None = None
    sources: tuple[Tensor, ...] = ()
    is_constant: bool = False
    view: Tensor | None = None
    partial: onnx.TypeProto | None = None
    elements: Sequence[Tensor] | None = None
    sequence: bool = False
    _value: np.ndarray | None = None

    def __init__(
        self, name: str, shape: Shape | None = None, dtype: str = UNDEFINED, value: np.ndarray | None = None
    ) -> None:
        self.name, self.shape, self.dtype = name, shape, dtype
        if value is not None:
            self._value = value

    @classmethod
    def constant(cls, name: str, proto: onnx.TensorProto) -> Tensor:
        """One of the file's own tensors."""
        tensor = cls(name, tuple(proto.dims), dtype_name(proto.data_type))
        tensor.stored, tensor.sources, tensor.is_constant = partial(constant, proto), (tensor,), True
        return tensor

    @property
    def value(self) -> np.ndarray | None:
        """Its elements, where they are few and known before the run."""
        if self.stored is not None:
            self._value, self.stored = self.stored(), None
        return self._value

    @value.setter
    def value(self, value: np.ndarray | None) -> None:
        self._value, self.stored = value, None

    def without_value(self) -> Tensor:
        """The same before anything is known of its elements: what it is in every trip of a loop that changes it."""
        tensor = Tensor(self.name, self.shape, self.dtype)
        tensor.elements, tensor.sequence = self.elements, self.sequence
        return tensor

    @property
    def is_open(self) -> bool:
        """Whether it is sure that its elements are not known before the run."""
        return self._value is None and self.stored is None

    @property
    def sizes(self) -> Shape:
        """Its shape.

        Raises:
            ShapeUnknownError: Where it is not known.
        """
        if self.shape is None:
            raise ShapeUnknownError(self.name)
        return self.shape

    @property
    def numel(self) -> int:
        """Its number of elements.

        Raises:
            ShapeUnknownError: Where its shape is not known.
        """
        return prod(self.sizes)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements, those of less than a byte packed; none where its shape is not known."""
        return 0 if self.shape is None else size_in_memory(self.shape, self.dtype)

    def root(self) -> Tensor:
        """The tensor whose memory it has: itself, where it is no view."""
        tensor = self
        while tensor.view is not None:
            tensor = tensor.view
        return tensor

    @property
    def known(self) -> bool:
        """Whether its shape is known, or those of all that it holds."""
        return self.elements is not None if self.sequence else self.shape is not None


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """What operations share that run the same operator on tensors of the same shapes and types: those of the results.

    Only operators have one whose results and cost nothing else decides.
    """

    outputs: tuple[tuple[Shape, str], ...]


@dataclass(slots=True, eq=False)
class Operation:
    """One node as it ran.

    Attributes:
        node: The node.
        version: The opset that its operator is taken from.
        inputs: What it read; None for an input that it was not given.
        outputs: What it made, in the order of the node's outputs; None for one that it does not give.
        form: What it shares with others; None where values, too, decide what it gives.
        repeats: How many times it ran like this, in loops.
        branches: What each branch of an ``If`` would run, where nothing before the run tells which.
        failure: Why it cannot run on what it reads, as onnx says.
        open: Why it is not known what ran, for a loop whose number of trips depends on values.
        read: The tensors that it was given.
        made: The tensors that it gave.
    """

    node: Node
    version: int
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    form: Form | None = None
    repeats: int = 1
    branches: tuple[list[Operation], ...] = ()
    failure: str | None = None
    open: str | None = None
    read: Sequence[Tensor] = field(init=False)
    made: Sequence[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.read = _given(self.inputs)
        self.made = _given(self.outputs)

    @property
    def attributes(self) -> dict[str, Any]:
        """The node's attributes by name."""
        return self.node.attributes

    @property
    def name(self) -> str:
        """The operator with its domain, where that is not ONNX's own."""
        return self.node.operator.name

    def tensor(self, index: int) -> Tensor | None:
        """The input of that number, or None where it was not given."""
        return self.inputs[index] if index < len(self.inputs) else None

    def operand(self, index: int) -> Tensor:
        """The input of that number, which the operator cannot do without.

        Raises:
            ShapeUnknownError: Where it was not given.
        """
        tensor = self.tensor(index)
        if tensor is None:
            raise ShapeUnknownError(f"input {index}")
        return tensor


@dataclass(slots=True, eq=False)
class Trace:
    """One run of a file.

    Attributes:
        file: The file.
        inputs: What it was given.
        operations: What it ran, in order.
        outputs: What it gave.
        remarks: What a reader of the figures should know of how the shapes were found.
    """

    file: OnnxFile
    inputs: SizedInputs
    operations: list[Operation] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def failures(self) -> list[Operation]:
        """The operations that cannot run on what they read."""
        return [operation for operation in self.operations if operation.failure]

    def unresolved(self) -> Operation | None:
        """The first operation of which it is not known what it ran, or made."""
        return next(filter(_is_open, self.operations), None)


def _given(tensors: tuple[Tensor | None, ...]) -> Sequence[Tensor]:
    """Those that there are."""
    return tensors if None not in tensors else [tensor for tensor in tensors if tensor is not None]  # type: ignore[return-value]


def _is_open(operation: Operation) -> bool:
    return bool(operation.open or operation.failure) or any(not tensor.known for tensor in operation.made)
