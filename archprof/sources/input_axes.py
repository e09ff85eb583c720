"""The size of every axis of a file's inputs: what the file fixes, what was asked for, what its exporter ran it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Shape = tuple[int, ...]

LARGEST = 2**48
"""No tensor has more elements: a processor addresses no more bytes."""

_LARGEST_AXIS = 2**31 - 1
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
        dtypes: The types of elements that were asked for, by the input's name.
        values: The elements themselves, arrays or numbers that are the same in all of an input, by its name.
    """

    imgsz: tuple[int, ...] | None = None
    batch: int | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DeclaredInput:
    """What a file says of one of its inputs.

    Attributes:
        name: Its name.
        dtype: The type of its elements: "float32", "int64" ...
        axes: Of each axis its size, or the name of one that is open, which may be empty; None where nothing is said.
        example: The shape that the exporter ran it on, where the file has that.
    """

    name: str
    dtype: str
    axes: tuple[int | str, ...] | None
    example: Shape | None = None

    @property
    def text(self) -> str:
        """Its shape for a message, as ``batch×3×640×640``."""
        return "×".join(str(axis) or "?" for axis in self.axes or ())


@dataclass(frozen=True)
class SizedAxes:
    """The inputs of a file with their sizes.

    Attributes:
        shapes: The shape of each input by its name.
        axes: The axes that the file leaves open: (input, axis) -> name, empty where it has none.
        batch_axes: Those of them that are the batch.
        example_axes: Those of them that have the size which the exporter ran the file at, because nobody gave another.
    """

    shapes: dict[str, Shape]
    axes: dict[tuple[str, int], str]
    batch_axes: frozenset[tuple[str, int]]
    example_axes: tuple[tuple[str, int], ...]


def size_axes(inputs: Sequence[DeclaredInput], sizes: InputSizes, path: Path) -> SizedAxes:
    """A number for each axis of some inputs.

    Axes of one name have one size. In this order: the file's own sizes; the shapes that were asked for; the image
    size, for the last two axes of images (before the channels where these come last) and the second of texts; the
    batch, for a first axis; what the exporter ran it on.

    Args:
        inputs: What the file says.
        sizes: What was asked for.
        path: The file, for messages.

    Raises:
        UsageError: Where an axis was not given a size, or one that the file does not take.
    """
    names = [entry.name for entry in inputs]
    if unknown := [name for name in sizes.shapes if name not in names]:
        hint = did_you_mean(unknown[0], names) or f"its inputs are {', '.join(names) or 'none'}"
        raise UsageError(f"{path.name} has no input {unknown[0]!r}", hint=hint)
    if sizes.batch is not None and sizes.batch < 1:
        raise UsageError(f"batch {sizes.batch} is not positive")
    table = _Axes(sizes, path)
    for entry in inputs:
        table.enter(entry)
    return table.result()


