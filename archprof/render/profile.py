"""A profile, or several, as a report: the totals, and the table that the view asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from archprof.records.failure import Failure
from archprof.render import columns, conventions, facts, profile_tables, several, size_formula
from archprof.render.figures import figures_of
from archprof.render.report import Report
from archprof.render.source_lines import source_lines
from archprof.render.table import Column, find_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.records.profile import Profile
    from archprof.render import View
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

FIGURES_OF_ONE = ("treemap", "waterfall", "roofline", "ratios", "distribution", "shares")
"""What is drawn of a single profile."""

FORMULA = "formula"
"""The detail that is of the whole model, and has no rows of it."""

MOST_EXPENSIVE = "flops"
"""What ``top`` sorts by where nothing else is asked for."""


def check(view: View, *, one_table: bool = False) -> None:
    """Raise what a report of one profile, or of several, would raise, before there is anything to report.

    Args:
        view: What is wanted.
        one_table: Whether it is of several, in one table.

    Raises:
        UsageError: Where there is no such column to sort by.
    """
    if view.sort is None:
        return
    if one_table or view.columns:
        find_column(_table([], view).columns, view.sort)
    elif view.detail in DETAILS:
        find_column((*DETAILS[view.detail].columns, Column(conventions.ALIAS, conventions.ALIAS)), view.sort)


def report(profile: Profile, view: View) -> Report:
    """One profile: its totals, and the details that the view asks for.

    Raises:
        UsageError: Where the view sorts by a column that is not there.
    """
    if view.columns:
        return msgspec.structs.replace(report_several([profile], view), about=facts.about(profile), record=profile)
    detail = DETAILS.get(view.detail)
    table = _arranged(detail, profile, view) if detail else None
    formula = profile.size_formula if view.detail == FORMULA else None
    if formula is not None:
        table = size_formula.table(formula)
    return Report(
        title=profile.variant.name,
        about=facts.about(profile),
        facts=facts.facts(profile),
        tables=[table] if table else [],
        figures=lambda: figures_of([profile], *FIGURES_OF_ONE),
        listing=source_lines(profile),
        notes=size_formula.notes(formula) if formula is not None else [],
        record=profile,
        data=table or several.totals_table([profile]),
    )


def report_several(results: Sequence[Profile | Failure], view: View, *, details: bool = False) -> Report:
    """Several models, or one at several scales: one table, one line each, one that failed among them.

    Args:
        results: The profiles, or why there is none.
        view: What is wanted of them.
        details: Whether the report of each follows the table.

    Raises:
        UsageError: Where the view sorts by a column that is not there.
    """
    profiles = [result for result in results if not isinstance(result, Failure)]
    table = _table(results, view)
    title, about = several.heading(results, [facts.about_all(profile) for profile in profiles])
    subjects = [columns.of_profile(profile) for profile in profiles]
    plain = replace(view, columns=(), sort=None, top=None)  # those are of the table of models
    return Report(
        title=title,
        about=about,
        facts=facts.unknown(*(profile.coverage.unknown for profile in profiles)),
        tables=[_ranked(table, view)],
        figures=lambda: figures_of(profiles, "pareto"),
        notes=[
            *columns.absent(subjects, view.columns),
            *([] if view.columns else facts.of_one_image(profiles)),
            *several.reasons(results),
        ],
        parts=[report(profile, plain) for profile in profiles] if details else [],
        record=results,
    )


def _ranked(table: Table, view: View) -> Table:
    """A table of models, sorted and cut as the view has it: the first of what is cut is never a model that failed."""
    if view.sort:
        table = table.sorted_by(view.sort)
    elif view.top and any(column.key == MOST_EXPENSIVE for column in table.columns):
        table = table.sorted_by(MOST_EXPENSIVE)
    if view.top and several.ERROR in table.columns:
        error = table.columns.index(several.ERROR)
        table = replace(table, records=tuple(sorted(table.records, key=lambda record: record[error] is not None)))
    return table.top(view.top)


def _table(results: Sequence[Profile | Failure], view: View) -> Table:
    if not view.columns:
        return several.totals_table(results)
    names = several.names_of(results)
    subjects = [
        columns.of_failure(result, name) if isinstance(result, Failure) else columns.of_profile(result, name=name)
        for name, result in zip(names, results, strict=True)
    ]
    table = columns.chosen_table(subjects, view.columns)
    if not any(isinstance(result, Failure) for result in results):
        return table
    errors = [result.error if isinstance(result, Failure) else None for result in results]
    records = tuple((*record, error) for record, error in zip(table.records, errors, strict=True))
    return replace(table, columns=(*table.columns, several.ERROR), records=records)


def _arranged(detail: Detail, profile: Profile, view: View) -> Table:
    if view.sort is None and view.top is None:
        return detail.table(profile, view)
    largest = conventions.ALIAS if conventions.asked_for(profile) else MOST_EXPENSIVE
    return (detail.flat or detail.table)(profile, view).sorted_by(view.sort or largest).top(view.top)
