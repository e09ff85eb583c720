"""``width=0.25,0.5`` and ``imgsz=320:640:64`` -> the name of an axis and its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, VariantError
from archprof.quantity import number_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXAMPLE = "for example --vary width=0.25,0.5 or --vary imgsz=320:640:64"

MOST_VALUES = 100_000
"""How many values one axis may have."""

_OPENING, _CLOSING = "[{(", "]})"


def parse(text: str) -> tuple[str, list[Any]]:
    """An axis as it is typed.

    Args:
        text: ``NAME=VALUE,VALUE,...``, each a YAML literal, or ``NAME=FIRST:LAST:STEP``, both ends included.

    Raises:
        UsageError: Where it is of another form.
    """
    name, separator, values = text.partition("=")
    if not separator or not name.strip() or not values.strip():
        raise UsageError(f"--vary {text!r}: expected NAME=VALUES", hint=EXAMPLE)
    return " ".join(name.split()), parse_values(name.strip(), values.strip())


def parse_values(name: str, text: str) -> list[Any]:
    """The values of an axis.

    Args:
        name: The axis, for messages.
        text: What stands behind its name.

    Raises:
        UsageError: Where a value is no literal, or a range no range.
    """
    pieces = list(_split(text))
    if len(pieces) == 1 and pieces[0].count(":") in (1, 2):
        numbers = number_range(pieces[0], name, MOST_VALUES)
        is_integer = all(number.denominator == 1 for number in numbers)
        return [int(number) if is_integer else float(number) for number in numbers]
    return [parse_literal(name, piece) for piece in pieces]


def check(name: str, values: Sequence[Any]) -> list[Any]:
    """Distinct values of an axis, in their order.

    Raises:
        UsageError: Where there are fewer than two of them.
    """
    distinct = [value for index, value in enumerate(values) if not _among(value, values[:index])]
    if len(distinct) < 2:
        shown = f"only {distinct[0]!r}" if distinct else "no value"
        raise UsageError(f"{name} varies nothing: it has {shown}", hint="give two values or more, or leave it out")
    if len(distinct) > MOST_VALUES:
        raise UsageError(f"{name} has {len(distinct):,} values, more than {MOST_VALUES:,}", hint="take a larger step")
    return distinct


def _among(value: Any, values: Sequence[Any]) -> bool:
    """Whether a value is there; 1 and 1.0 and true are three."""
    return any(type(other) is type(value) and other == value for other in values)


def _split(text: str) -> Iterator[str]:
    """The pieces between commas that stand in no bracket."""
    depth, start = 0, 0
    for index, sign in enumerate(text):
        depth += (sign in _OPENING) - (sign in _CLOSING)
        if sign == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    yield text[start:].strip()


def parse_literal(name: str, text: str) -> Any:
    """One value of an axis.

    Args:
        name: The axis, for messages.
        text: The value.

    Raises:
        UsageError: Where it is no literal.
    """
    from archprof.sources.document import Document

    try:
        document = Document(text)
        return document.plain(document.root)
    except VariantError as error:
        raise UsageError(f"{name}: {text!r} is not a YAML literal: {error.message}", hint=EXAMPLE) from None
