"""``archprof check``."""

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from archprof.cli import completion, output, selection
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Counting, OutputOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archprof.budgets.budget import BudgetFile
    from archprof.budgets.cases import Cases
    from archprof.budgets.latency_judge import LatencyJudge
    from archprof.budgets.lock import Lock
    from archprof.pipeline import ExecutionConfig
    from archprof.records.check_result import CaseResult, CheckResult


Variants = Annotated[
    list[str] | None,
    typer.Argument(
        autocompletion=completion.budgeted,
        metavar="REF...",
        help="Check only these variants, or those of a folder or a pattern.  [default: all of the budget file]",
    ),
]
Config = Annotated[
    Path | None,
    o.option("--config", metavar="FILE", help="Budget file.  [default: the nearest, in this folder or above]"),
]
ExitZero = Annotated[bool, o.option("--exit-zero", help="Exit with 0 if a budget fails; errors still exit with 2.")]

Against = Annotated[
    str | None,
    o.option(
        "--against",
        metavar="REV|FILE",
        help="Baseline for max_increase: a git revision or a saved profile.  [default: the lock file]",
    ),
]
UpdateLock = Annotated[bool, o.option("--update-lock", help="Record the current figures in the lock file, then check.")]

Latency = Annotated[bool, o.option("--latency", help="Also check latency budgets; skipped otherwise.")]
Confirm = Annotated[
    bool, o.option("--confirm", help="Measure a failed latency again; it fails only if it fails twice.")
]
MaxTime = Annotated[
    float,
    o.option("--max-time", min=0.001, metavar="SECONDS", help="Maximum sampling time in seconds for each latency."),
]

LIMIT_SECONDS = 60.0
MEMORY_LIMIT = "4 GB"
"""What counting one variant may take unless somebody says otherwise: several times what the largest known ones do."""


@dataclass(frozen=True, kw_only=True)
class BudgetOptions:
    """Which budget file, what growth is compared with, and whether the current figures are agreed on."""

    config: Config = None
    against: Against = None
    update_lock: UpdateLock = False


@dataclass(frozen=True, kw_only=True)
class LatencyOptions:
    """Whether latencies are held to their budgets, and how they are measured."""

    latency: Latency = False
    confirm: Confirm = False
    threads: o.Threads = None
    max_time: MaxTime = 20.0

    def judge(self, selected: "Cases", plugins: "Sequence[str]", against: str | None) -> "LatencyJudge | None":
        """What measures latencies, together with a git revision where that is the baseline; None if not asked for.

        Raises:
            UnknownReferenceError: Where there is no such revision.
            PluginError: Where a plugin is not found, or raises.
        """
        if not self.latency:
            return None
        from archprof.budgets.baseline_sources import specs_at

        with console.working("loading torch"):
            from archprof.budgets.latency_judge import LatencyJudge
        selection.load_plugins(plugins)
        cases = [case for case in selected.cases if any(not rule.metric.exact for rule in case.rules)]
        return LatencyJudge(
            baseline_specs=specs_at(against, cases) if against and not Path(against).is_file() else {},
            confirm=self.confirm,
            threads=self.threads,
            max_time=self.max_time,
            progress=console,
        )


@dataclass(frozen=True, kw_only=True)
class CaseExecution(Counting):
    """What runs while the cases are counted: as for any models, with every core and with limits."""

    jobs: o.Jobs = 0
    time_limit: o.TimeLimit = LIMIT_SECONDS
    memory_limit: o.MemoryLimit = MEMORY_LIMIT

    def config_with(self, plugins: "Sequence[str]") -> "ExecutionConfig":
        """The same without the command line, with the budget file's plugins before its own."""
        return replace(self, plugins=[*plugins, *(self.plugins or [])]).config()


@dataclass(frozen=True, kw_only=True)
class CheckOutput(OutputOptions):
    """Where the result goes, and in which format, those of CI among them."""

    findings: ClassVar[bool] = True

    format: o.FindingsFormat = None


