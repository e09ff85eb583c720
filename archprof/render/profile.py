"""A profile, or several, as a report: the totals, and the table that the view asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archprof.render import columns, conventions, facts, profile_tables
from archprof.render.report import Report
from archprof.render.several import totals_table
from archprof.render.table import Column, find_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.columns import Subject
    from archprof.render.table import Table


@dataclass(frozen=True, slots=True)
class Detail:
    """A table under the totals. ``flat`` makes it where it is to be sorted or cut, if that is another one."""

    columns: tuple[Column, ...]
    table: Callable[[Profile, View], Table]
    flat: Callable[[Profile, View], Table] | None = None


DETAILS = {
    "rows": Detail(profile_tables.row_columns(), lambda profile, view: profile_tables.rows(profile)),
    "modules": Detail(
        profile_tables.module_columns(),
        lambda profile, view: profile_tables.modules(profile, view.depth),
        lambda profile, view: profile_tables.flat_modules(profile),
    ),
    "ops": Detail(profile_tables.operation_columns(), lambda profile, view: profile_tables.operations(profile)),
}

MOST_EXPENSIVE = "flops"
"""What ``top`` sorts by where nothing else is asked for."""


def check(view: View, *, several: bool = False) -> None:
    """Raise what a report of one profile, or of several, would raise, before there is anything to report.

    Raises:
        UsageError: Where there is no such column to sort by.
    """
    if view.sort is None:
        return
    if several or view.columns:
        find_column(_table([], [], view).columns, view.sort)
    elif view.detail in DETAILS:
        find_column((*DETAILS[view.detail].columns, Column(conventions.ALIAS, conventions.ALIAS)), view.sort)


def report(profile: Profile, view: View) -> Report:
    """One profile: its totals, and the details that the view asks for.

    Raises:
        UsageError: Where the view sorts by a column that is not there.
    """
    if view.columns:
        return replace(report_several([profile], view), about=facts.about(profile), record=profile)
    detail = DETAILS.get(view.detail)
    table = _arranged(detail, profile, view) if detail else None
    return Report(
        title=profile.variant.name,
        about=facts.about(profile),
        facts=facts.facts(profile),
        tables=[table] if table else [],
        record=profile,
        data=table or totals_table([profile]),
    )


def report_several(profiles: Sequence[Profile], view: View) -> Report:
    """Several profiles of one variant: one table, one line each.

    Raises:
        UsageError: Where the view sorts by a column that is not there.
    """
    first = profiles[0]
    subjects = [columns.of_profile(profile) for profile in profiles]
    table = _table(profiles, subjects, view)
    return Report(
        title=first.variant.name,
        about=facts.about_all(first),
        facts=facts.unknown(*(profile.coverage.unknown for profile in profiles)),
        tables=[(table.sorted_by(view.sort) if view.sort else table).top(view.top)],
        notes=columns.absent(subjects, view.columns),
        record=profiles,
    )


def _table(profiles: Sequence[Profile], subjects: Sequence[Subject], view: View) -> Table:
    return columns.chosen_table(subjects, view.columns) if view.columns else totals_table(profiles)


def _arranged(detail: Detail, profile: Profile, view: View) -> Table:
    if view.sort is None and view.top is None:
        return detail.table(profile, view)
    largest = conventions.ALIAS if conventions.asked_for(profile) else MOST_EXPENSIVE
    return (detail.flat or detail.table)(profile, view).sorted_by(view.sort or largest).top(view.top)
