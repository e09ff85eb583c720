"""Everything that results have to say, in one report: what ``archprof report`` makes a page of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from archprof import units
from archprof.records.comparison import Comparison
from archprof.records.dynamic_report import DynamicReport
from archprof.records.memory_pass import MemoryPass
from archprof.records.profile import Profile
from archprof.render import (
    View,
    memory_pass,
    parameternet,
    profile_tables,
    several,
)
from archprof.render import profile as profile_report
from archprof.render.figures import Choice, figures_of
from archprof.render.report import Report
from archprof.render.reports import report_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.failure import Failure

VIEW = View()


def report(records: Sequence[Any], failures: Sequence[Failure] = (), choice: Choice | None = None) -> Report:
    """Results of any kind, each in a section: first what was compared, of several profiles one table and one scatter.

    Args:
        records: The results. What was followed of a model's memory goes to that model's section.
        failures: The models that have no result.
        choice: What of them is wanted in figures.
    """
    choice = choice or Choice()
    profiles = [record for record in records if isinstance(record, Profile)]
    passes = [record for record in records if isinstance(record, MemoryPass)]
    ordered = sorted(records, key=lambda record: not isinstance(record, Comparison))
    sections = [_section(record, passes) for record in ordered if not isinstance(record, MemoryPass)]
    alone = [memory for memory in passes if not any(_same(profile, memory) for profile in profiles)]
    sections += [memory_pass.report(memory, VIEW) for memory in alone]
    if len(profiles) > 1:
        table = profile_report.report_several([*profiles, *failures], VIEW)
        figures = lambda: figures_of(profiles, "pareto", choice=choice)  # noqa: E731
        return msgspec.structs.replace(table, figures=figures, parts=sections, record=list(records))
    notes = several.reasons(failures)
    if len(sections) == 1:
        return msgspec.structs.replace(sections[0], notes=[*sections[0].notes, *notes])
    return Report(title=units.plural(len(sections), "result"), notes=notes, parts=sections, record=list(records))


def comparisons(records: Sequence[Any]) -> list[Comparison]:
    """Each profile but the first, compared with the first."""
    from archprof.compare.comparing import compare

    profiles = [record for record in records if isinstance(record, Profile)]
    names = several.names_of(profiles)
    return [
        compare([profiles[0], profile], names=[names[0], name])
        for profile, name in zip(profiles[1:], names[1:], strict=True)
    ]


def of_profile(profile: Profile, memory: MemoryPass | None = None) -> Report:
    """A model: its totals, rows, modules, operations, dynamic layers, and the memory of its pass."""
    summary = profile_report.report(profile, View(detail="rows" if profile.layers else "none"))
    modules = profile_tables.flat_modules(profile) if profile.modules else None
    operations = profile_tables.operations(profile) if profile.operations else None
    folded = [("module", modules), ("operation", operations)]
    more = [replace(table, folded=units.plural(len(table.records), noun)) for noun, table in folded if table]
    parts = [memory_pass.report(memory, VIEW)] if memory else []
    if profile.parameternet:
        analysis = parameternet.report(DynamicReport.of(profile), VIEW)
        analysis = msgspec.structs.replace(analysis, title="Dynamic layers", about=[], figures=tuple)
        parts.append(analysis)
    return msgspec.structs.replace(summary, tables=[*summary.tables, *more], parts=parts)


def _section(record: Any, passes: Sequence[MemoryPass]) -> Report:
    if isinstance(record, Profile):
        return of_profile(record, next((memory for memory in passes if _same(record, memory)), None))
    return report_of(record)


def _same(profile: Profile, memory: MemoryPass) -> bool:
    """Whether a model's memory was followed as it was profiled."""
    return (profile.variant, profile.input) == (memory.variant, memory.input)
