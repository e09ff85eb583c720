"""``archprof init``."""

from contextlib import nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from archprof.cli import completion, output, selection
from archprof.cli import options as o
from archprof.cli.check import save_lock
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.errors import ArchprofError, BudgetFileError, OutputError, UsageError
from archprof.units import plural

Variants = Annotated[
    list[str] | None,
    typer.Argument(
        autocompletion=completion.references,
        metavar="REF...",
        help="Models to write budgets for.  [default: every model YAML here and below]",
    ),
]
Headroom = Annotated[str, o.option("--headroom", metavar="SHARE", help="Added to today's figures, as a percentage.")]
Force = Annotated[bool, o.option("--force", help="Overwrite the budget file and the lock file.")]


@command
def init(
    references: Variants = None,
    scale: o.Scale = None,
    imgsz: o.ImageSize = None,
    nc: o.Classes = None,
    headroom: Headroom = "5 %",
    plugins: o.Plugins = None,
    force: Force = False,
) -> None:
    """Write a first budget file (today's figures plus headroom) and the lock file."""
    from archprof.budgets import cases, lock, project, scaffold
    from archprof.budgets.checking import measure
    from archprof.budgets.exclusion import Exclusion
    from archprof.budgets.locking import updated_lock
    from archprof.budgets.read import LOCK, OWN

    share = parse_headroom(headroom)
    selection.parse_size(imgsz)
    path = Path(OWN)
    settings_text = refuse_overwriting(path, Path(LOCK), force=force)
    options = {"scales": scale, "imgsz": imgsz, "nc": nc}
    settings = {key: value for key, value in options.items() if value is not None}
    here = Path.cwd()
    kept = not path.is_file() or bool(settings_text)  # a file that is overwritten says nothing any more
    excluded, of_project = (project.exclusion(here), project.plugins(here)) if kept else (Exclusion(), [])
    discovery = scaffold.Discovery(tuple(references)) if references else scaffold.discover(Path(), excluded)
    for name, reason in discovery.skipped:
        console.note(f"left out {name}: {reason}")
    if not discovery.variants:
        message = "no YAML of a model, with backbone: or head:, in this folder or below"
        raise BudgetFileError(message, hint="name the models: archprof init yolo11n.yaml timm:resnet18")
    file = scaffold.plan(path, discovery.variants, settings)
    execution = selection.execution_config([*of_project, *(plugins or [])])
    with project.families_assigned(here) if kept else nullcontext():
        measured = measure(cases.find(file).cases, selection.profiler(execution))
    profiles = [(entry.case, entry.profile) for entry in measured if not isinstance(entry.profile, ArchprofError)]
    errors = list(dict.fromkeys(str(entry.profile) for entry in measured if isinstance(entry.profile, ArchprofError)))
    for error in errors:
        console.error(f"left out: {error}")
    if not profiles:
        raise BudgetFileError("nothing was written, because nothing could be built")
    save_lock(file.lock, None, updated_lock(lock.Lock(), measured, all_cases=True))
    own_plugins = [plugin for plugin in plugins or [] if plugin not in of_project]
    if settings_text and own_plugins:
        console.note(f"add {', '.join(own_plugins)} to plugins in {path}, or `archprof check` goes without")
    output.write_whole(path, settings_text + scaffold.write(profiles, share, () if settings_text else own_plugins))
    console.note(f"wrote {path} with {plural(len(profiles), 'case')}; `archprof check` checks them")
    if errors:
        raise typer.Exit(BudgetFileError.exit_code)


def parse_headroom(text: str) -> Fraction:
    """``5 %`` -> a twentieth.

    Raises:
        UsageError: Where it is no percentage.
    """
    from archprof.quantity import parse
    from archprof.units import Unit

    try:
        quantity = parse(text, Unit.times, percent=True)
    except ValueError:
        quantity = None
    if quantity is None or not quantity.percent:
        raise UsageError(f"--headroom {text!r} is not a percentage", hint="for example --headroom 5%")
    return quantity.of(Fraction(1))


def refuse_overwriting(path: Path, lock: Path, *, force: bool) -> str:
    """See to it that no file exists that would be lost or contradicted.

    Returns:
        What the budgets are written behind: a project configuration that has none yet.

    Raises:
        OutputError: Where a file is there already.
        BudgetFileError: Where pyproject.toml has budgets.
    """
    from archprof.budgets.read import PYPROJECT, Reader, in_pyproject

    configuration = ""
    if path.is_file() and not force:
        with suppress(BudgetFileError):  # what is no TOML is overwritten by nobody, whatever it is
            if "budgets" not in Reader(path).data:
                configuration = f"{path.read_text(encoding='utf-8-sig').rstrip()}\n\n"
    for file in (path, lock):
        if file.exists() and not force and not (file == path and configuration):
            raise OutputError("already exists", path=file, hint="--force overwrites it")
    if in_pyproject(path.parent):
        raise BudgetFileError("has [tool.archprof] already", path=PYPROJECT, hint="archprof check reads it")
    return configuration
