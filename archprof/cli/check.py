"""``archprof check``."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import options as o
from archprof.cli import output, subject
from archprof.cli.command import command
from archprof.cli.console import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.analyse.judged import Check
    from archprof.budgets.budget import BudgetFile
    from archprof.budgets.lock import Lock
    from archprof.checking import Measured


class FormatChoice(StrEnum):
    """What a check is written as."""

    text = "text"
    concise = "concise"
    json = "json"
    markdown = "markdown"
    github = "github"
    junit = "junit"
    sarif = "sarif"
    gitlab = "gitlab"


Variants = Annotated[
    list[str] | None,
    typer.Argument(metavar="REF", help="Only these variants.  [default: all that the budget file is about]"),
]
Config = Annotated[
    Path | None,
    o.option("--config", metavar="FILE", help="The budget file.  [default: the nearest, here or in a folder above]"),
]
ExitZero = Annotated[bool, o.option("--exit-zero", help="Exit with 0 although a budget failed; still 2 for an error.")]
Format = Annotated[
    FormatChoice | None, o.option("--format", help="Format of the output.  [default: by the extension; text]")
]


Against = Annotated[
    str | None,
    o.option(
        "--against",
        metavar="REV|FILE",
        help="What max_increase compares with: a git revision, or a saved profile.  [default: the lock file]",
    ),
]
UpdateLock = Annotated[
    bool, o.option("--update-lock", help="Write what the variants are now to the lock file, then check.")
]

LIMIT_SECONDS = 60.0
LIMIT_MEMORY = "4 GB"
"""What counting one variant may take unless somebody says otherwise: several times what the largest known ones do."""


@command
def check(
    references: Variants = None,
    config: Config = None,
    against: Against = None,
    update_lock: UpdateLock = False,
    exit_zero: ExitZero = False,
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    jobs: o.Jobs = 1,
    limit_time: o.LimitTime = LIMIT_SECONDS,
    limit_memory: o.LimitMemory = LIMIT_MEMORY,
    format: Format = None,  # noqa: A002
    outputs: o.Outputs = None,
    force: o.Force = False,
) -> None:
    """Hold the repository's models to their budgets.

    Exits with 1 where a budget failed, and with 2 where something could not be judged.
    """
    from archprof.budgets import cases, lock, read
    from archprof.checking import conclude, measure
    from archprof.render import View
    from archprof.render.budgets import FORMATS

    destinations = output.plan(outputs or [], format and format.value, force=force, formats=FORMATS)
    file = read.read(config or read.find(Path.cwd()))
    found = cases.find(file, references or [])
    for budget, pattern in found.unmatched:
        console.note(f"{file.path}:{budget.line}: {budget.place}: nothing matches {pattern!r}")
    locked = lock.read(file.lock)
    means = subject.find_means(
        [*file.plugins, *(plugins or [])],
        no_plugins=no_plugins,
        jobs=jobs,
        limit_time=limit_time,
        limit_memory=limit_memory,
        details=False,
    )
    profiler = subject.profiler(means)
    measured = measure(found.cases, profiler)
    if update_lock:
        locked = write_lock(file.lock, locked or lock.Lock(), measured, all_cases=not references)
    result = conclude(file, measured, profiler, against=against, locked=locked)
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen].render(result, view), View())
    leave(result, file, exit_zero=exit_zero)


def write_lock(path: Path, old: "Lock", measured: "Sequence[Measured]", *, all_cases: bool) -> "Lock":
    """Write the lock file anew, unless nothing has changed.

    Args:
        path: The file.
        old: What it held.
        measured: What is so now. What could not be measured stays as it was.
        all_cases: Whether these are all cases that there are, so that others are out of date.

    Raises:
        OutputError: Where it cannot be written.
    """
    from archprof.budgets import lock
    from archprof.budgets.baseline import of_profile
    from archprof.errors import ArchprofError

    current, failed = {}, set()
    for one in measured:
        if isinstance(one.profile, ArchprofError):
            failed.add(one.case.variant)
        else:
            current[one.case.place] = lock.locked(of_profile(one.profile, one.case.spec))
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
    from archprof.render.budgets import words

    new = list(dict.fromkeys(case.variant for case in result.cases if case.unjudged))
    if new and result.against is None:
        said = "so nothing was said of growth, and the other bounds hold as they are"
        console.note(f"no {file.lock} yet, {said}; archprof check --update-lock writes it")
    elif new:
        console.note(f"not in {result.against}, so nothing was said of their growth: {', '.join(new)}")
    console.note(words.counts(result))
    if result.exit_code == 2 or (result.exit_code and not exit_zero):
        raise typer.Exit(result.exit_code)
