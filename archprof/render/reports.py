"""What makes a report of a record: by its kind, the one place where that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.records.audit import AuditResult
from archprof.records.benchmark import Benchmark
from archprof.records.check_result import CheckResult
from archprof.records.claim_result import ClaimResult
from archprof.records.comparison import Comparison
from archprof.records.dynamic_report import DynamicReport
from archprof.records.expert_curve import ExpertCurve
from archprof.records.memory_pass import MemoryPass
from archprof.records.profile import Profile
from archprof.records.suggestion import Suggestion
from archprof.records.sweep import Sweep
from archprof.records.variation import Variation
from archprof.records.what_if_report import WhatIfReport
from archprof.render import (
    View,
    audit,
    benchmark,
    check,
    claims,
    comparison,
    expert_sweep,
    memory_pass,
    parameternet,
    profile,
    suggestion,
    sweep,
    variation,
    whatif,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.records.record import Record
    from archprof.render.report import Report

REPORTS: Mapping[type[Record], Callable[[Any, View], Report]] = {
    AuditResult: audit.report,
    Benchmark: benchmark.report,
    CheckResult: check.report,
    ClaimResult: claims.report_one,
    Comparison: comparison.report,
    DynamicReport: parameternet.report,
    ExpertCurve: expert_sweep.report,
    MemoryPass: memory_pass.report,
    Profile: profile.report,
    Sweep: sweep.report,
    Suggestion: suggestion.report,
    Variation: variation.report,
    WhatIfReport: whatif.report,
}
"""What makes a report of each kind of record."""


def report_of(record: Record) -> Report:
    """The report of a record in the detail that a reader wants who asks for none.

    Of a profile without rows the table is that of its modules, and of a comparison that of what changed.
    """
    detail = "modules" if isinstance(record, Profile) and not record.layers else "rows"
    if isinstance(record, Comparison):
        detail = "changes"
    return REPORTS[type(record)](record, View(detail=detail))