@command
def check(
    references: Variants = None,
    *,
    budgets: BudgetOptions,
    latency: LatencyOptions,
    counting: CaseExecution,
    exit_zero: ExitZero = False,
    output_options: CheckOutput,
) -> None:
    """Check the repository's models against their budgets.

    Exits with 1 if a budget failed, and with 2 if something could not be evaluated.
    """
    from archprof.budgets import lock, read
    from archprof.budgets.checking import conclude, measure
    from archprof.budgets.locking import updated_lock
    from archprof.budgets.project import families_assigned
    from archprof.pipeline import prewarm
    from archprof.render import View
    from archprof.render.check import report

    destinations = output_options.plan()
    file = read.read(budgets.config or read.find(Path.cwd()))
    execution = counting.config_with(file.plugins)
    prewarm(execution)
    # A file that is found belongs to the working folder's project, whose families hold already.
    with families_assigned(file.root.resolve()) if budgets.config else nullcontext():
        selected = select_cases(file, references or [])
        locked = old = lock.read(file.lock, rewritten=budgets.update_lock and not references)
        profiler = selection.profiler(execution)
        profiled = measure(selected.cases, profiler)
        judge = latency.judge(selected, execution.plugins, budgets.against)
        if budgets.update_lock:
            locked = updated_lock(old or lock.Lock(), profiled, judge, all_cases=not references)
        result = conclude(file, profiled, profiler, against=budgets.against, locked=locked, latency_judge=judge)
    if locked and budgets.update_lock:
        save_lock(file.lock, old, locked)
    output.deliver(destinations, report(result, View()))
    remark(result, file, selected, None if budgets.update_lock else old, latencies=latency.latency)
    if result.exit_code == 2 or (result.exit_code and not exit_zero):
        raise typer.Exit(result.exit_code)


def select_cases(file: "BudgetFile", references: "Sequence[str]") -> "Cases":
    """The cases that are to be checked, with a note about each pattern that matches nothing.

    Raises:
        ArchprofError: Where there is nothing to check, or a reference is in no entry.
    """
    from archprof.budgets import cases

    selected = cases.find(file, references)
    for budget, pattern in selected.unmatched:
        console.note(f"{file.path}:{budget.line}: {budget.key_path}: nothing matches {pattern!r}")
    return selected


def save_lock(path: Path, old: "Lock | None", new: "Lock") -> None:
    """Write the lock file, unless nothing has changed.

    Raises:
        OutputError: Where it cannot be written.
    """
    from archprof.budgets import lock

    if new != old:
        output.write_whole(path, new.to_json())
    console.note(f"{path}: {lock.difference(old or lock.Lock(), new)}")


def remark(
    result: "CheckResult", file: "BudgetFile", selected: "Cases", old: "Lock | None", *, latencies: bool
) -> None:
    """Say what a reader should know: what was left out, what has no baseline, what is below the lock, and the counts.

    Args:
        result: Of the check.
        file: The budget file.
        selected: The cases that were checked.
        old: The lock file as it will stay; None where there is none, or what is out of date was removed.
        latencies: Whether those were measured.
    """
    from archprof.render import finding_text

    if not latencies and any(not rule.metric.exact for case in selected.cases for rule in case.rules):
        console.note("latencies were left out; --latency measures them")
    if old and result.baseline_is_lock and not selected.partial and (gone := _gone(old, result)):
        console.note(f"not checked any more: {gone}; `archprof check --update-lock` removes it from {file.lock}")
    unlocked = _variants(case for case in result.cases if any(entry.note is None for entry in case.without_baseline))
    if unlocked and result.baseline is None:
        console.note(f"no {file.lock} yet: growth could not be evaluated; `archprof check --update-lock` writes it")
    elif unlocked:
        console.note(f"no baseline in {result.baseline}, growth could not be evaluated: {unlocked}")
    improved = _variants(case for case in result.cases if case.improved)
    if improved and result.baseline_is_lock:
        console.note(f"below the lock: {improved}; `archprof check --update-lock` records it")
    console.note(finding_text.counts(result))


def _gone(lock: "Lock", result: "CheckResult") -> str:
    """The variants of a lock file of which no case is checked: deleted ones, and those that were renamed."""
    return ", ".join(sorted(lock.variants.keys() - {case.variant for case in result.cases}))


def _variants(cases: "Iterable[CaseResult]") -> str:
    return ", ".join(dict.fromkeys(case.variant for case in cases))
