"""Parquet: the table that CSV holds, with types: whole numbers, fractions, truth values and texts."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.render import Page
    from archprof.render.report import Report

_INT64 = range(-(2**63), 2**63)


def render(report: Report, page: Page) -> bytes:
    """The report's data; without any, the first table that is anywhere in it.

    Raises:
        UsageError: Where pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError("--format parquet needs pyarrow", hint="python -m pip install 'archprof[parquet]'")
    import pyarrow
    from pyarrow import parquet

    table = report.main_table
    keys, rows = table.saved() if table else ([], [])
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(keys)
    arrays = {key: _array(pyarrow, values) for key, values in zip(keys, columns, strict=True)}
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), file)
    return file.getvalue()


def _array(pyarrow: Any, values: Sequence[Any]) -> Any:
    """The values of a column as one type; text where they have no other in common."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present) and present:
        return pyarrow.array(values, pyarrow.bool_())
    if all(isinstance(value, int) and not isinstance(value, bool) and value in _INT64 for value in present) and present:
        return pyarrow.array(values, pyarrow.int64())
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in present) and present:
        return pyarrow.array([None if value is None else float(value) for value in values], pyarrow.float64())
    return pyarrow.array([None if value is None else str(value) for value in values], pyarrow.string())
