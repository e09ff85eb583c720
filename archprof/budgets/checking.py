"""A check, step by step: cases are profiled, then held to their rules. Whoever calls says how specs are profiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from archprof.budgets.baseline_sources import from_file, from_lock, from_revision, request_of
from archprof.budgets.cases import legible
from archprof.budgets.lock import Lock
from archprof.budgets.paths import folder_in, repository_root
from archprof.budgets.rule_check import judge
from archprof.errors import ArchprofError, BudgetFileError, UsageError
from archprof.pipeline import Request
from archprof.records.check_result import CaseResult, CheckResult, exit_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.budgets.baseline import Baseline
    from archprof.budgets.budget import BudgetFile
    from archprof.budgets.cases import Case
    from archprof.budgets.latency_judge import LatencyJudge
    from archprof.budgets.lock import CaseKey
    from archprof.records.profile import Profile

Profiler = Callable[[Sequence[Request]], "Sequence[Profile | ArchprofError]"]
"""Answers every request, in its order; the error of one does not lose the others."""


class ProfiledCase(msgspec.Struct, frozen=True):
    """A case, and its profile or what kept it from having one."""

    case: Case
    profile: Profile | ArchprofError


def measure(cases: Sequence[Case], profiler: Profiler) -> list[ProfiledCase]:
    """Profile the cases, each with all conventions that its rules are about."""
    outcomes = iter(profiler([request_of(case, case.spec) for case in cases if case.spec]))
    return [ProfiledCase(case, case.error or next(outcomes)) for case in cases]


def evaluate_all(
    config: str,
    measured: Sequence[ProfiledCase],
    baselines: Mapping[CaseKey, Baseline],
    latency_judge: LatencyJudge | None = None,
) -> list[CaseResult]:
    """Hold each case to its rules.

    Args:
        config: The budget file, for mistakes that are in it.
        measured: The cases.
        baselines: What those were of which it is known.
        latency_judge: Measures latencies; without one nothing is said of them.
    """
    return [
        _case_result(config, profiled, baselines.get(profiled.case.case_key), latency_judge) for profiled in measured
    ]


def baselines(
    against: str | None, locked: Lock | None, measured: Sequence[ProfiledCase], profiler: Profiler
) -> Mapping[CaseKey, Baseline]:
    """What the cases were: by the lock file, or by a file or a git revision that somebody names instead.

    Raises:
        ArchprofError: Where there is no such file or revision.
    """
    if against is None:
        return from_lock(locked or Lock())
    if Path(against).is_file():
        return from_file(Path(against), measured)
    return from_revision(against, [profiled.case for profiled in measured], profiler)


def conclude(
    file: BudgetFile,
    measured: Sequence[ProfiledCase],
    profiler: Profiler,
    *,
    against: str | None = None,
    locked: Lock | None = None,
    latency_judge: LatencyJudge | None = None,
) -> CheckResult:
    """The result of a check of what was measured.

    Args:
        file: The budget file.
        measured: Its cases.
        profiler: Profiles what they were at a git revision.
        against: What growth is compared with, where that is not the lock file.
        locked: The lock file, where there is one.
        latency_judge: Measures latencies; without one nothing is said of them.

    Raises:
        ArchprofError: Where what growth is to be compared with cannot be read.
    """
    root = repository_root(file.root)
    case_results = evaluate_all(str(file.path), measured, baselines(against, locked, measured, profiler), latency_judge)
    return CheckResult(
        config=str(file.path),
        root=legible(root.as_posix()),
        folder=legible(folder_in(root)),
        baseline=against or (str(file.lock) if locked else None),
        baseline_is_lock=against is None and locked is not None,
        exit_code=exit_code(case_results),
        cases=case_results,
    )


def _case_result(
    config: str, measured: ProfiledCase, baseline: Baseline | None, latency_judge: LatencyJudge | None
) -> CaseResult:
    case, profile = measured.case, measured.profile
    file = case.file and legible(case.file)
    about = CaseResult(variant=legible(case.variant), file=file, settings=case.settings)
    try:
        if isinstance(profile, ArchprofError):
            raise profile
        return msgspec.structs.replace(
            about,
            shapes=profile.input.shapes,
            unknown=profile.coverage.unknown,
            results=[
                *judge([rule for rule in case.rules if rule.metric.exact], profile, baseline),
                *(latency_judge.judge(case, profile, baseline.times if baseline else {}) if latency_judge else []),
            ],
        )
    except ArchprofError as error:
        path, line = (legible(str(error.path)) if error.path is not None else file), error.line
        if error.path is None and isinstance(error, (UsageError, BudgetFileError)):
            path, line = config, case.line  # what the entry asks for makes no sense, whatever the variant is
        text = f"{error.message}\n{error.hint}" if error.hint else error.message
        return msgspec.structs.replace(about, error=legible(text), error_file=path, error_line=line)
