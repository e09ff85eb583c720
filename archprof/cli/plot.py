"""``archprof plot``."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import completion, drawn_records, output
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Model
from archprof.errors import UsageError, did_you_mean
from archprof.records.conventions import CONVENTIONS
from archprof.records.metrics import LATENCY, NAMED, by_name
from archprof.render.figures import FIGURES, Choice, FigureKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.render.figures import Figure

EXPERTS = "1,2,4,8"

FORMATS = (".svg", ".png", ".pdf")

TIME = "time"
"""What a figure calls measured time, of which there is one kind in it."""

OF_FIGURES = ("--counter", "--metric", "--parts", "--x", "--y", "--limit", "--experts")
"""The options that some kinds of figures take, and others do not."""

METRICS = FIGURES["treemap"].metrics


class WidthChoice(StrEnum):
    """How wide the figure is."""

    column = "column"
    page = "page"


class PartsChoice(StrEnum):
    """What the areas of a treemap are."""

    rows = "rows"
    modules = "modules"
    operations = "operations"


Kind = Annotated[
    str,
    typer.Argument(
        metavar="FIGURE",
        autocompletion=lambda incomplete: [name for name in FIGURES if name.startswith(incomplete)],
        help=f"What to draw: {', '.join(FIGURES)}.",
    ),
]
References = Annotated[
    list[str],
    typer.Argument(
        metavar="REF...",
        autocompletion=completion.references,
        help="Models as `summary` takes them, a store of `sweep`, or FILE.json that `summary`, `bench`, `audit`, "
        "`compare`, `sweep`, `suggest` or `parameternet` saved.",
    ),
]
Outputs = Annotated[
    list[str] | None,
    o.option("--output", "-o", metavar="FILE", help="FILE.svg, .png or .pdf; '-' is SVG on stdout. Repeatable."),
]
Width = Annotated[WidthChoice, o.option("--width", help="One column of a paper (3.5 in), or the page (7.2 in).")]
Title = Annotated[bool, o.option("--title", help="Put the title, and what a reader needs to quote the figure, on top.")]
Counter = Annotated[
    str | None,
    o.option("--counter", metavar="NAME", help="Waterfall: the counter or convention it leads to."),
]
Metric = Annotated[
    str | None,
    o.option(
        "--metric",
        metavar="METRIC",
        autocompletion=lambda incomplete: [name for name in METRICS if name.startswith(incomplete)],
        help=f"Treemap: {', '.join(METRICS)}; changes: flops, parameters.  [default: flops]",
    ),
]
Parts = Annotated[PartsChoice | None, o.option("--parts", help="Treemap: kind of areas.  [default: rows, or modules]")]
X = Annotated[
    str | None,
    o.option("--x", metavar="METRIC", help="Pareto: x axis; METRIC:max if more is better.  [default: flops]"),
]
Y = Annotated[str | None, o.option("--y", metavar="METRIC", help="Pareto: y axis.  [default: parameters]")]
Limit = Annotated[
    list[str] | None,
    o.option("--limit", metavar="METRIC=AMOUNT", help="Pareto: draw a budget, such as flops=8G. Repeatable."),
]
Select = Annotated[
    str | None,
    o.option("--select", metavar="TEXT", help="Of several figures, the one whose title contains TEXT."),
]
Experts = Annotated[str, o.option("--experts", metavar="M,M,...", help="Curve: numbers of experts M.")]


@command
def plot(
    kind: Kind,
    references: References,
    *,
    model: Model,
    device: o.Device = "auto",
    backward: o.Backward = False,
    plugins: o.Plugins = None,
    width: Width = WidthChoice.page,
    title: Title = False,
    counter: Counter = None,
    metric: Metric = None,
    parts: Parts = None,
    x: X = None,
    y: Y = None,
    limit: Limit = None,
    experts: Experts = EXPERTS,
    select: Select = None,
    outputs: Outputs = None,
    force: o.Force = False,
) -> None:
    """Draw one figure for a paper or a page, as SVG, PNG or PDF."""
    from archprof.cli.parameternet import parse_experts
    from archprof.compare.pareto import axes
    from archprof.records.profile import Profile
    from archprof.render.drawing import draw
    from archprof.render.figures import figures_of
    from archprof.render.figures.pareto import parse_limits
    from archprof.render.figures.style import WIDTHS
    from archprof.render.full_report import comparisons

    figure_kind = FIGURES.find(kind)
    refuse_unused(figure_kind)
    paths = [plan(name, force=force) for name in outputs or ["-"]]
    choice = Choice(
        counter=counter,
        metric=metric and parse_metric(figure_kind, metric),
        parts=parts and parts.value,
        x=x,
        y=y,
        limits=parse_limits(limit or []),
    )
    axes(x, y)  # before anything is built
    inputs = drawn_records.find(references, model)
    making = drawn_records.Making(
        options=model.options(device=device, backward=backward),
        plugins=plugins or [],
        conventions=(counter,) if counter in CONVENTIONS else (),
        experts=parse_experts(experts) or [],
    )
    records = [*inputs.saved, *(drawn_records.SOURCES[figure_kind.source](inputs, making) if inputs.specs else [])]
    if figure_kind.source == "comparison" and not inputs.specs:
        records += comparisons(inputs.saved)
    figures = figures_of(records, figure_kind.name, choice=replace(choice, metric=_metric(figure_kind, choice)))
    if not figures:
        raise UsageError(f"nothing to draw: {figure_kind.absent}", hint=_hint(records, counter) or _others(records))
    if figure_kind.alternatives and select is None and len(records) == 1 and isinstance(records[0], Profile):
        figures = figures[:1]
    figure = choose(figures, select)
    for path in paths:
        suffix = path.suffix.lower() if path else ".svg"
        with console.working(f"drawing {figure_kind.name}"):
            data = draw(figure, suffix[1:], WIDTHS[width.value], title=title)
        if path is None:
            console.write(data.decode())
        else:
            output.write_whole(path, data)
            console.note(f"wrote {path}")
    for failure in inputs.failures:
        console.note(f"left out {failure.reference}: {failure.error}")


def refuse_unused(kind: "FigureKind") -> None:
    """Refuse options that change nothing of a kind of figure, where they were typed.

    Raises:
        UsageError: With the kinds that take the first of them.
    """
    of_figures = {name: [other.name for other in FIGURES.values() if name in other.options] for name in OF_FIGURES}
    for name in console.typed.values():
        if name in OF_FIGURES and name not in kind.options:
            raise UsageError(
                f"{name} changes nothing of a {kind.name}", hint=f"it is for {' and '.join(of_figures[name])}"
            )


def parse_metric(kind: "FigureKind", text: str) -> str:
    """The metric of areas or steps that a name or an alias means.

    Raises:
        UsageError: Where it is none of the kind's.
    """
    names = by_name(NAMED[name] for name in kind.metrics if name in NAMED)
    meant = {name: metric.name for name, metric in names.items()} | {name: name for name in kind.metrics}
    if TIME in kind.metrics:
        meant[LATENCY] = TIME
    if name := meant.get(text.lower()):
        return name
    hint = did_you_mean(text, meant) or f"metrics of a {kind.name}: {', '.join(kind.metrics)}"
    raise UsageError(f"--metric {text}: a {kind.name} has no amounts of that", hint=hint)


def choose(figures: "Sequence[Figure]", text: str | None) -> "Figure":
    """The one figure that a file holds.

    Args:
        figures: All that there are.
        text: The title of the one that is wanted, or a part of it; None where there is only one.

    Raises:
        UsageError: Where there are several, or none with such a title.
    """
    titles = "; ".join(figure.title for figure in figures)
    chosen = [figure for figure in figures if figure.title == text]
    chosen = chosen or [figure for figure in figures if text is None or text in figure.title]
    if not chosen:
        raise UsageError(f"no figure has {text!r} in its title", hint=f"there are: {titles}")
    if len(chosen) > 1:
        message = f"{len(chosen)} figures, and a file holds one: {titles}"
        raise UsageError(message, hint="--select TEXT takes the one that has TEXT in its title")
    return chosen[0]


def plan(name: str, *, force: bool) -> Path | None:
    """The file that a name means, checked before there is anything to draw; None for stdout.

    Raises:
        UsageError: Where its extension is none of a picture's.
        OutputError: Where it exists already, or cannot be written.
    """
    if name == output.STDOUT:
        return None
    path = Path(name)
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            f"a figure is no {path.suffix or 'file without an extension'}: {name}",
            hint="name FILE.svg, FILE.png or FILE.pdf",
        )
    output.check_file(path, force=force)
    return path


def _metric(kind: FigureKind, choice: Choice) -> str | None:
    return choice.metric or ("flops" if kind.name == "changes" else None)


def _others(records: list[object]) -> str | None:
    """What else some records can be drawn as."""
    from archprof.render.figures import kinds_of

    if kinds := kinds_of(records):
        return f"what is there can be drawn as {' or '.join(kinds)}"
    return "what is there is tables: `archprof report FILE.json` makes a page of them" if records else None


def _hint(records: list[object], counter: str | None) -> str | None:
    """The counters that there are, where one was named that is not; or why a calibration is of no use."""
    from archprof.records.audit import AuditResult
    from archprof.records.profile import Profile

    names = [
        name
        for record in records
        for name in (
            [opinion.counter for opinion in record.opinions]
            if isinstance(record, AuditResult)
            else [*record.reported]
            if isinstance(record, Profile)
            else []
        )
    ]
    if counter is None or counter in names:
        reasons = [record.prediction_absent for record in records if isinstance(record, Profile)]
        return next((f"this computer's calibration does not do: {reason}" for reason in reasons if reason), None)
    return did_you_mean(counter, names) or f"counters: {', '.join(names)}"
