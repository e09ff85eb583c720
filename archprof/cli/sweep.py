"""``archprof sweep``."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archprof.cli import completion, output
from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Counting, ModelAtOneScale, OutputOptions
from archprof.cli.parsing import Command, Group
from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.sweep import Sweep
    from archprof.render import View
    from archprof.sweep.plan import Plan

TOP = 40
"""Variants that are printed unless somebody asks for more."""

RUN = "run"
"""The command that is meant where none is named."""

Reference = Annotated[
    str | None,
    typer.Argument(autocompletion=completion.references, metavar="REF", help="The model; a plan may name it."),
]
Vary = Annotated[
    list[str] | None,
    o.option(
        "--vary",
        metavar="NAME=VALUES",
        help="An axis: scale, width, depth, max_channels, imgsz, batch, channels, dtype, a top-level key such as nc, "
        "or 'row 7 args[0]', 'row 7 repeats', 'row 7 module'. Values as 0.25,0.5 or 320:640:64. Repeatable.",
    ),
]
PlanPath = Annotated[
    Path | None, o.option("--plan", metavar="FILE", help="Take axes, conditions and sample from a TOML file.")
]
Where = Annotated[
    list[str] | None,
    o.option(
        "--where",
        metavar="CONDITION",
        help="Leave out variants that do not meet a condition, as 'flops < 8 G' or 'imgsz >= 480'. Repeatable.",
    ),
]
Sample = Annotated[
    int | None, o.option("--sample", min=1, metavar="N", help="Take N combinations, spread evenly, instead of all.")
]
Seed = Annotated[int | None, o.option("--seed", min=0, metavar="S", help="Which combinations --sample takes.")]
StorePath = Annotated[
    Path | None,
    o.option("--store", metavar="FILE", help="Keep variants in an SQLite file; variants in it are not counted again."),
]


class LatencyChoice(StrEnum):
    """Where latencies come from."""

    predicted = "predicted"
    measured = "measured"


Latency = Annotated[
    LatencyChoice | None,
    o.option("--latency", help="Add each variant's latency: predicted, or measured against the model itself."),
]
MaxTime = Annotated[
    float, o.option("--max-time", min=0.001, metavar="SECONDS", help="Maximum sampling time of each measured variant.")
]
EngineName = Annotated[
    str, o.option("--engine", metavar="[local|ray]", help="Where to count: processes of this computer, or Ray.")
]
Address = Annotated[str | None, o.option("--address", metavar="ADDRESS", help="The Ray cluster to count on.")]
AxisX = Annotated[str | None, o.option("--x", metavar="METRIC[:min|max]", help="Mark the Pareto front: one metric.")]
AxisY = Annotated[str | None, o.option("--y", metavar="METRIC[:min|max]", help="The other metric.")]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="Print at most N variants.")]
Number = Annotated[
    int | None, o.option("--number", min=1, metavar="N", help="Take the N-th sweep of the store, counted from 1.")
]
StoreArgument = Annotated[Path, typer.Argument(metavar="STORE", help="The file that --store named.")]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What of a sweep is shown."""

    columns: o.Columns = None
    sort: o.Sort = None
    x: AxisX = None
    y: AxisY = None
    top: Top = TOP

    def view(self) -> "View":
        """The columns, the order and the number of lines.

        Raises:
            UsageError: Where a column is unknown.
        """
        from archprof.render import View
        from archprof.render.columns import parse_columns

        return View(sort=self.sort, top=self.top, columns=parse_columns(self.columns))

    def front_axes(self) -> tuple[str, str] | None:
        """Both metrics of a Pareto front; None where none is asked for.

        Raises:
            UsageError: Where one is unknown.
        """
        from archprof.compare import pareto

        if self.x is None and self.y is None:
            return None
        chosen = self.x or pareto.X, self.y or pareto.Y
        pareto.axes(*chosen)
        return chosen


class SweepGroup(Group):
    """``archprof sweep REF`` is short for ``archprof sweep run REF``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command where none is named."""
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help", "help"):
            args = [RUN, *args]
        return super().parse_args(ctx, args)


