"""What accounts for the change between two models: a step for each row or module, from one total to the other."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import msgspec

from archprof.records.comparison import Comparison
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.steps import Step, Steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.comparison import Change, Pair, Side

METRICS = {"flops": "FLOPs", "parameters": "parameters"}
"""What is drawn, with what it counts."""


class Changes(FigureKind):
    """The way from the model before to that after, by FLOPs and by parameters."""

    name = "changes"
    options = ("--metric",)
    metrics = tuple(METRICS)
    help = "what accounts for the change between two models, row by row"
    source = "comparison"
    absent = (
        "changes are of a comparison (`archprof compare A B -o comparison.json`) of models that have the same kinds of "
        "rows, and other FLOPs or parameters"
    )

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each pair and metric that differs."""
        for record in records:
            if isinstance(record, Comparison):
                for pair in record.pairs:
                    for metric in [choice.metric] if choice.metric else METRICS:
                        if steps := steps_of(record, pair, metric):
                            yield _figure(record, pair, metric, steps)


def steps_of(comparison: Comparison, pair: Pair, metric: str) -> Steps | None:
    """The way from one total to the other; None where they are the same, or one is not known."""
    delta = next((delta for delta in pair.metrics if delta.metric == metric), None)
    if (
        metric not in METRICS
        or delta is None
        or delta.before is None
        or delta.after is None
        or not delta.difference
        or not pair.changes
    ):
        return None
    return Steps(
        start=int(delta.before),
        end=int(delta.after),
        start_label=comparison.models[pair.before].name,
        end_label=comparison.models[pair.after].name,
        unit=METRICS[metric],
        steps=[
            Step(_label(change), "less" if amount < 0 else "more", [("", change.part.index, amount)])
            for change in pair.changes
            if (amount := getattr(change, metric))
        ],
    ).adding_up("other rows")


def _label(change: Change) -> str:
    part = change.part
    position = part.path if part.index is None else f"{part.index}"
    mark = {"+": "new: ", "-": "gone: "}.get(change.mark, "")
    module = part.module
    if change.before and change.after and change.before.module != change.after.module:
        module = f"{change.before.module} → {change.after.module}"
    return f"{mark}{position} {module}"


def _figure(comparison: Comparison, pair: Pair, metric: str, steps: Steps) -> Figure:
    before, after = (comparison.models[index] for index in (pair.before, pair.after))
    about = [f"{before.name} → {after.name}"]
    if after.input:
        about = [*origin.of_variant(after.variant, after.input, steps.unit)]
    return Figure(
        kind=Changes.name,
        title=f"What changes the {steps.unit}",
        text=steps.text(),
        spec=steps.spec(),
        about=[*about, *origin.versions_of(comparison.tool, [before.packages, after.packages])],
        command=f"{_compare(before, after)}\narchprof plot changes comparison.json --metric {metric} -o changes.svg",
    )


def _compare(before: Side, after: Side) -> str:
    """What compares the two again: with the options that hold for both."""
    settings: list[str] = []
    if after.input:
        scale = after.variant.scale if after.variant.scale == before.variant.scale else None
        static = before.variant.static or after.variant.static
        variant = msgspec.structs.replace(after.variant, scale=scale, static=static)
        settings = [*origin.settings(variant, after.input), *(["--backward"] if after.training else [])]
    names = [side.variant.reference if side.name == side.variant.name else side.name for side in (before, after)]
    return shlex.join(["archprof", "compare", *names, *settings, "-o", "comparison.json"])


FIGURES.register(Changes.name, Changes())
