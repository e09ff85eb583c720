"""``archprof compare``."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import completion, output, selection, watching
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Counting, ModelAtOneScale, OutputOptions
from archprof.errors import ArchprofError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.compare.condition import Condition
    from archprof.records.comparison import Comparison
    from archprof.records.profile import Profile

FAILED = 1
COULD_NOT_JUDGE = 2


class DetailChoice(StrEnum):
    """The table of rows."""

    changes = "changes"
    all = "all"
    none = "none"


References = Annotated[
    list[str],
    typer.Argument(
        autocompletion=completion.references,
        metavar="MODEL...",
        help="Models to compare, the base first: models as `summary` takes them, REV:FILE.yaml at a git revision, a "
        "FILE.json that `summary` saved, or a lock file; FILE.json#NAME selects one of several in it. A folder or a "
        "pattern means all models in it.",
    ),
]
Detail = Annotated[DetailChoice, o.option("--detail", help="Which rows to show.")]
Top = Annotated[int | None, o.option("--top", min=1, metavar="N", help="Show at most N rows, the largest changes.")]
Horizontal = Annotated[
    str | None,
    o.option(
        "--x",
        metavar="METRIC",
        help="Metric on the x axis of the Pareto front; METRIC:max if more is better.  [default: flops]",
    ),
]
FailOn = Annotated[
    list[str] | None,
    o.option(
        "--fail-on",
        metavar="CONDITION",
        help="Exit with 1 on this change, such as 'flops > 0' or 'parameters > 2 %'. Repeatable.",
    ),
]
Vertical = Annotated[
    str | None,
    o.option("--y", metavar="METRIC", help="Metric on the y axis of the Pareto front.  [default: parameters]"),
]


@command
def compare(
    references: References,
    *,
    model: ModelAtOneScale,
    device: o.Device = "auto",
    backward: o.Backward = False,
    counting: Counting,
    convention: o.Convention = "flops",
    detail: Detail = DetailChoice.changes,
    depth: o.Depth = 3,
    top: Top = None,
    x: Horizontal = None,
    y: Vertical = None,
    fail_on: FailOn = None,
    columns: o.Columns = None,
    watch: o.Watch = False,
    output_options: OutputOptions,
) -> None:
    """Show what changed between models, row by row, and what accounts for the difference."""
    from msgspec.structs import replace

    from archprof.budgets import comparison_inputs
    from archprof.compare import comparing as comparing
    from archprof.compare import condition, pareto
    from archprof.pipeline import Request
    from archprof.records.failure import Failure
    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.columns import parse_columns
    from archprof.render.comparison import report

    destinations = output_options.plan()
    view = View(detail=detail.value, top=top, columns=parse_columns(columns))
    model.refuse_several("a comparison")
    x, y = x or pareto.X, y or pareto.Y
    pareto.axes(x, y)  # before anything is built
    conditions = [condition.parse(text) for text in fail_on or []]
    choice, options, config = model.selection(), model.options(device=device, backward=backward), counting.config()
    profiles: list[Profile] = []

    def show() -> "Comparison":
        named = selection.find_models(references, lambda name: [comparison_inputs.find(name, choice)], (".json",))
        if len(named) < 2:
            raise UsageError("there is nothing to compare with", hint="name two models or more")
        selection.require_base(named)
        known, unreadable = selection.split(named)
        names = [model.reference for model in known]
        inputs = comparison_inputs.inputs_of(known, choice, options)
        profile = selection.profile_each if len(known) > 2 else selection.profile_all
        outcomes = inputs.counted(lambda requests: profile(requests, config), (convention,))
        results = [
            Failure(reference=name, error=str(outcome)) if isinstance(outcome, ArchprofError) else (label, outcome)
            for name, label, outcome in zip(names, inputs.labels(names), outcomes, strict=True)
        ]
        selection.require_base(results)
        pairs, uncounted = selection.split(results)
        models = [counted for _, counted in pairs]
        comparison = comparing.compare(models, names=[label for label, _ in pairs], depth=depth, x=x, y=y)
        comparison = replace(comparison, failures=[*unreadable, *uncounted])
        output.deliver(destinations, report(comparison, view, models))
        profiles[:] = [counted for counted in models if isinstance(counted, Profile)]
        return comparison

    def watched() -> "list[Profile]":
        show()
        return [*profiles]

    if watch:
        watching.check(destinations)
        if conditions:
            raise UsageError("--watch has no exit code for a condition", hint="leave out --fail-on")
        watching.watch(
            references,
            watched,
            lambda path: selection.profile_all(
                [Request(spec, options, (convention,)) for spec in model.find(f"HEAD:./{path}")], config
            ),
        )
    leave(show(), conditions)


def leave(comparison: "Comparison", conditions: "Sequence[Condition]") -> None:
    """Say which conditions fail, and which models could not be counted, and end as the worst of it demands.

    Raises:
        typer.Exit: Where one fails, or could not be evaluated.
        ArchprofError: Where a model could not be counted.
    """
    from archprof.compare.condition import CannotJudgeError
    from archprof.render.attribution_text import changed_by

    codes = {0}
    for pair in comparison.pairs:
        name = comparison.models[pair.after].name
        for condition in conditions:
            try:
                if condition.fails(pair):
                    codes.add(FAILED)
                    console.error(f"{name}: {changed_by(condition.delta(pair))}, which fails {condition.text!r}")
            except CannotJudgeError as error:
                codes.add(COULD_NOT_JUDGE)
                console.error(f"{name}: {condition.text!r} could not be evaluated: {error}")
    selection.conclude([*comparison.models, *comparison.failures])
    if code := max(codes):
        raise typer.Exit(code)
