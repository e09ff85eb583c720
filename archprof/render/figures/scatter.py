"""Points in two metrics, and where they come from: profiles, comparisons, sweeps, suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.compare.pareto import axes, axis
from archprof.errors import UsageError
from archprof.records.comparison import Comparison
from archprof.records.metrics import find_metric
from archprof.records.profile import Profile
from archprof.records.suggestion import Suggestion
from archprof.records.sweep import Sweep
from archprof.records.variation import Variation
from archprof.render import several
from archprof.render.figures import commands, origin
from archprof.render.figures.style import printable
from archprof.suggest.additive import LIMITED, PER_UNIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archprof.compare.pareto import Axes
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
    both: Axes
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
            yield _of_suggestion(record, record.front_metric, choice)
        if isinstance(record, Variation):
            yield _of_variation(record, choice)
        if isinstance(record, Comparison) and len(record.models) > 2:
            yield _of_comparison(record, choice)


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
        command=commands.models([(profile.variant, profile.input) for profile in profiles], both),
    )


def _of_comparison(comparison: Comparison, choice: Choice) -> Scatter:
    """The models of a comparison, in the metrics of its front unless others are asked for."""
    both = axes(choice.x or comparison.front.x, choice.y or comparison.front.y)
    names = [side.name for side in comparison.models]
    return Scatter(
        points=_points(names, [[side.metrics.get(metric.name) for metric, _ in both] for side in comparison.models]),
        both=both,
        about=[*_inputs([side.input for side in comparison.models if side.input]),
               *origin.versions_of(comparison.tool, [side.packages for side in comparison.models])],
        command=commands.compared(comparison, both),
    )  # fmt: skip


def _of_sweep(sweep: Sweep, choice: Choice) -> Scatter:
    """The variants of a sweep, in the metrics of its own front where it has one, unless others are asked for."""
    x, y = (sweep.front.x, sweep.front.y) if sweep.front else (None, None)
    both = axes(choice.x or x, choice.y or y)
    names = [", ".join(f"{name} {units.literal(value)}" for name, value in row.point.items()) for row in sweep.rows]
    setup = [f"{key} {value}" if key != "reference" else str(value) for key, value in sweep.setup.items()]
    shapes = dict.fromkeys(" + ".join(map(units.shape, row.shapes)) for row in sweep.rows if row.shapes)
    inputs = list(shapes) if len(shapes) < 4 else [f"{len(shapes)} input shapes"]
    return Scatter(
        points=_points(names, [[row.value(metric.name) for metric, _ in both] for row in sweep.rows]),
        both=both,
        about=[*setup, f"varied: {', '.join(sweep.axes)}", *inputs,
               *origin.versions_of(sweep.tool, [row.packages for row in sweep.rows])],
        command=commands.sweep(sweep, both),
        noun="variant",
        named=0,
    )  # fmt: skip


def _of_suggestion(suggestion: Suggestion, metric: str, choice: Choice) -> Scatter:
    """The best answers over one budget, and the answer that was given.

    Raises:
        UsageError: Where other metrics are asked for than the front has.
    """
    both = (find_metric(metric), True), (find_metric(suggestion.goal), not suggestion.maximise)
    _require([metric, suggestion.goal], choice, "its front")
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
        command=commands.suggest(suggestion, "suggestion.json"),
        noun="placement",
    )


def _require(names: Sequence[str], choice: Choice, subject: str) -> None:
    """See to it that there are figures of what is asked for on an axis.

    Raises:
        UsageError: Where there are none.
    """
    for option, text in (("--x", choice.x), ("--y", choice.y)):
        if text and axis(text)[0].name not in names:
            raise UsageError(f"{option} {text}: {subject} has no figures of that", hint=f"it has {', '.join(names)}")


def _of_variation(variation: Variation, choice: Choice) -> Scatter:
    """The variants that were counted, in what is wanted and in what is limited first, and the one that was answered.

    Raises:
        UsageError: Where a metric is asked for that they do not have.
    """
    _require([*variation.base], choice, "the suggestion")
    own = [name for name in (variation.goal, *variation.limited, "parameters", "flops") if name in variation.base]
    y_name = choice.y or own[0]
    x_name = choice.x or next(name for name in own if name != axis(y_name)[0].name)
    both = _varied(variation, x_name), _varied(variation, y_name)
    others = [model for model in variation.models[1:] if model.totals]

    def points(models: Sequence[VariedModel], state: str) -> list[Point]:
        return _points(
            [model.text for model in models],
            [[_amount(model.totals, metric) for metric, _ in both] for model in models],
            state,
        )

    return Scatter(
        points=[*points(others, OFF), *points([variation.best], ANSWER)],
        both=both,
        about=[
            *origin.of_variant(variation.variant, variation.input, variation.limits),
            *origin.versions(variation.tool, variation.environment),
        ],
        command=commands.suggest(variation, "variation.json", choice),
        noun="variant",
        named=0,
    )


def _varied(variation: Variation, text: str) -> tuple[Metric, bool]:
    """The metric on an axis of a variation's points; of the goal, what is wanted is better."""
    metric, lower = axis(text)
    wanted = not variation.maximise if metric.name == variation.goal and ":" not in text else lower
    return LIMITED.get(metric.name, metric), wanted


def _amount(totals: Mapping[str, int], metric: Metric) -> float | None:
    """A variant's amount in single units; a time is kept in smaller ones."""
    amount = totals.get(metric.name)
    return amount if amount is None or metric.unit not in PER_UNIT else amount / PER_UNIT[metric.unit]


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
