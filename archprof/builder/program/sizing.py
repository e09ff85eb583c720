"""The sizes of a program's inputs, and of the symbols that they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.builder.program.arguments import DTYPES
from archprof.errors import UsageError
from archprof.sources.input_axes import DeclaredInput, size_axes
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.sizes import (
    UnreadableSizeError,
    evaluate,
    example_of,
    expression_of,
    readable,
    size_of,
    solve,
    symbols_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.sources.input_axes import InputSizes, SizedAxes
    from archprof.sources.program_file.reader import ProgramFile

_ALWAYS = 2
"""Torch says of every open axis that it is at least so long, and lets it be shorter."""


@dataclass(frozen=True)
class SizedProgram:
    """The inputs of a program with their sizes.

    Attributes:
        sized: The sizes.
        symbols: What each symbol of the program is at these sizes.
    """

    sized: SizedAxes
    symbols: dict[str, int]

    @property
    def open_axes(self) -> list[str]:
        """The names of the open axes, each once."""
        return list(dict.fromkeys(self.sized.axes.values()))


def size_program(file: ProgramFile, names: Sequence[str], sizes: InputSizes) -> SizedProgram:
    """A number for each axis of a program's inputs, and for each symbol.

    Args:
        file: The program.
        names: Those of its graph's inputs that the caller gives, and that are tensors.
        sizes: What was asked for.

    Raises:
        UsageError: Where an axis was given a size that the program does not take.
        ProgramFileError: Where the file says nothing of an input.
    """
    declared = [_declared(file, name) for name in names]
    sized = size_axes(declared, sizes, file.path)
    symbols: dict[str, int] = {}
    later = []
    values = file.program.graph_module.graph.tensor_values
    for name in names:
        for axis, (size, number) in enumerate(zip(values[name].sizes, sized.shapes[name], strict=True)):
            if not (text := expression_of(size)):
                continue
            try:
                if len(symbols_in(text)) == 1:
                    for symbol, value in solve(text, number).items():
                        if symbols.setdefault(symbol, value) != value:
                            raise UnreadableSizeError(f"{symbol} is {symbols[symbol]} on another axis")
                        _check_range(file, symbol, value)
                else:
                    later.append((name, axis, size, number))
            except UnreadableSizeError:
                raise _refused(file, name, axis, number, text) from None
    for name, axis, size, number in later:
        try:
            if size_of(size, symbols) != number:
                raise _refused(file, name, axis, number, expression_of(size))
        except UnreadableSizeError:
            continue
    return SizedProgram(sized, symbols)


def _declared(file: ProgramFile, name: str) -> DeclaredInput:
    meta = file.program.graph_module.graph.tensor_values.get(name)
    if meta is None or meta.dtype not in DTYPES:
        raise ProgramFileError(f"nothing is said of its input {name!r}", path=file.path)
    axes: list[int | str] = []
    for size in meta.sizes:
        text = expression_of(size)
        number = size.get("as_int")
        if not text and not isinstance(number, int):
            raise ProgramFileError(f"its input {name!r} has an axis without a size", path=file.path)
        axes.append(readable(text) if text else int(number or 0))
    examples = [example_of(size) for size in meta.sizes]
    example = tuple(size for size in examples if size is not None)
    dtype = str(DTYPES[meta.dtype]).removeprefix("torch.")
    return DeclaredInput(name, dtype, tuple(axes), example if len(example) == len(examples) else None)


def _range(file: ProgramFile, symbol: str) -> tuple[int | None, int | None]:
    """The smallest and the largest value of a symbol, where there are such."""
    limits = file.program.range_constraints.get(symbol)
    if limits is None:
        return None, None
    least = limits.min_val if limits.min_val is not None and limits.min_val > _ALWAYS else None
    return least, limits.max_val


def _check_range(file: ProgramFile, symbol: str, value: int) -> None:
    least, most = _range(file, symbol)
    if (least is not None and value < least) or (most is not None and value > most):
        raise UnreadableSizeError(f"{symbol} is {value}")


def _refused(file: ProgramFile, name: str, axis: int, size: int, text: str) -> UsageError:
    return UsageError(
        f"input {name!r} of {file.path.name} takes {_sizes_text(file, text)} on axis {axis}, not {size}",
        hint="give another size, or export it again for this one",
    )


def _sizes_text(file: ProgramFile, text: str) -> str:
    """Which sizes an axis takes, as far as that is plain: ``multiples of 32 up to 640``."""
    try:
        (symbol,) = symbols_in(text)
        zero, step = evaluate(text, {symbol: 0}), evaluate(text, {symbol: 1}) - evaluate(text, {symbol: 0})
        ends = [None if value is None else evaluate(text, {symbol: value}) for value in _range(file, symbol)]
    except (UnreadableSizeError, ValueError):
        return readable(text)
    kind = "sizes" if step == 1 else f"multiples of {step}" if zero == 0 else readable(text)
    limits = [f"{word} {end}" for word, end in zip(("from", "up to"), ends, strict=True) if end is not None]
    return " ".join([kind, *limits])
