"""Points in two metrics, and where they come from: profiles, comparisons, sweeps, suggestions."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.compare.pareto import axes
from archprof.records.comparison import Comparison
from archprof.records.profile import Profile
from archprof.records.suggestion import Suggestion
from archprof.records.sweep import Sweep
from archprof.records.variation import Variation
from archprof.render import several
from archprof.render.figures import origin
from archprof.render.figures.style import printable
from archprof.suggest.additive import ADDITIVE, find_additive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.metrics import Metric
    from archprof.records.profile import Input
    from archprof.records.variation import VariedModel
    from archprof.render.figures import Choice

ON, OFF, ANSWER = "on the front", "beaten by another", "the answer"

NAMED = 24
"""Models that are named beside their points; of more, those on the front."""

Point = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Points in two metrics, and what one must know of them.

    Attributes:
        points: What has both metrics.
        both: The metric of each axis, and whether less of it is better.
        about: What is said below the figure, without the meaning of its units.
        command: What draws it again.
        noun: What a point stands for.
        named: Up to how many points all are named.
    """

    points: list[Point]
    both: tuple[tuple[Metric, bool], tuple[Metric, bool]]
    about: Sequence[str]
    command: str
    noun: str = "model"
    named: int = NAMED


def scatters(records: Sequence[Any], choice: Choice) -> Iterator[Scatter]:
    """One of all profiles, and one of each sweep, comparison of several, variation, and suggestion with a front."""
    if profiles := [record for record in records if isinstance(record, Profile)]:
        yield _of_profiles(profiles, choice)
    for record in records:
        if isinstance(record, Sweep):
            yield _of_sweep(record, choice)
        if isinstance(record, Suggestion) and record.front_metric:
            yield _of_suggestion(record, record.front_metric)
        if isinstance(record, Variation):
            yield _of_variation(record)
        if isinstance(record, Comparison) and len(record.models) > 2:
            yield _of_comparison(record)


def _of_profiles(profiles: Sequence[Profile], choice: Choice) -> Scatter:
    names = several.names_of(profiles)
    if len(set(names)) < len(names):
        scales = [profile.variant.scale or "" for profile in profiles]
        names = [f"{name} {scale}".rstrip() for name, scale in zip(names, scales, strict=True)]
    both = axes(choice.x, choice.y)
    versions = (version for profile in profiles for version in origin.versions(profile.tool, profile.environment))
    return Scatter(
        points=_points(names, [[metric.of(profile) for metric, _ in both] for profile in profiles]),
        both=both,
        about=[*_inputs([profile.input for profile in profiles]), *dict.fromkeys(versions)],
        command=_command([profile.variant.reference for profile in profiles], both),
    )


def _of_comparison(comparison: Comparison) -> Scatter:
    """The models of a comparison, in the metrics of its front."""
    both = axes(comparison.front.x, comparison.front.y)
    names = [side.name for side in comparison.models]
    return Scatter(
        points=_points(names, [[side.metrics.get(metric.name) for metric, _ in both] for side in comparison.models]),
        both=both,
        about=[*_inputs([side.input for side in comparison.models if side.input]),
               *origin.versions_of(comparison.tool, [side.packages for side in comparison.models])],
        command=_command(names, both),
    )  # fmt: skip


def _of_sweep(sweep: Sweep, choice: Choice) -> Scatter:
    """The variants of a sweep, in the metrics of its own front where it has one."""
    front = sweep.front
    both = axes(front.x, front.y) if front else axes(choice.x, choice.y)
    names = [", ".join(f"{name} {units.literal(value)}" for name, value in row.point.items()) for row in sweep.rows]
    setup = [f"{key} {value}" if key != "reference" else str(value) for key, value in sweep.setup.items()]
    shapes = dict.fromkeys(" + ".join(map(units.shape, row.shapes)) for row in sweep.rows if row.shapes)
    inputs = list(shapes) if len(shapes) < 4 else [f"{len(shapes)} input shapes"]
    return Scatter(
        points=_points(names, [[row.figures.get(metric.name) for metric, _ in both] for row in sweep.rows]),
        both=both,
        about=[*setup, f"varied: {', '.join(sweep.axes)}", *inputs, f"archprof {sweep.tool.version}"],
        command=_command(["sweep.db"], both),
        noun="variant",
        named=0,
    )


