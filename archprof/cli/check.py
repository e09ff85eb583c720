"""``archprof check``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.budgets.budget import BudgetFile
    from archprof.budgets.cases import Cases
    from archprof.budgets.checking import Measured
    from archprof.budgets.latency_judge import Stopwatch
    from archprof.budgets.lock import Lock
    from archprof.records.check_result import Check


Variants = Annotated[
    list[str] | None,
    typer.Argument(metavar="REF", help="Check only these variants.  [default: all variants of the budget file]"),
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


@command
def check(
    references: Variants = None,
    config: Config = None,
    against: Against = None,
    update_lock: UpdateLock = False,
    latency: Latency = False,
    confirm: Confirm = False,
    threads: o.Threads = None,
    max_time: MaxTime = 20.0,
    exit_zero: ExitZero = False,
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    jobs: o.Jobs = 0,
    time_limit: o.TimeLimit = LIMIT_SECONDS,
    memory_limit: o.MemoryLimit = MEMORY_LIMIT,
    format: o.FindingsFormat = None,  # noqa: A002
    outputs: o.Outputs = None,
    force: o.Force = False,
) -> None:
    """Check the repository's models against their budgets.

    Exits with 1 if a budget failed, and with 2 if something could not be evaluated.
    """
    from archprof.budgets import cases, lock, read
    from archprof.budgets.checking import conclude, measure
    from archprof.pipeline import prewarm
    from archprof.render import View
    from archprof.render.check import report

    destinations = output.plan(outputs or [], format, force=force, findings=True)
    file = read.read(config or read.find(Path.cwd()))
    execution = selection.execution_config(
        [*file.plugins, *(plugins or [])],
        no_plugins=no_plugins,
        jobs=jobs,
        time_limit=time_limit,
        memory_limit=memory_limit,
    )
    prewarm(execution)
    found = cases.find(file, references or [])
    for budget, pattern in found.unmatched:
        console.note(f"{file.path}:{budget.line}: {budget.place}: nothing matches {pattern!r}")
    locked = lock.read(file.lock)
    profiler = selection.profiler(execution)
    measured = measure(found.cases, profiler)
    stopwatch = start(found, execution.plugins, against) if latency else None
    if stopwatch:
        stopwatch.confirm, stopwatch.threads, stopwatch.max_time = confirm, threads, max_time
    if update_lock:
        old = locked or lock.Lock()
        locked = write_lock(file.lock, old, measured, stopwatch, all_cases=not references)
    result = conclude(file, measured, profiler, against=against, locked=locked, stopwatch=stopwatch)
    output.deliver(destinations, report(result, View()))
    if not latency and any(not rule.metric.exact for case in found.cases for rule in case.rules):
        console.note("latencies were left out; --latency measures them")
    leave(result, file, exit_zero=exit_zero)


def start(found: "Cases", plugins: "Sequence[str]", against: str | None) -> "Stopwatch":
    """What measures latencies: beside what the cases were, where that is a git revision.

    Raises:
        UnknownReferenceError: Where there is no such revision.
        PluginError: Where a plugin is not there, or raises.
    """
    from archprof.budgets.baseline_sources import specs_then

    with console.working("loading torch"):
        from archprof.budgets.latency_judge import Stopwatch
    selection.load_plugins(plugins)
    timed = [case for case in found.cases if any(not rule.metric.exact for rule in case.rules)]
    then = specs_then(against, timed) if against and not Path(against).is_file() else {}
    return Stopwatch(then=then, progress=console)


def write_lock(
    path: Path,
    old: "Lock",
    measured: "Sequence[Measured]",
    stopwatch: "Stopwatch | None" = None,
    *,
    all_cases: bool,
) -> "Lock":
    """Write the lock file anew, unless nothing has changed.

    Args:
        path: The file.
        old: What it held.
        measured: What is so now. What could not be measured stays as it was.
        stopwatch: Measures latencies; without one those that are locked stay.
        all_cases: Whether these are all cases that there are, so that others are out of date.

    Raises:
        OutputError: Where it cannot be written.
    """
    from archprof.budgets import lock
    from archprof.budgets.baseline import of_profile
    from archprof.errors import ArchprofError

    current, failed = {}, set()
    for one in measured:
        case, profile = one.case, one.profile
        try:
            if isinstance(profile, ArchprofError):
                raise profile
            before = old.find(case.place)
            times = stopwatch.times(case, profile) if stopwatch else before.latency if before else {}
            current[case.place] = lock.locked(of_profile(profile), times)
        except ArchprofError:
            failed.add(case.variant)
    new = old.updated(current, failed if all_cases else None)
    if new != old or not path.exists():
        output.write_whole(path, new.to_json())
    console.note(f"{path}: {lock.difference(old, new)}")
    return new


def leave(result: "Check", file: "BudgetFile", *, exit_zero: bool) -> None:
    """Say what a reader should know, and how the check ended, and end so.

    Raises:
        typer.Exit: Where a budget failed, or something could not be judged.
    """
    from archprof.render import finding_text

    new = list(dict.fromkeys(case.variant for case in result.cases if any(one.note is None for one in case.unjudged)))
    if new and result.against is None:
        said = "so nothing was said of growth, and the other bounds hold as they are"
        console.note(f"no {file.lock} yet, {said}; archprof check --update-lock writes it")
    elif new:
        console.note(f"not in {result.against}, so nothing was said of their growth: {', '.join(new)}")
    better = list(dict.fromkeys(case.variant for case in result.cases if case.improved))
    if better and result.locked:
        console.note(f"less than is locked: {', '.join(better)}; archprof check --update-lock keeps it so")
    console.note(finding_text.counts(result))
    if result.exit_code == 2 or (result.exit_code and not exit_zero):
        raise typer.Exit(result.exit_code)
