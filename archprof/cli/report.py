"""``archprof report``."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from archprof.cli import completion, drawn_records, output, selection
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Model
from archprof.errors import UsageError
from archprof.sources import files

References = Annotated[
    list[str],
    typer.Argument(
        metavar="REF...",
        autocompletion=completion.references,
        help="Models as `summary` takes them, a store of `sweep`, and FILE.json that `summary`, `bench`, `audit`, "
        "`compare`, `check`, `claims`, `sweep`, `suggest` or `parameternet` saved.",
    ),
]
Output = Annotated[
    str | None,
    o.option("--output", "-o", metavar="FILE", help="The page; '-' is stdout.  [default: the model's name and .html]"),
]
X = Annotated[
    str | None,
    o.option("--x", metavar="METRIC", help="Metric on the x axis of several models' scatter.  [default: flops]"),
]
Y = Annotated[
    str | None, o.option("--y", metavar="METRIC", help="Metric on the y axis of that scatter.  [default: parameters]")
]
Limit = Annotated[
    list[str] | None,
    o.option("--limit", metavar="METRIC=AMOUNT", help="Draw a budget into the scatter, such as flops=8G. Repeatable."),
]


@command
def report(
    references: References,
    *,
    model: Model,
    device: o.Device = "auto",
    backward: o.Backward = False,
    plugins: o.Plugins = None,
    x: X = None,
    y: Y = None,
    limit: Limit = None,
    output_file: Output = None,
    force: o.Force = False,
) -> None:
    """Make one HTML file of figures and tables that needs no network: of a model, several, or saved results."""
    from archprof.compare.pareto import axes
    from archprof.records.profile import Profile
    from archprof.render import Page
    from archprof.render.figures import Choice
    from archprof.render.figures.pareto import parse_limits
    from archprof.render.formats import FORMATS
    from archprof.render.full_report import comparisons
    from archprof.render.full_report import report as full_report

    axes(x, y)  # before anything is built
    choice = Choice(x=x, y=y, limits=parse_limits(limit or []))
    name = output_file or default_name(references)
    path = None if name == output.STDOUT else Path(name)
    if path:
        output.check_file(path, force=force)
    inputs = drawn_records.find(references, model)
    making = drawn_records.Making(options=model.options(device=device, backward=backward), plugins=plugins or [])
    profiles = drawn_records.profiles(inputs, making) if inputs.specs else []
    records = [*inputs.saved, *profiles]
    if len(profiles) == 1 and not inputs.saved and not inputs.specs[0].graph_format:
        records += drawn_records.memory(inputs, making)
    records += comparisons(records)
    if len([record for record in records if isinstance(record, Profile)]) < 2:
        refuse_axes(references)
    if not records:
        reasons = "\n".join(failure.error for failure in inputs.failures)
        raise UsageError("nothing to draw: no model has a result", hint=reasons or None)
    with console.working("making the page"):
        text = FORMATS["html"].text(full_report(records, inputs.failures, choice), Page())
    if path is None:
        console.write(text)
    else:
        output.write_whole(path, text)
        console.note(f"wrote {path}")
    selection.conclude([*records, *inputs.failures])


def refuse_axes(references: list[str]) -> None:
    """Refuse the options of a scatter of several models, where there is none.

    Raises:
        UsageError: Where one was typed.
    """
    for option in console.typed.values():
        if option in ("--x", "--y", "--limit"):
            command = shlex.join(["archprof", "plot", "pareto", *references, option])
            hint = f"of a sweep or a suggestion: {command} ..."
            raise UsageError(f"{option} is for the scatter of several models, and here is none", hint=hint)


def default_name(references: list[str]) -> str:
    """The file of a report that is not named: after the only reference, else ``report.html``."""
    if len(references) > 1:
        return "report.html"
    from archprof.sweep.store import is_store

    name = Path(references[0].partition("?")[0].rpartition(":")[2])
    suffixes = (*files.SUFFIXES, *files.WEIGHTS, *files.GRAPHS, *files.PROGRAMS, drawn_records.SUFFIX)
    stem = name.stem if name.suffix.lower() in suffixes or is_store(Path(references[0])) else name.name
    return f"{stem or 'report'}.html"
