"""What is wrong with a variant's rows and can be told without building them, and so without importing torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import BuildError
from archprof.registry import registrations
from archprof.sources import block_names

if TYPE_CHECKING:
    from archprof.sources.spec import Row, VariantSpec


def row_error(spec: VariantSpec, row: Row, message: str, hint: str | None = None) -> BuildError:
    """The error of a row, at its line."""
    return BuildError(f"row {row.index}: {message}", path=spec.path, line=row.line, hint=hint)


def error_of(spec: VariantSpec) -> BuildError | None:
    """The first error; None where building alone can tell. A plugin that was loaded may have added any block."""
    if not registrations():
        for row in spec.rows:
            if block_names.is_unknown(row.module, spec.family):
                hint = block_names.hint_without_building(row.module, spec.family)
                return row_error(spec, row, f"unknown block {row.module!r}", hint)
    return without_classes(spec)


def without_classes(spec: VariantSpec) -> BuildError | None:
    """The error of a file without ``nc`` where a row needs it."""
    if spec.values.get("nc") is not None:
        return None
    row = next((row for row in spec.rows if "nc" in row.arguments), None)
    if row is None:
        return None
    hint = "add `nc: 80` to the file's top level, or give --nc 80"
    return row_error(spec, row, f"{row.module} needs the number of classes, and the file has no nc", hint)