class _Axes:
    """The axes of all inputs while they are given their sizes."""

    def __init__(self, sizes: InputSizes, path: Path) -> None:
        self.sizes, self.path = sizes, path
        self.open: dict[tuple[str, int], str] = {}
        self.batch: set[tuple[str, int]] = set()
        self.values: dict[str, list[int | None]] = {}
        self.examples: dict[tuple[str, int], int] = {}
        self.symbols: dict[str, int] = {}

    def enter(self, declared: DeclaredInput) -> None:
        """Take what the file says of an input, and what was asked for it."""
        name, requested = declared.name, self.sizes.shapes.get(declared.name)
        dtype = self.sizes.dtypes.get(name, declared.dtype)
        if dtype != declared.dtype and declared.dtype:
            raise UsageError(
                f"input {name!r} of {self.path.name} takes {declared.dtype}, not {dtype}",
                hint="the type may be left out, as in --input images=1x3x640x640",
            )
        if declared.axes is None:
            if requested is None:
                raise UsageError(
                    f"{self.path.name} does not say how many axes its input {name!r} has",
                    hint=f"give all of its sizes: --input {name}=SIZExSIZE..., as {name}=1x3x640x640",
                )
            self.values[name] = list(requested)
            self.open |= {(name, axis): "" for axis in range(len(requested))}
            return
        fixed = [axis if isinstance(axis, int) else None for axis in declared.axes]
        self.open |= {(name, axis): text for axis, text in enumerate(declared.axes) if isinstance(text, str)}
        self.examples |= {(name, axis): size for axis, size in enumerate(declared.example or ())}
        values = list(fixed)
        if requested is not None:
            if len(requested) != len(fixed):
                text = f"input {name!r} has {len(fixed)} axes, not {len(requested)}"
                raise UsageError(text, hint=f"the file has {declared.text or 'a number alone'}")
            values = [self.agreed(declared, axis, fixed[axis], size) for axis, size in enumerate(requested)]
        for axis, size in self.asked_of_image(declared, fixed):
            values[axis] = self.agreed(declared, axis, values[axis], size)
        if fixed and self.sizes.batch is not None and requested is None and _has_batch(fixed):
            values[0] = self.agreed(declared, 0, values[0], self.sizes.batch)
        if fixed and fixed[0] is None:
            self.batch.add((name, 0))
        self.values[name] = values
        for axis, value in enumerate(values):
            symbol = self.open.get((name, axis))
            if symbol and value is not None and self.symbols.setdefault(symbol, value) != value:
                text = f"axis {axis} of input {name!r} is {value}, and another {symbol!r} is {self.symbols[symbol]}"
                raise UsageError(text, hint="axes of one name have one size")

    def asked_of_image(self, declared: DeclaredInput, fixed: list[int | None]) -> Iterator[tuple[int, int]]:
        """The axes that the image size sets, with their sizes."""
        imgsz = self.sizes.imgsz
        if imgsz is None or declared.name in self.sizes.shapes:
            return
        if len(fixed) == 4 and declared.dtype in _IMAGES:
            last = fixed[3] is not None and fixed[3] <= _MOST_CHANNELS and fixed[1] not in range(1, _MOST_CHANNELS + 1)
            yield from zip((1, 2) if last else (2, 3), imgsz * 2 if len(imgsz) == 1 else imgsz, strict=False)
        elif len(fixed) == 2 and len(imgsz) == 1 and declared.dtype not in _FLOATS:
            yield 1, imgsz[0]

    def agreed(self, declared: DeclaredInput, axis: int, fixed: int | None, size: int) -> int:
        """The size that was asked for, where it is one and the file takes it."""
        if fixed is None and not 1 <= size <= _LARGEST_AXIS:
            raise UsageError(f"invalid size {size} for axis {axis} of input {declared.name!r}")
        if fixed is not None and fixed != size:
            raise UsageError(
                f"input {declared.name!r} of {self.path.name} takes {fixed} on axis {axis}, not {size}",
                hint=f"the file was exported for {declared.text}; export it again at another size",
            )
        return size

    def result(self) -> SizedAxes:
        """The inputs, once all were entered."""
        for (name, axis), symbol in self.open.items():
            values = self.values[name]
            if values[axis] is None:
                values[axis] = self.symbols.get(symbol) if symbol else None
            if values[axis] is None and (name, axis) in self.batch:
                values[axis] = self.sizes.batch or 1
                self.symbols.setdefault(symbol, values[axis] or 1) if symbol else None
        exported = []
        for (name, axis), symbol in self.open.items():
            values = self.values[name]
            if values[axis] is None and symbol in self.symbols:
                values[axis] = self.symbols[symbol]
            if values[axis] is None and (example := self.examples.get((name, axis))) is not None:
                values[axis] = example
                exported.append((name, axis))
                self.symbols.setdefault(symbol, example) if symbol else None
        shapes = {name: self.complete(name, values) for name, values in self.values.items()}
        return SizedAxes(shapes, self.open, frozenset(self.batch), tuple(exported))

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
        sizes = tuple(size for size in shape if size is not None)
        if prod(sizes) > LARGEST:
            raise UsageError(f"input {name!r} would have {prod(sizes):,} elements")
        return sizes

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
