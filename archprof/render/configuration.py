"""A project's configuration as a report: each value, where it stands, and what overrides it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from archprof.render.report import Report
from archprof.render.table import Column, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.budgets.project import Default


def report(path: str | None, defaults: Sequence[Default], overrides: Mapping[str, str]) -> Report:
    """The report.

    Args:
        path: The file; None where there is none.
        defaults: What it sets.
        overrides: By key the environment variable that overrides it.
    """
    columns = (
        Column("key", "key"),
        Column("value", "value", lambda default: _text(default.value), wraps=True, min_width=12),
        Column("line", "line", lambda default: f"{path}:{default.line}" if default.line else path),
        Column("overridden_by", "overridden by", lambda default: overrides.get(default.key), absent="–"),
    )
    values: list[dict[str, Any]] = [
        {
            "key": default.key,
            "value": default.value,
            "line": default.line,
            "overridden_by": overrides.get(default.key),
        }
        for default in defaults
    ]
    table = table_of(columns, defaults, "key")
    absent = "no archprof.toml and no [tool.archprof] in a pyproject.toml, here or above up to the repository's top"
    return Report(
        title=path or "no configuration",
        about=[] if path else [absent],
        tables=[table] if defaults else [],
        notes=["an option on the command line overrides the environment, and that the file"] if path else [],
        record={"file": path, "values": values},
        data=table,
    )


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else json.dumps(value) if isinstance(value, bool) else str(value)
