"""The tables of a comparison: metrics before and after, what became of each row, and several models side by side."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.comparison import COUNTS
from archprof.records.latency import CANNOT_TELL
from archprof.records.metrics import find_metric
from archprof.render.attribution_text import sources
from archprof.render.table import Column, Record, Table
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.comparison import Change, Comparison, Delta, Edit, Pair

number = partial(Column, number=True)
added = partial(Column, number=True, adds=True)
percent = partial(Column, show=lambda share: units.percent(share) if share else "", number=True, adds=True, saved=False)


def _factor(ratio: float) -> str:
    """How many times as much; nothing where all of it is gone, which the difference says."""
    return units.factor(ratio) if ratio else ""


METRICS = (
    Column("metric", "", min_width=24),
    number("before", "before", absent=units.ABSENT),
    number("after", "after", absent=units.ABSENT),
    number("difference", "Δ", absent=units.ABSENT),
    number("ratio", "ratio", show=lambda ratio: "" if ratio == 1 else _factor(ratio), absent=units.ABSENT),
    Column("verdict", "", wraps=True),
)


def metrics(pair: Pair) -> Table:
    """One line a metric."""

    def record(delta: Delta) -> Record:
        metric = find_metric(delta.metric)
        before, after = (
            None if value is None else (">= " if when in delta.lower_bounds else "") + units.measure(value, metric.unit)
            for when, value in (("before", delta.before), ("after", delta.after))
        )
        change = None if delta.difference is None else units.difference(delta.difference, metric.unit)
        return (metric.label, before, after, change, delta.ratio, _verdict(delta))

    noisy = any(delta.interval or delta.note for delta in pair.metrics)
    columns = tuple(replace(column, visible=noisy or column.key != "verdict") for column in METRICS)
    return Table(columns, tuple(map(record, pair.metrics)), label="metric")


def _verdict(delta: Delta) -> str | None:
    interval = delta.interval
    if interval is None:
        return delta.note and delta.note.partition(";")[0]
    verdict = "no significant difference" if interval.verdict == CANNOT_TELL else interval.verdict
    low, high = units.factor(interval.low), units.factor(interval.high)
    return f"{verdict}: {low} to {high} with {units.whole_percent(interval.confidence)} confidence"


CHANGES = (
    Column("mark", "", row_style=lambda mark: None if mark in ("=", None) else "changed"),
    Column("row", "row", visible=False),
    Column("row_before", "row before", visible=False),
    Column("line", "line", visible=False),
    Column("module", "module", min_width=10),
    Column("change", "change", min_width=10),
    Column("output", "output", wraps=True),
    added("parameters_difference", "Δ params", show=lambda count: units.signed(count) if count else ""),
    percent("parameters_share", "params %"),
    added("flops_difference", "Δ MFLOPs", show=units.signed_millions),
    percent("flops_share", "FLOPs %"),
    added("elementwise_flops_difference", "Δ elementwise", show=units.signed, visible=False),
    added("bytes_read_difference", "Δ bytes read", show=units.signed, visible=False),
    added("bytes_written_difference", "Δ bytes written", show=units.signed, visible=False),
)


def changes(pair: Pair, *, everything: bool = False) -> Table:
    """One line a row or module that changed, or each of them; the last says what is in none of them."""
    visible = [change for change in pair.changes if everything or change.mark != "="]
    totals = {
        delta.metric: int(delta.difference)
        for delta in pair.metrics
        if delta.metric in COUNTS and delta.difference is not None
    }
    amounts = {name: [getattr(change, name) for change in pair.changes] for name in totals}
    rest = {name: totals[name] - sum(parts) for name, parts in amounts.items() if None not in parts}
    records = [_change(change, pair.parts) for change in visible]
    if any(rest.values()):
        records.append(_sums(f"(outside the {pair.parts})", rest, totals))
    explained = {explanation.metric for explanation in pair.explanations} | {
        name for name in ("parameters", "flops") if any(getattr(change, name) for change in pair.changes)
    }
    columns = [
        replace(column, visible=column.key.rpartition("_")[0] in explained if column.adds else column.visible)
        for column in CHANGES
    ]
    return Table(tuple(columns), tuple(records), label="module", total=_sums("total", totals, totals))


def _change(change: Change, parts: str) -> Record:
    part = change.part
    name = f"{part.index} {part.module}" if parts == "rows" else f"{part.path or '(model)'} {part.module}"
    return (
        change.mark,
        change.after.index if change.after else None,
        change.before.index if change.before else None,
        part.line,
        name,
        "; ".join(_edits(change)),
        units.shapes_changed(change.before.output_shapes if change.before else [], part.output_shapes),
        change.parameters,
        change.shares.get("parameters"),
        change.flops,
        change.shares.get("flops"),
        *(getattr(change, name) for name in COUNTS[2:]),
    )


def _edits(change: Change) -> Iterator[str]:
    """What changed in a row, as short as a table needs it; strides and channels are among the arguments."""
    for edit in change.edits:
        if edit.field not in ("stride", "channels"):
            yield _edit(edit)


def _edit(edit: Edit) -> str:
    if edit.field == "module":
        return f"was {edit.before}"
    if edit.field == "from":
        if edit.before == edit.after:
            return f"now other rows: {sources(edit.after)}"
        return f"from {sources(edit.before)} → {sources(edit.after)}"
    if edit.field == "arguments" and len(edit.before) == len(edit.after):
        pairs = zip(map(units.literal, edit.before), map(units.literal, edit.after), strict=True)
        return f"[{', '.join(old if old == new else f'{old}→{new}' for old, new in pairs)}]"
    prefix = "" if edit.field == "arguments" else f"{edit.field} "
    return f"{prefix}{units.literal(edit.before)} → {units.literal(edit.after)}"


def _sums(label: str, sums: dict[str, int], totals: dict[str, int]) -> Record:
    shares = [sums[name] / totals[name] if name in sums and totals[name] else None for name in ("parameters", "flops")]
    first = (sums.get("parameters"), shares[0], sums.get("flops"), shares[1])
    return (None, None, None, None, label, None, None, *first, *(sums.get(name) for name in COUNTS[2:]))


def models(comparison: Comparison) -> Table:
    """One line a model: every metric that there is with its ratio to the first model's.

    Printed are the two metrics of the front and what is always looked at.
    """
    axes = [axis_name(axis) for axis in (comparison.front.x, comparison.front.y)]
    names = [*dict.fromkeys((*axes, *comparison.models[0].metrics))]
    names = [name for name in names if name in comparison.models[0].metrics]
    columns = [Column("front", ""), Column("model", "model", min_width=12)]
    for name in names:
        metric = find_metric(name)
        figure = partial(number, absent=units.ABSENT, droppable=name not in axes)
        visible = name in axes or name in ALWAYS or not metric.exact
        columns.append(
            figure(metric.column, metric.label, show=partial(units.measure, unit=metric.unit), visible=visible)
        )
        visible = visible and metric.unit is not Unit.times
        columns.append(figure(f"{metric.column}_ratio", "×", show=_factor, visible=visible))
        if not metric.exact:
            stem = metric.column.removesuffix("_s")
            columns += [number(f"{stem}_ratio_{end}", end, visible=False) for end in ("low", "high")]
            columns.append(Column(f"{stem}_verdict", "verdict", visible=False))
    records = tuple(_model(comparison, index, names) for index in range(len(comparison.models)))
    return Table(tuple(columns), records, label="model")


ALWAYS = ("parameters", "flops", "peak_activation_bytes", "parameters_ratio", "flops_ratio")
"""What several models are shown with, besides the metrics of the front and latencies."""


def axis_name(axis: str) -> str:
    """The metric of an axis without the direction behind it."""
    return axis.removesuffix(":min").removesuffix(":max")


def _model(comparison: Comparison, index: int, names: Sequence[str]) -> Record:
    side, first = comparison.models[index], comparison.models[0]
    pair = next((pair for pair in comparison.pairs if pair.after == index), None)
    deltas = {delta.metric: delta for delta in pair.metrics} if pair else {}

    def cells(name: str) -> Iterator[Any]:
        value, base = side.metrics.get(name), first.metrics.get(name)
        yield value
        yield value / base if value is not None and base else None
        if not find_metric(name).exact:
            interval = deltas[name].interval if name in deltas else None
            yield from (interval.low, interval.high, interval.verdict) if interval else (None,) * 3

    mark = "*" if index in comparison.front.members else None
    return (mark, side.name, *(cell for name in names for cell in cells(name)))
