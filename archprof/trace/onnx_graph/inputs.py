"""The size of every input of a graph: what the file fixes, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from archprof.errors import UsageError, did_you_mean
from archprof.trace.onnx_graph.graph import LARGEST
from archprof.trace.onnx_graph.record import Tensor, dtype_name
from archprof.trace.onnx_graph.shapes import declared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import onnx

    from archprof.trace.onnx_graph.record import Shape

_NAMELESS = frozenset({"?", "-1", "None", "none", "dynamic"})
"""What writers call an axis that has no name."""

_LARGEST = 2**31 - 1
_MOST_CHANNELS = 4
_FLOATS = frozenset({"float32", "float16", "bfloat16", "float64"})
_IMAGES = _FLOATS | {"uint8", "int8"}


@dataclass(frozen=True)
class InputSizes:
    """What is asked for of a file's inputs.

    Attributes:
        imgsz: (height, width) of images, or (side,) of square ones; (length,) of texts.
        batch: The first axis, where the file leaves it open; 1 where nothing is said.
        shapes: Whole shapes by the input's name.
    """

    imgsz: tuple[int, ...] | None = None
    batch: int | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SizedInputs:
    """The inputs of a graph with their sizes.

    Attributes:
        tensors: One an input, in the file's order.
        axes: The axes that the file leaves open: (input, axis) -> name, empty where it has none.
        batch_axes: Those of them that are the batch.
    """

    tensors: list[Tensor]
    axes: dict[tuple[str, int], str]
    batch_axes: frozenset[tuple[str, int]]

    @property
    def symbols(self) -> list[str]:
        """The names of the open axes, each once."""
        return list(dict.fromkeys(name or f"{tensor}[{axis}]" for (tensor, axis), name in self.axes.items()))


def size_inputs(infos: Sequence[onnx.ValueInfoProto], sizes: InputSizes, path: Path) -> SizedInputs:
    """The inputs of a graph with a number for each axis.

    Axes of one name have one size. In this order: the file's own sizes; the shapes that were asked for; the image
    size, for the last two axes of images (before the channels where these come last) and the second of texts; the
    batch, for a first axis.

    Raises:
        UsageError: Where an axis was not given a size, or one that the file does not take.
    """
    names = [info.name for info in infos]
    if unknown := [name for name in sizes.shapes if name not in names]:
        hint = did_you_mean(unknown[0], names) or f"its inputs are {', '.join(names) or 'none'}"
        raise UsageError(f"{path.name} has no input {unknown[0]!r}", hint=hint)
    if sizes.batch is not None and sizes.batch < 1:
        raise UsageError(f"batch {sizes.batch} is not positive")
    table = _Axes(sizes, path)
    for info in infos:
        table.enter(info)
    return table.result(infos)


def doubled(inputs: SizedInputs, axes: Iterable[tuple[str, int]]) -> SizedInputs:
    """The same inputs, some of their axes twice as long.

    Args:
        inputs: The inputs.
        axes: Some of their open axes.
    """
    longer = set(axes)
    tensors = [
        Tensor(
            tensor.name,
            None
            if tensor.shape is None
            else tuple(size * (1 + ((tensor.name, axis) in longer)) for axis, size in enumerate(tensor.shape)),
            tensor.dtype,
            elements=tensor.elements,
            sequence=tensor.sequence,
        )
        for tensor in inputs.tensors
    ]
    return SizedInputs(tensors, inputs.axes, inputs.batch_axes)


class _Axes:
    """The axes of all inputs while they are given their sizes."""

    def __init__(self, sizes: InputSizes, path: Path) -> None:
        self.sizes, self.path = sizes, path
        self.open: dict[tuple[str, int], str] = {}
        self.batch: set[tuple[str, int]] = set()
        self.values: dict[str, list[int | None]] = {}
        self.symbols: dict[str, int] = {}

    def enter(self, info: onnx.ValueInfoProto) -> None:
        """Take what the file says of an input, and what was asked for it."""
        if info.type.WhichOneof("value") != "tensor_type":
            return
        name, kind = info.name, info.type.tensor_type
        asked = self.sizes.shapes.get(name)
        if not kind.HasField("shape"):
            if asked is None:
                raise self.unsized(name, "its shape", ("N",))
            self.values[name] = list(asked)
            self.open |= {(name, axis): "" for axis in range(len(asked))}
            return
        fixed = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else None for dim in kind.shape.dim]
        for axis, (size, dim) in enumerate(zip(fixed, kind.shape.dim, strict=True)):
            if size is None:
                self.open[name, axis] = dim.dim_param if dim.dim_param not in _NAMELESS else ""
        values = list(fixed)
        if asked is not None:
            if len(asked) != len(fixed):
                text = f"input {name!r} has {len(fixed)} axes, not {len(asked)}"
                raise UsageError(text, hint=f"the file has {_text(kind)}")
            values = [self.agreed(name, axis, fixed[axis], size, kind) for axis, size in enumerate(asked)]
        for axis, size in self.asked_of_image(name, fixed, dtype_name(kind.elem_type)):
            values[axis] = self.agreed(name, axis, values[axis], size, kind)
        if fixed and self.sizes.batch is not None and asked is None and _has_batch(fixed):
            values[0] = self.agreed(name, 0, values[0], self.sizes.batch, kind)
        if fixed and fixed[0] is None:
            self.batch.add((name, 0))
        self.values[name] = values
        for axis, size in enumerate(values):
            symbol = self.open.get((name, axis))
            if symbol and size is not None and self.symbols.setdefault(symbol, size) != size:
                text = f"axis {symbol!r} is {self.symbols[symbol]} in one input and {size} in {name!r}"
                raise UsageError(text, hint="axes of one name have one size")

    def asked_of_image(self, name: str, fixed: list[int | None], dtype: str) -> Iterator[tuple[int, int]]:
        """The axes that the image size sets, with their sizes."""
        wanted = self.sizes.imgsz
        if wanted is None or name in self.sizes.shapes:
            return
        if len(fixed) == 4 and dtype in _IMAGES:
            last = fixed[3] is not None and fixed[3] <= _MOST_CHANNELS and fixed[1] not in range(1, _MOST_CHANNELS + 1)
            yield from zip((1, 2) if last else (2, 3), wanted * 2 if len(wanted) == 1 else wanted, strict=False)
        elif len(fixed) == 2 and len(wanted) == 1 and dtype not in _FLOATS:
            yield 1, wanted[0]

    def agreed(self, name: str, axis: int, fixed: int | None, size: int, kind: onnx.TypeProto.Tensor) -> int:
        """The size that was asked for, where it is one and the file takes it."""
        if fixed is None and not 1 <= size <= _LARGEST:
            raise UsageError(f"invalid size {size} for axis {axis} of input {name!r}")
        if fixed is not None and fixed != size:
            raise UsageError(
                f"input {name!r} of {self.path.name} takes {fixed} on axis {axis}, not {size}",
                hint=f"the file was exported for {_text(kind)}; export it again at another size",
            )
        return size

    def result(self, infos: Sequence[onnx.ValueInfoProto]) -> SizedInputs:
        """The inputs, once all were entered."""
        for (name, axis), symbol in self.open.items():
            values = self.values[name]
            if values[axis] is None:
                values[axis] = self.symbols.get(symbol) if symbol else None
            if values[axis] is None and (name, axis) in self.batch:
                values[axis] = self.sizes.batch or 1
                self.symbols.setdefault(symbol, values[axis] or 1) if symbol else None
        tensors = [declared(info) for info in infos]
        for tensor in tensors:
            if tensor.name in self.values:
                tensor.shape = self.complete(tensor.name, self.values[tensor.name])
        return SizedInputs(tensors, self.open, frozenset(self.batch))

    def complete(self, name: str, values: list[int | None]) -> Shape:
        """A shape without a hole."""
        shape = tuple(
            self.symbols.get(self.open[name, axis]) if size is None else size for axis, size in enumerate(values)
        )
        for axis, size in enumerate(shape):
            if size is None:
                symbol = self.open[name, axis]
                example = [str(value or "SIZE") for value in shape]
                raise self.unsized(name, f"axis {axis} ({symbol!r})" if symbol else f"axis {axis}", example)
        whole = tuple(size for size in shape if size is not None)
        if prod(whole) > LARGEST:
            raise UsageError(f"input {name!r} would have {prod(whole):,} elements")
        return whole

    def unsized(self, name: str, what: str, example: Sequence[str]) -> UsageError:
        """The error of an axis that nobody gave a size."""
        image = "--imgsz HEIGHTxWIDTH, or " if len(example) == 4 else ""
        return UsageError(
            f"{what} of input {name!r} of {self.path.name} has no size",
            hint=f"give it with {image}--input {name}={'x'.join(example)}",
        )


def _has_batch(fixed: list[int | None]) -> bool:
    """Whether a first axis is taken for the batch: one that is open, or that of an image."""
    return fixed[0] is None or len(fixed) == 4


def _text(kind: onnx.TypeProto.Tensor) -> str:
    return "×".join(str(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?") for dim in kind.shape.dim)
