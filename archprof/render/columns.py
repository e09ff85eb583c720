"""The table that papers print: one line a model, of the columns that somebody chose."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from archprof import units
from archprof.errors import UsageError, did_you_mean
from archprof.records.metrics import BY_NAME, LATENCY, UNKNOWN, find_metric, latencies_of
from archprof.render.table import Column, Table
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.records.failure import Failure
    from archprof.records.latency import Latency
    from archprof.records.metrics import Metric, Value
    from archprof.records.profile import Input, Profile, Variant

LABELS = ("model", "scale", "task", "input", "dtype", "batch", "device", "backend")
"""Columns that say which model a line is of, and how it was run."""

_POWERS = {"": 0, "k": 3, "M": 6, "G": 9, "m": -3}

_PREFIXES = {Unit.flops: "G", Unit.macs: "G", Unit.bytes: "M", Unit.seconds: "m"}
"""The decimal prefix under which papers print a unit; a metric may have another one."""

_SIGNS = {Unit.bytes: "B", Unit.seconds: "s"}
"""What stands behind the prefix; FLOPs and MACs are in the column's name already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One line of the table.

    Attributes:
        labels: What stands under :data:`LABELS`.
        of: The value of a metric, None where it is not known.
        interval: The 95 % interval of a latency, in seconds.
        lower_bound: Whether a metric may be more in truth, because operations without a formula ran.
        unknown: The operations without a formula, with how often they ran.
    """

    labels: Mapping[str, str | int | None]
    of: Callable[[Metric], Value | None]
    interval: Callable[[Metric], tuple[float, float] | None] = lambda metric: None
    lower_bound: Callable[[Metric], bool] = lambda metric: False
    unknown: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value, and what belongs to it."""

    value: Value
    interval: tuple[float, float] | None
    lower_bound: bool


def of_profile(profile: Profile, latency: Latency | None = None, *, name: str | None = None) -> Subject:
    """The line of a profile; with ``latency`` of that one alone, where it has several."""

    def entries(metric: Metric) -> list[Latency]:
        return [entry for entry in latencies_of(profile, metric) if latency is None or entry is latency]

    def value(metric: Metric) -> Value | None:
        return latency.median_s if latency and metric.name == LATENCY else metric.of(profile)

    def interval(metric: Metric) -> tuple[float, float] | None:
        measured = entries(metric)
        return measured[0].ci95_s if len(measured) == 1 else None

    only = latency or (profile.latency[0] if len(profile.latency) == 1 else None)
    return Subject(
        labels={
            **identity(name or profile.variant.name, profile.variant, profile.input),
            "device": only.device if only else profile.environment.device,
            "backend": " ".join([only.backend, *only.options]) if only else None,
        },
        of=value,
        interval=interval,
        lower_bound=lambda metric: metric.lower_bound(profile),
        unknown=profile.coverage.unknown,
    )


def of_failure(failure: Failure, name: str) -> Subject:
    """The line of a model that has no figures."""
    return Subject(labels={"model": name, "scale": failure.scale}, of=lambda metric: None)


def identity(name: str, variant: Variant, input_: Input | None) -> dict[str, str | int | None]:
    """The labels of a model, as far as they are the model's and its input's."""
    return {
        "model": name,
        "scale": variant.scale,
        "task": variant.task,
        "input": " + ".join(input_.descriptions) if input_ else None,
        "dtype": input_.dtype if input_ else None,
        "batch": input_.batch if input_ else None,
    }


def parse_columns(text: str | None) -> tuple[str, ...]:
    """``model,params,flops`` -> the columns' own names, each once; none for None.

    Raises:
        UsageError: Where one is unknown, or none is named.
    """
    if text is None:
        return ()
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--columns names no column", hint="name some, as model,params,flops,latency")
    return tuple(dict.fromkeys(map(_resolved, names)))


def _resolved(name: str) -> str:
    """The name of the column that a name or an alias means."""
    if name.lower() in LABELS:
        return name.lower()
    try:
        return find_metric(name).name
    except UsageError:
        names = [*LABELS, *BY_NAME, LATENCY]
        hint = did_you_mean(name, names) or f"columns: {', '.join(names)}"
        raise UsageError(f"unknown column {name!r}", hint=hint) from None


def chosen_table(subjects: Sequence[Subject], names: Sequence[str]) -> Table:
    """One line a subject.

    Args:
        subjects: The models.
        names: The columns, as :func:`parse_columns` gives them.
    """
    columns: list[Column] = []
    values: list[list[object]] = []
    for name in names:
        if name in LABELS:
            columns.append(
                Column(name, name.capitalize(), number=name == "batch", min_width=8 if name == "model" else 0)
            )
            values.append([subject.labels.get(name) for subject in subjects])
            continue
        metric = find_metric(name)
        figures = [_figure(metric, subject) for subject in subjects]
        columns.append(_column(metric, [abs(figure.value) for figure in figures if figure]))
        values.append([*figures])
        if not metric.exact:
            for index, end in enumerate(("low", "high")):
                key = f"{metric.column.removesuffix('_s')}_ci95_{end}_s"
                columns.append(Column(key, key, number=True, visible=False))
                values.append([figure.interval[index] if figure and figure.interval else None for figure in figures])
    if any(subject.unknown for subject in subjects):
        columns.append(Column(UNKNOWN.name, UNKNOWN.label, number=True, visible=False))
        values.append([sum(subject.unknown.values()) for subject in subjects])
    return Table(tuple(columns), tuple(zip(*values, strict=True)), label="model" if "model" in names else names[0])


def _figure(metric: Metric, subject: Subject) -> Figure | None:
    value = subject.of(metric)
    if value is None:
        return None
    return Figure(value, None if metric.exact else subject.interval(metric), subject.lower_bound(metric))


def _column(metric: Metric, values: Sequence[Value]) -> Column:
    """A metric's column under the prefix that papers give it in, with as many digits as its smallest value needs."""
    prefix = metric.prefix or _PREFIXES.get(metric.unit, "")
    heading = metric.heading or metric.label[0].upper() + metric.label[1:]
    unit = prefix + _SIGNS.get(metric.unit, "")
    scale: float = 10 ** _POWERS[prefix]
    is_count = metric.unit is Unit.things and not prefix
    digits = (
        0 if is_count else 3 if metric.unit is Unit.times else _digits([value / scale for value in values if value])
    )
    return Column(
        metric.column,
        f"{heading} ({unit})" if unit else heading,
        show=partial(_text, scale=scale, digits=digits),
        number=True,
        absent=units.ABSENT,
        raw=lambda figure: figure.value,
        aliases=(metric.name, *metric.aliases),
    )


def _digits(values: Sequence[float]) -> int:
    """Decimals that leave two significant digits to the smallest value; two, unless that takes more."""
    return min(max(2, 1 - math.floor(math.log10(min(values)))), 6) if values else 2


def _text(figure: Figure, *, scale: float, digits: int) -> str:
    def number(value: float) -> str:
        return f"{value / scale:,.{digits}f}"

    bound = ">= " if figure.lower_bound else ""
    interval = f" [{', '.join(map(number, figure.interval))}]" if figure.interval else ""
    return f"{bound}{number(figure.value)}{interval}"


def absent(subjects: Sequence[Subject], names: Sequence[str]) -> list[str]:
    """A sentence for each chosen metric that no model has, with what adds it."""
    notes = []
    for metric in (find_metric(name) for name in names if name not in LABELS):
        if all(subject.of(metric) is None for subject in subjects):
            notes.append(": ".join(filter(None, (f"none of these models has {metric.name}", metric.adds))))
    return notes
