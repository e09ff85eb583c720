"""How a variant's rows hang together: which rows each reads, with how many channels, and what its rule is told.

Free of torch, so that rows whose costs are known need none of them built.
"""

from __future__ import annotations

import ast
import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from archprof.builder import dialect, limits
from archprof.builder.registry import RowContext
from archprof.builder.unread_keys import AskedFor
from archprof.errors import BuildError
from archprof.sources.variant_errors import row_error, without_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.sources.spec import Row, VariantSpec

IMAGE = -1
"""What the first row reads."""


class Wiring:
    """The channels between the rows of a variant, which are added one after the other.

    Args:
        spec: The variant.
        channels: Channels of the input image.

    Attributes:
        values: The variant's top-level values, which remember which of them rules asked for.
        light_head: Whether a row so far gives later detection heads their light class branch.
        read_later: The rows that later rows read by their number.

    Raises:
        BuildError: Where a row needs the number of classes and there is none.
    """

    def __init__(self, spec: VariantSpec, channels: int) -> None:
        if error := without_classes(spec):
            raise error
        self.values = AskedFor(spec.values)
        self.light_head = False
        self.read_later: set[int] = set()
        self._spec = spec
        self._factors = spec.factors
        self._names = {**spec.values, **dialect.parser_variables(spec)}
        self._channels: dict[int, Any] = {IMAGE: channels}

    def context(self, row: Row, sources: tuple[int, ...]) -> RowContext:
        """What a row's rule may know.

        Args:
            row: The row.
            sources: The rows that it reads, as :func:`sources_of` has them.

        Raises:
            BuildError: Where it is repeated too often.
        """
        return RowContext(
            row=row,
            inputs=tuple([self._channels[source] for source in sources]),
            arguments=tuple([_value(argument, self._names) for argument in row.arguments]),
            repeats=_repeats(self._spec, row, self._factors.depth),
            scale=self._spec.size,
            width=self._factors.width,
            max_channels=self._factors.max_channels,
            values=self.values,
            light_head=self.light_head,
        )

    def add(self, row: Row, sources: tuple[int, ...], channels: Any, *, light_head: bool) -> None:
        """Take a row in.

        Args:
            row: The row.
            sources: The rows that it reads.
            channels: The channels that it gives.
            light_head: Whether its block gives later detection heads their light class branch.
        """
        self._channels[row.index] = channels
        self.read_later.update(source for source, given in zip(sources, row.sources, strict=True) if given != -1)
        self.light_head = self.light_head or light_head


def light_head_of(gives: bool, legacy: bool | None) -> Literal["gives", "takes"] | None:
    """Whether a row's block changes the class branch of detection heads below it, or is such a head."""
    if gives:
        return "gives"
    return None if legacy is None else "takes"


def sources_of(spec: VariantSpec, row: Row) -> tuple[int, ...]:
    """The rows that a row reads, counted from the first; IMAGE for the first row's own input.

    Raises:
        BuildError: Where it reads a row that is not above it.
    """
    indices = []
    for source in row.sources:
        absolute = source if source >= 0 else row.index + source
        if absolute >= row.index and absolute < len(spec.rows):
            which = "itself" if absolute == row.index else f"row {absolute}, which comes later"
            raise row_error(spec, row, f"{row.module} reads {which}", "a row reads rows above it only")
        if absolute >= row.index or absolute < (0 if row.index else IMAGE):
            raise row_error(
                spec,
                row,
                f"{row.module} reads row {source}, which does not exist",
                f"it may read rows 0 to {row.index - 1}, or -1 to -{row.index} counted back"
                if row.index
                else "the first row reads the image, -1",
            )
        indices.append(absolute)
    return tuple(indices)


def check_amounts(spec: VariantSpec) -> None:
    """See to it that a variant has no more rows and classes than are allowed.

    Raises:
        BuildError: Where it has.
    """
    if len(spec.rows) > limits.MAX_ROWS:
        message = f"{len(spec.rows):,} rows are more than the {limits.MAX_ROWS:,} that are allowed"
        raise BuildError(message, path=spec.path, line=spec.rows[limits.MAX_ROWS].line)
    classes = spec.values.get("nc")
    if isinstance(classes, int) and classes > limits.MAX_CLASSES:
        message = f"nc is {classes:,}; {limits.MAX_CLASSES:,} classes are allowed"
        line = None if "nc" in spec.settings else spec.value_lines.get("nc")
        raise BuildError(message, path=spec.path, line=line)


def _value(argument: Any, values: Mapping[str, Any]) -> Any:
    """What a text among a row's arguments means: a value by its name, else a literal, else itself."""
    if not isinstance(argument, str):
        # A constructor may change the list that it is given.
        return copy.deepcopy(argument) if isinstance(argument, (list, dict)) else argument
    if argument in values:
        return copy.deepcopy(values[argument])
    return copy.deepcopy(_literal(argument))


@lru_cache(maxsize=1024)
def _literal(text: str) -> Any:
    """What a text means as a literal; itself where it is none."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text


def _repeats(spec: VariantSpec, row: Row, depth: float) -> int:
    if row.repeats > limits.MAX_REPEATS:
        message = f"{row.module} is repeated {row.repeats:,} times; {limits.MAX_REPEATS:,} are allowed"
        raise row_error(spec, row, message)
    return max(round(row.repeats * depth), 1) if row.repeats > 1 else int(row.repeats)
