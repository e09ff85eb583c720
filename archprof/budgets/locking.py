"""What the lock file holds once the current figures are agreed on. Nothing is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.budgets.baseline import of_profile
from archprof.budgets.lock import locked
from archprof.errors import ArchprofError
from archprof.records.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.budgets.checking import ProfiledCase
    from archprof.budgets.latency_judge import LatencyJudge
    from archprof.budgets.lock import Lock


def updated_lock(
    old: Lock, profiled: Sequence[ProfiledCase], latency_judge: LatencyJudge | None = None, *, all_cases: bool
) -> Lock:
    """The lock with the figures that the cases have now.

    Args:
        old: What it held. What could not be profiled or measured stays as it was.
        profiled: The cases, with their profiles.
        latency_judge: Measures latencies; without one those that are locked stay.
        all_cases: Whether these are all cases that there are, so that others are out of date.
    """
    current, failed = {}, set()
    for entry in profiled:
        case, profile = entry.case, entry.profile
        try:
            if isinstance(profile, ArchprofError):
                raise profile
            before = old.find(case.case_key)
            times = latency_judge.times(case, profile) if latency_judge else before.latency if before else {}
            metrics = {*METRICS, *(rule.metric.name for rule in case.rules)}
            current[case.case_key] = locked(of_profile(profile), times, metrics)
        except ArchprofError:
            failed.add(case.variant)
    return old.updated(current, failed if all_cases else None)
