"""Several profiles in one table, a line each: their totals, and what conventions report of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.conventions import TODAY
from archprof.records.failure import Failure
from archprof.records.metrics import METRICS
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.records.profile import Profile, Variant

VISIBLE = ("modules", "layers", "parameters", "trainable_parameters", "flops", "elementwise_flops")
"""The metrics that are printed, besides those of conventions that were asked for."""

DROPPABLE = ("trainable_parameters", "modules")
"""Those of them that a narrow terminal leaves out."""

WIDE = ("macs", "weight_bytes", "peak_activation_bytes")
"""Those of the others that a wide terminal shows."""

ERROR = Column("error", "error", visible=False, row_style=lambda error: "bad" if error else None)
"""Why a model has no figures; it is printed below the table, where there is room for a sentence."""


def totals_table(results: Sequence[Profile | Failure]) -> Table:
    """One line a profile, or what has none.

    Where an operation of any of them has no formula, the columns say that they are lower bounds, and how much
    of each is covered.
    """
    profiles = [result for result in results if not isinstance(result, Failure)]
    lower = any(profile.coverage.unknown for profile in profiles)
    reported = {name for profile in profiles for name in profile.reported}
    asked = {name for profile in profiles for name in profile.conventions}
    inputs = [" + ".join(profile.input.descriptions) for profile in profiles]
    hidden = {"trainable_parameters"} if all(profile.variant.fused for profile in profiles) else set[str]()
    model, scale = identity_columns(results)
    columns = [
        model,
        scale,
        Column("input", "input", visible=len(set(inputs)) > 1, saved=len(set(inputs)) > 1, absent=units.ABSENT),
        *(
            Column(
                metric.column,
                f"{'>= ' if lower and metric.counted else ''}{_TITLES.get(metric.name, metric.label)}",
                show=_giga if metric.convention else partial(units.measure, unit=metric.unit),
                number=True,
                visible=metric.name in {*VISIBLE, *reported} - hidden and (metric.name != TODAY or TODAY in asked),
                droppable=metric.name in DROPPABLE,
                wide=metric.name in WIDE or metric.name in reported,
                absent=units.ABSENT,
                aliases=(metric.name, *metric.aliases),
            )
            for metric in METRICS.values()
        ),
        Column("coverage", "covered", show=units.coverage, number=True, visible=lower),
        *([ERROR] if len(profiles) < len(results) else []),
    ]
    names = names_of(results)
    shapes = iter(inputs)

    def record(name: str, result: Profile | Failure) -> tuple[object, ...]:
        if isinstance(result, Failure):
            return (name, result.scale, *[None] * (len(columns) - 3), result.error)
        values = [metric.of(result) for metric in METRICS.values()]
        figures = (name, result.variant.scale, next(shapes), *values, result.coverage.share)
        return (*figures, *[None] * (len(columns) - len(figures)))

    label = "model" if model.visible else "scale"
    return Table(tuple(columns), tuple(map(record, names, results)), label=label)


def identity_columns(results: Sequence[Any]) -> tuple[Column, Column]:
    """The columns that say which model a line is of: of the scales of one model the scale alone is visible."""
    variants = _variants(results)
    is_one_model = len({variant.reference for variant in variants}) == 1
    scales = any(variant.scale for variant in variants)
    return (
        Column("model", "model", min_width=12, visible=not is_one_model),
        Column("scale", "scale", absent=units.ABSENT, visible=is_one_model or scales),
    )


def _variants(results: Sequence[Any]) -> list[Variant | Failure]:
    """What each result is of; a failure says that itself."""
    return [result if isinstance(result, Failure) else result.variant for result in results]


def names_of(results: Sequence[Any]) -> list[str]:
    """What to call each model: its name, or what was typed where others have the same name."""
    variants = _variants(results)
    references: dict[str, set[str]] = {}
    for variant in variants:
        if not isinstance(variant, Failure):
            references.setdefault(variant.name, set()).add(variant.reference)
    return [
        variant.name if not isinstance(variant, Failure) and len(references[variant.name]) == 1 else variant.reference
        for variant in variants
    ]


def distinct_names(variants: Sequence[Variant], suffixes: Sequence[str] | None = None) -> list[str]:
    """What to call each of several models: its name; where others have that, what was typed, and its scale.

    Args:
        variants: The models.
        suffixes: What follows each name, and tells equal ones apart.
    """
    endings = suffixes or [""] * len(variants)
    names = [variant.name for variant in variants]
    forms: tuple[Callable[[Variant], str], ...] = (
        lambda variant: variant.reference,
        lambda variant: f"{variant.reference}, scale {variant.scale}",
    )
    for form in forms:
        for group in _equal(names, endings):
            others = [form(variants[index]) for index in group]
            if len(set(others)) > 1:
                for index, name in zip(group, others, strict=True):
                    names[index] = name
    for group in _equal(names, endings):  # one model that was named several times
        for number, index in enumerate(group[1:], 2):
            names[index] = f"{names[index]} #{number}"
    return names


def _equal(names: Sequence[str], endings: Sequence[str]) -> list[list[int]]:
    """The indices of those that are called alike."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, key in enumerate(zip(names, endings, strict=True)):
        groups.setdefault(key, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def with_failures(table: Table, failures: Sequence[Failure]) -> Table:
    """A table of models with a line for each that has no figures: what was typed, and saved the reason."""
    if not failures:
        return table
    keys = [column.key for column in table.columns]
    columns = table.columns if ERROR.key in keys else (*table.columns, ERROR)
    model, error = keys.index("model"), [column.key for column in columns].index(ERROR.key)

    def record(failure: Failure) -> tuple[object, ...]:
        cells: list[object] = [None] * len(columns)
        cells[model], cells[error] = failure.reference, failure.error
        return tuple(cells)

    records = [(*record, None)[: len(columns)] for record in table.records]
    return replace(table, columns=columns, records=(*records, *map(record, failures)))


def reasons(results: Sequence[object]) -> list[str]:
    """A sentence for each model that has no figures."""
    failures = [result for result in results if isinstance(result, Failure)]
    return [f"{failure.reference}: failed: {failure.error}" for failure in failures]


def heading(results: Sequence[Any], about: Sequence[Sequence[str]]) -> tuple[str, list[str]]:
    """The title of several models, and what holds for all of them.

    Args:
        results: The result of each, or why there is none.
        about: What one must know of each that has figures, to quote one.
    """
    names = names_of(results)
    title = names[0] if len(set(names)) == 1 else units.plural(len(names), "model")
    first, *others = about or [()]
    return title, [piece for piece in first if all(piece in pieces for pieces in others)]


def _giga(value: float) -> str:
    """Billions with the one decimal that counters print."""
    return units.ratio(value / 10**9)


_TITLES = {
    "parameters": "params",
    "trainable_parameters": "trainable",
    "elementwise_flops": "elementwise",
    **{metric.name: f"{metric.name} (G)" for metric in METRICS.values() if metric.convention},
}
"""What stands over a column where its metric's label is longer than its figures."""
