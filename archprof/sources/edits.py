"""Rows and scale factors of a variant, changed without its file: what a sweep varies, told in the words of the YAML."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from archprof.errors import UsageError
from archprof.sources import settings as setting_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.sources.spec import Row, Scale, VariantSpec

Variant = TypeVar("Variant", bound="VariantSpec")

FACTORS: Mapping[str, tuple[Any, str]] = {
    "depth": setting_rules.DEPTH,
    "width": setting_rules.WIDTH,
    "max_channels": setting_rules.MAX_CHANNELS,
}
"""The factors of a scale: the test of each value, and what it must be in words."""

FILE_FACTORS = {"depth": "depth_multiple", "width": "width_multiple"}
"""What a file without scales calls its factors."""

_ROW = re.compile(r"row\s+(?P<index>\d{1,6})\s+(?:args\[(?P<argument>\d{1,6})\]|(?P<field>repeats|module))")

ROW_EXAMPLE = "'row 7 args[0]', 'row 7 repeats' or 'row 7 module'"


def is_row(name: str) -> bool:
    """Whether a name is meant as a part of a row."""
    return name.startswith("row ")


def edited(spec: Variant, name: str, value: Any) -> Variant:
    """The variant with one thing changed.

    Args:
        spec: The variant.
        name: A factor of its scale (``width``), or a part of a row (``row 7 args[0]``, ``row 7 repeats``).
        value: What it is to be.

    Raises:
        UsageError: Where the variant has no such row or argument, or the value is of the wrong kind.
    """
    if name in FACTORS:
        return _with_factor(spec, name, value)
    match = _ROW.fullmatch(name)
    if match is None:
        raise UsageError(f"{name!r} is no part of a row", hint=f"name one as {ROW_EXAMPLE}")
    index = int(match["index"])
    if index >= len(spec.rows):
        last = len(spec.rows) - 1
        raise UsageError(f"{spec.path.name} has no row {index}", hint=f"its rows are 0 to {last}")
    row = _with_part(spec, spec.rows[index], match, value)
    rows = (*spec.rows[:index], row, *spec.rows[index + 1 :])
    return replace(spec, rows=rows, edits={**spec.edits, name: value})


def _with_part(spec: VariantSpec, row: Row, match: re.Match[str], value: Any) -> Row:
    where = f"row {row.index} ({row.module}) of {spec.path.name}"
    if match["argument"] is not None:
        position = int(match["argument"])
        if position >= len(row.arguments):
            count = len(row.arguments)
            hint = f"its arguments are args[0] to args[{count - 1}]" if count else "it has none"
            raise UsageError(f"{where} has no args[{position}]", hint=hint)
        arguments = (*row.arguments[:position], value, *row.arguments[position + 1 :])
        return msgspec.structs.replace(row, arguments=arguments)
    if match["field"] == "repeats":
        if not setting_rules.is_repeats(value):
            raise UsageError(f"repeats of {where} must be a whole number, not {value!r}")
        return msgspec.structs.replace(row, repeats=value)
    if not isinstance(value, str):
        raise UsageError(f"module of {where} must be the name of a block, not {value!r}")
    return msgspec.structs.replace(row, module=value)


def _with_factor(spec: Variant, name: str, value: Any) -> Variant:
    test, kind = FACTORS[name]
    if not test(value):
        raise UsageError(f"{name} must be {kind}, not {value!r}")
    if spec.scale is not None:
        factors: Scale = msgspec.structs.replace(spec.scales[spec.scale], **{name: value})
        return replace(spec, scales={**spec.scales, spec.scale: factors}, edits={**spec.edits, name: value})
    if name not in FILE_FACTORS:
        raise UsageError(f"{spec.path.name} has no scales, and so no {name}")
    key = FILE_FACTORS[name]
    spec.check_setting(key, value)
    return spec.with_values({key: value})