def _of_suggestion(suggestion: Suggestion, metric: str) -> Scatter:
    """The best answers over one budget, and the answer that was given."""
    both = (find_additive(metric), True), (find_additive(suggestion.goal), not suggestion.maximise)
    chosen = (suggestion.predicted.get(metric), suggestion.predicted[suggestion.goal])
    others = [point for point in suggestion.front if (point.used, point.goal) != chosen]
    points = _points([str(len(point.experts)) for point in others], [(point.used, point.goal) for point in others])
    answer = _points([str(len(suggestion.placement))], [chosen], ANSWER)
    return Scatter(
        points=[*points, *answer],
        both=both,
        about=[
            *origin.of_variant(suggestion.variant, suggestion.input, "a point's number is that of its dynamic layers"),
            *origin.versions(suggestion.tool, suggestion.environment),
        ],
        command=f"{_suggest(suggestion, metric)}\narchprof plot pareto suggestion.json -o pareto.svg",
        noun="placement",
    )


def _suggest(suggestion: Suggestion, metric: str) -> str:
    """What asks for the same suggestion again."""
    experts = ",".join(map(str, suggestion.choices))
    bounds = [piece for bound in suggestion.bounds for piece in (f"--{bound.kind}", bound.text)]
    settings = origin.settings(suggestion.variant, suggestion.input)
    arguments = [suggestion.variant.reference, *settings, "--experts", experts, *bounds, "--goal", suggestion.goal]
    return shlex.join(["archprof", "suggest", *arguments, "--front", metric, "-o", "suggestion.json"])


def _of_variation(variation: Variation) -> Scatter:
    """The variants that were counted, in what is wanted and in what is limited first, and the one that was answered."""
    named = (variation.goal, *variation.limited, "parameters", "flops")
    # Peak memory and latency are limited too, and are no sums of what rows cost: the points are of those that are.
    names = [name for name in named if name in variation.base and name in ADDITIVE]
    y, x = list(dict.fromkeys(names))[:2]
    others = [model for model in variation.models[1:] if model.totals]

    def points(models: Sequence[VariedModel], state: str) -> list[Point]:
        return _points(
            [model.text for model in models], [[model.totals.get(x), model.totals.get(y)] for model in models], state
        )

    return Scatter(
        points=[*points(others, OFF), *points([variation.best], ANSWER)],
        both=((find_additive(x), True), (find_additive(y), y != variation.goal or not variation.maximise)),
        about=[
            *origin.of_variant(variation.variant, variation.input, variation.limits),
            f"archprof {variation.tool.version}",
        ],
        command="archprof plot pareto variation.json -o pareto.svg",
        noun="variant",
        named=0,
    )


def _command(references: Sequence[str], both: tuple[tuple[Metric, bool], tuple[Metric, bool]]) -> str:
    (x, _), (y, _) = both
    names = dict.fromkeys(references)
    return shlex.join(["archprof", "plot", "pareto", *names, "--x", x.name, "--y", y.name, "-o", "pareto.svg"])


def _inputs(inputs: Sequence[Input]) -> list[str]:
    """What went in, each once."""
    shapes = sorted({" + ".join(map(units.shape, entry.shapes)) for entry in inputs})
    return [*shapes, *sorted({entry.dtype for entry in inputs})]


def _points(labels: Sequence[str], values: Sequence[Sequence[float | None]], state: str = OFF) -> list[Point]:
    return [
        {"model": printable(label), "x": x, "y": y, "state": state}
        for label, (x, y) in zip(labels, values, strict=True)
        if x is not None and y is not None
    ]
