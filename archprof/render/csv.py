"""CSV: the raw integers under stable column names, one line a row, no totals that would be summed again."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from archprof.render import profile_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.table import Table


def one(profile: Profile, table: Table | None, view: View) -> str:
    """One profile: its details, or one line of totals where no details are asked for."""
    return several([profile], table or profile_tables.profiles([profile]), view)


def several(profiles: Sequence[Profile], table: Table, view: View) -> str:
    """Several profiles, one line each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for record in table.records:
        cells = zip(table.columns, record, strict=True)
        writer.writerow([_raw(value, column.show) for column, value in cells])
    return text.getvalue()


def _raw(value: Any, show: Any) -> Any:
    """Numbers as they are; lists as they are printed; a tree's branch as its path."""
    return show(value) if isinstance(value, list) else value
