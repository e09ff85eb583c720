"""One profile or several -> text: the formats, and the tables that stand under the totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.render import conventions, csv, json, markdown, profile_tables, text
from archprof.render.table import find_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.table import Column, Table


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the endings of its files, and what writes one profile or several."""

    suffixes: tuple[str, ...]
    one: Callable[[Profile, Table | None, View], str]
    several: Callable[[Sequence[Profile], Table, View], str]


@dataclass(frozen=True, slots=True)
class Detail:
    """A table under the totals. ``sorted`` makes it where it is to be sorted or cut, if that is another one."""

    columns: tuple[Column, ...]
    table: Callable[[Profile, View], Table]
    sorted: Callable[[Profile, View], Table] | None = None


FORMATS = {
    "text": Format((".txt",), text.one, text.several),
    "json": Format((".json",), json.one, json.several),
    "markdown": Format((".md", ".markdown"), markdown.one, markdown.several),
    "csv": Format((".csv",), csv.one, csv.several),
}

DETAILS = {
    "rows": Detail(profile_tables.ROWS, lambda profile, view: profile_tables.rows(profile)),
    "modules": Detail(
        profile_tables.MODULES,
        lambda profile, view: profile_tables.modules(profile, view.depth),
        lambda profile, view: profile_tables.flat_modules(profile),
    ),
    "ops": Detail(profile_tables.OPERATIONS, lambda profile, view: profile_tables.operations(profile)),
}

DEAREST = "flops"
"""What ``top`` sorts by where nothing else is asked for."""


def check(view: View, *, several: bool = False) -> None:
    """Raise what rendering one profile, or several, would raise, before there is anything to render.

    Raises:
        UsageError: Where there is no such column to sort by.
    """
    if view.sort is None:
        return
    if several:
        find_column(profile_tables.profiles([]).columns, view.sort)
    elif view.detail in DETAILS:
        find_column((*DETAILS[view.detail].columns, conventions.COLUMN), view.sort)


def render(format: str, profile: Profile, view: View) -> str:  # noqa: A002
    """One profile, in a format of :data:`FORMATS`: its totals, and the details that the view asks for.

    Raises:
        UsageError: Where the view sorts by a column that is not there.
    """
    detail = DETAILS.get(view.detail)
    table = _arranged(detail, profile, view) if detail else None
    return FORMATS[format].one(profile, table, view)


def render_several(format: str, profiles: Sequence[Profile], view: View) -> str:  # noqa: A002
    """Several profiles, in a format of :data:`FORMATS`: one table, one line each.

    Raises:
        UsageError: Where the view sorts by a column that is not there.
    """
    table = profile_tables.profiles(profiles)
    if view.sort:
        table = table.sorted_by(view.sort)
    return FORMATS[format].several(profiles, table, view)


def _arranged(detail: Detail, profile: Profile, view: View) -> Table:
    if view.sort is None and view.top is None:
        return detail.table(profile, view)
    dearest = conventions.COLUMN.key if conventions.asked_for(profile) else DEAREST
    table = (detail.sorted or detail.table)(profile, view).sorted_by(view.sort or dearest)
    return table.top(view.top) if view.top is not None else table
