"""Budgets from Python: what ``archprof check`` does, and the same for a model that is made in code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.api.project import in_project
from archprof.budgets import cases, lock, read
from archprof.budgets.budget import BudgetFile
from archprof.budgets.checking import conclude, measure
from archprof.budgets.project import families_assigned
from archprof.budgets.rule_check import judge
from archprof.pipeline import ExecutionConfig, profile_all
from archprof.records.check_result import CaseResult, CheckResult, exit_code
from archprof.records.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.budgets.checking import Profiler


def check(*references: str, config: Path | str | None = None, against: str | None = None) -> CheckResult:
    """Hold a repository's models to its budget file.

    Args:
        references: Only these of its variants; all where there are none.
        config: The budget file; the nearest one, in the working folder or above it.
        against: What growth is compared with: a git revision or a saved profile; the lock file where None.

    Returns:
        Every case with its judgements; ``exit_code`` is what the command line would end with.

    Raises:
        ArchprofError: Where the budget file, or what it is to be compared with, makes no sense.
    """
    file = read.read(Path(config) if config else read.find(Path.cwd()))
    profiler = _profiler(file.plugins)
    with families_assigned(file.root.resolve() if config else Path.cwd()):
        measured = measure(cases.find(file, references).cases, profiler)
        return conclude(file, measured, profiler, against=against, locked=lock.read(file.lock))


@in_project
def within(subject: Profile | str, **budget: Any) -> CheckResult:
    """Hold one model to a budget that stands in no file.

    Args:
        subject: A profile, or a reference to be profiled.
        budget: The keys of an entry of the budget file: ``flops="8.2 GFLOPs"`` is the metric's ``max``,
            ``flops={"min": "6 G", "max": "8.2 G"}`` says more; ``scales``, ``imgsz`` and so on are for a reference.

    Returns:
        Its judgements.

    Raises:
        ArchprofError: Where a key or a value makes no sense, or the profile lacks what it is held to.
    """
    name = subject.variant.name if isinstance(subject, Profile) else subject
    entry = read.entry("within", variants=name, **budget)
    file = BudgetFile(path=Path("this call"), budgets=(entry,), lock=Path("this call"))
    if not isinstance(subject, Profile):
        profiler = _profiler(())
        return conclude(file, measure(cases.find(file).cases, profiler), profiler)
    case = CaseResult(
        variant=name,
        shapes=subject.input.shapes,
        unknown=subject.coverage.unknown,
        results=judge(entry.rules, subject),
    )
    return CheckResult(config="this call", exit_code=exit_code([case]), cases=[case])


def _profiler(plugins: Sequence[str]) -> Profiler:
    return lambda requests: profile_all(requests, ExecutionConfig(plugins=plugins))