@command
def run(
    reference: Reference = None,
    *,
    vary: Vary = None,
    plan: PlanPath = None,
    where: Where = None,
    sample: Sample = None,
    seed: Seed = None,
    store: StorePath = None,
    model: ModelAtOneScale,
    convention: o.Convention = "flops",
    latency: Latency = None,
    threads: o.Threads = None,
    max_time: MaxTime = 10.0,
    counting: Counting,
    engine: EngineName = "local",
    address: Address = None,
    shown: Shown,
    output_options: OutputOptions,
) -> None:
    """Count every combination of what is varied, and keep what was counted.

    Example: archprof sweep yolo11n.yaml --vary width=0.25,0.5 --vary imgsz=320:640:64 --store sweep.db
    """
    from archprof import units
    from archprof.sweep import plan_file
    from archprof.sweep.store import Store
    from archprof.sweep.sweeping import failure, plan_rows, plan_table
    from archprof.sweep.sweeping import sweep as fill

    destinations = output_options.plan()
    view = shown.view()
    file = plan_file.read(plan) if plan else plan_file.PlanFile()
    chosen = _plan(reference, vary or [], where or [], file, model, convention, latency, threads, sample, seed)
    axes, config = shown.front_axes(), counting.config()
    _check_shown(chosen, view, axes)
    results = Store(store)
    try:
        counted = fill(chosen, results, config, console, engine=engine, address=address)
        if latency == LatencyChoice.measured:
            from archprof.sweep.timing import measure

            sampling = la.Sampling(threads=threads, max_time=max_time, min_time=min(1.0, max_time))
            measure(chosen, results, la.plan(chosen.build, config.plugins, sampling, models=2), config, console)
        rows = plan_rows(chosen, results)
        result, error, present = plan_table(chosen, rows), failure(rows), len(rows) - counted
    except KeyboardInterrupt:
        if store:
            console.note(f"what was counted is in {store}; the same command goes on from there")
        raise
    finally:
        results.close()
    if store and present > 0:
        console.note(f"{units.plural(present, 'variant')} {'was' if present == 1 else 'were'} in {store} already")
    _deliver(result, view, axes, destinations)
    if error:
        raise error


@command
def show(
    store: StoreArgument,
    *,
    number: Number = None,
    where: Where = None,
    shown: Shown,
    output_options: OutputOptions,
) -> None:
    """Show, sort, filter and export what a store has.

    Example: archprof sweep show sweep.db --where 'flops < 4 G' --x flops --y parameters:max -o front.csv
    """
    from archprof.render.sweep import report
    from archprof.sweep.front import with_front
    from archprof.sweep.sweeping import tables

    destinations = output_options.plan()
    view, axes = shown.view(), shown.front_axes()
    results = tables(store, where or (), number)
    if len(results) > 1 and any(destination.path or destination.format != "text" for destination in destinations):
        names = [f"{index}: {result.headline}" for index, result in enumerate(results, start=1)]
        raise UsageError(
            f"{store} has {len(results)} sweeps, and a file is of one",
            hint="\n".join(["--number N takes one:", *names]),
        )
    reports = [report(with_front(result, *axes) if axes else result, view) for result in results]
    for shown_report in reports:
        output.deliver(destinations, shown_report)


def _plan(
    reference: str | None,
    vary: "Sequence[str]",
    where: "Sequence[str]",
    file: Any,
    model: ModelAtOneScale,
    convention: str,
    latency: LatencyChoice | None,
    threads: int | None,
    sample: int | None,
    seed: int | None,
) -> "Plan":
    """The plan of a command line; what stands there goes before what stands in a file."""
    from archprof.pipeline import PredictionRequest
    from archprof.sweep.plan import Plan
    from archprof.sweep.values import parse

    name = reference or file.reference
    if name is None:
        raise UsageError("no model is named", hint="archprof sweep REF --vary NAME=VALUES, or reference = in the plan")
    axes = [parse(text) for text in vary]
    names = [axis for axis, _ in axes]
    if twice := {axis for axis in names if names.count(axis) > 1}:
        raise UsageError(f"{min(twice)} is varied twice", hint="give all its values behind one --vary")
    options = model.options(device="auto")
    predicted = PredictionRequest(device=options.device, threads=threads)
    overridden = {f"vary.{axis}" for axis in names} | ({"reference"} if reference else set())
    return Plan(
        reference=name,
        selection=model.selection(),
        build=options,
        axes={**file.axes, **dict(axes)},
        where=[*file.where, *where],
        sample=sample if sample is not None else file.sample,
        seed=seed if seed is not None else file.seed,
        conventions=() if convention == "flops" else (convention,),
        prediction=predicted if latency == LatencyChoice.predicted else None,
        threads=threads if latency else None,
        origins={part: origin for part, origin in file.origins.items() if part not in overridden},
    )


def _check_shown(plan: "Plan", view: "View", axes: tuple[str, str] | None) -> None:
    """See to it that what is to be shown will be there, before anything is counted.

    Raises:
        UsageError: Where it will not.
    """
    from archprof.compare import pareto
    from archprof.records.metrics import LATENCY
    from archprof.records.sweep import Sweep
    from archprof.render.sweep import report

    for metric, _ in pareto.axes(*axes) if axes else ():
        plan.check_counted(metric)
    if view.sort != LATENCY:  # of which there is a column where something was measured
        report(Sweep(setup=plan.setup, axes=list(plan.axes), rows=[]), view)


def _deliver(
    result: "Sweep", view: "View", axes: tuple[str, str] | None, destinations: "list[output.Destination]"
) -> None:
    from archprof.render.sweep import report
    from archprof.sweep.front import with_front

    output.deliver(destinations, report(with_front(result, *axes) if axes else result, view))


sweep = typer.Typer(
    cls=SweepGroup,
    help="Count many variants of a model: `archprof sweep REF --vary NAME=VALUES`, and `archprof sweep show STORE`.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sweep.command(RUN, cls=Command)(run)
sweep.command("show", cls=Command)(show)
