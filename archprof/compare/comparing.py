"""Models -> what differs between them, row by row, and why. Nothing here needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from archprof.compare import attribution, exported, graph_pair, pareto
from archprof.compare.align import align, matched
from archprof.compare.differences import differences as differences_between
from archprof.compare.edits import edits_of
from archprof.compare.model import Model, metrics_in, of_profile
from archprof.compare.timing import compare_latencies
from archprof.errors import UsageError
from archprof.records.comparison import (
    COUNTS,
    Change,
    Comparison,
    Delta,
    Edit,
    Mark,
    Pair,
    Part,
    Side,
)
from archprof.records.metrics import METRICS
from archprof.records.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archprof.records.metrics import Metric


def compare(
    profiles: Sequence[Profile | Model],
    *,
    names: Sequence[str] = (),
    depth: int = 3,
    x: str = pareto.X,
    y: str = pareto.Y,
) -> Comparison:
    """Set profiles beside each other: each with the first, and all of them against each other in two metrics.

    Args:
        profiles: Two or more; a model stands for what is kept of it elsewhere than in a profile.
        names: What to call them, where that is not what their profiles say was typed.
        depth: How deep the tree of modules is looked into where there are no rows.
        x: The metric of one axis of the Pareto front, as :func:`archprof.compare.pareto.axis` reads it.
        y: That of the other.

    Raises:
        UsageError: Where there are fewer than two, or no such metric.
    """
    if len(profiles) < 2:
        raise UsageError("there is nothing to compare with", hint="name two models or more")
    models = [of_profile(side) if isinstance(side, Profile) else side for side in profiles]
    all_metrics = [*metrics_in(models), *(metric for metric, _ in pareto.axes(x, y))]
    metrics = list({metric.name: metric for metric in all_metrics}.values())
    labels = names or [model.variant.reference for model in models]
    return Comparison(
        models=[_side(*side, metrics) for side in zip(labels, models, strict=True)],
        pairs=[_pair(models, index, metrics, depth) for index in range(1, len(models))],
        front=pareto.front(models, x, y),
    )


def _side(name: str, model: Model, metrics: Sequence[Metric]) -> Side:
    return Side(
        name=name,
        variant=model.variant,
        input=model.input,
        device=model.device,
        packages=dict(model.packages),
        training=model.training,
        metrics={metric.name: model.of(metric) for metric in metrics},
        unknown=dict(model.unknown),
        lower_bounds=[metric.name for metric in metrics if model.lower_bound(metric)],
        locked=model.locked,
        prediction=model.prediction,
        prediction_absent=model.prediction_absent,
    )


def _pair(models: Sequence[Model], index: int, metrics: Sequence[Metric], depth: int) -> Pair:
    before, after = models[0], models[index]
    totals = {
        name: int(new - old)
        for name in COUNTS
        if (old := before.of(METRICS[name])) is not None and (new := after.of(METRICS[name])) is not None
    }
    differences = differences_between(before, after)
    parts: Literal["rows", "modules", "none"] = "none"
    changes: list[Change] = []
    export: list[str] = []
    if before.rows and after.rows:
        parts, changes = "rows", list(_row_changes(before.rows, after.rows, totals))
    elif before.rows and (of_file := _rows_of_file(before, after)):
        parts, export = "rows", of_file[1]
        changes = [_change(old, new, [], totals) for old, new in zip(before.rows, of_file[0], strict=True)]
    elif after.rows and (of_file := _rows_of_file(after, before)):
        parts, export = "rows", of_file[1]
        changes = [_change(old, new, [], totals) for old, new in zip(of_file[0], after.rows, strict=True)]
    elif not before.rows and not after.rows and not before.locked and not after.locked:
        parts = "modules"
        pairs = list(_paired(before.modules(depth), after.modules(depth)))
        if before.file and after.file:
            computing = graph_pair.joined(before, after)
            pairs = pairs if graph_pair.shares_names(before, after) else computing
            export = graph_pair.sentences(before, after, computing)
        changes = list(_module_changes(pairs, totals))
    return Pair(
        before=0,
        after=index,
        differences=differences,
        metrics=[_delta(metric, before, after) for metric in metrics],
        parts=parts,
        changes=changes,
        explanations=attribution.explain(changes, differences, totals)
        if changes and not export and before.weights_only == after.weights_only
        else [],
        export=export,
    )


def _rows_of_file(model: Model, file: Model) -> tuple[Sequence[Part | None], list[str]] | None:
    """What a file has of each of a model's rows, and what the export changed; None where nothing joins the two."""
    if file.file:
        if rows := exported.rows_of_file(model.rows, file):
            return rows, exported.sentences(model, file, rows)
        if joined := exported.join_by_order(model, file):
            rows = exported.rows_by_order(model.rows, joined)
            return rows, exported.sentences_by_order(model, file, rows, joined)
    elif file.weights_only and (rows := exported.rows_of_file(model.rows, file)):
        return rows, []
    return None


def _delta(metric: Metric, before: Model, after: Model) -> Delta:
    if not metric.exact:
        return compare_latencies(metric, before, after)
    old, new = before.of(metric), after.of(metric)
    has_both = old is not None and new is not None
    bounded: list[Literal["before", "after"]] = ["before"] if before.lower_bound(metric) else []
    if after.lower_bound(metric):
        bounded.append("after")
    return Delta(
        metric=metric.name,
        unit=metric.unit,
        before=old,
        after=new,
        difference=new - old if old is not None and new is not None else None,
        ratio=new / old if has_both and old and new is not None else None,
        lower_bounds=bounded,
    )


def _row_changes(before: Sequence[Part], after: Sequence[Part], totals: dict[str, int]) -> Iterator[Change]:
    pairs = align(before, after)
    became = matched(pairs)
    for before_index, after_index in pairs:
        old = None if before_index is None else before[before_index]
        new = None if after_index is None else after[after_index]
        edits = edits_of(old, new, became) if old and new else []
        yield _change(old, new, edits, totals)


def _module_changes(pairs: Iterable[tuple[Part | None, Part | None]], totals: dict[str, int]) -> Iterator[Change]:
    for old, new in pairs:
        if any(getattr(part, name) for part in (old, new) if part for name in COUNTS):  # else it only holds others
            # The file of a state dict does not say of what type a module is.
            typed = old and new and old.module and new.module
            yield _change(old, new, edits_of(old, new, {}) if old and new and typed else [], totals)


def _paired(before: Sequence[Part], after: Sequence[Part]) -> Iterator[tuple[Part | None, Part | None]]:
    """Modules go by their path; those that are gone come before what stands in their place."""
    indices = {part.path: index for index, part in enumerate(before)}
    shared = indices.keys() & {part.path for part in after}
    position = 0
    for new in after:
        if new.path not in shared:
            yield None, new
            continue
        index = indices[new.path]
        yield from ((old, None) for old in before[position:index] if old.path not in shared)
        yield before[index], new
        position = max(position, index + 1)
    yield from ((old, None) for old in before[position:] if old.path not in shared)


def _change(before: Part | None, after: Part | None, edits: list[Edit], totals: dict[str, int]) -> Change:
    amounts = {name: _growth(before, after, name) for name in COUNTS}
    return Change(
        mark=_mark(before, after, edits, amounts),
        before=before,
        after=after,
        edits=edits,
        shares={
            name: amount / total
            for name, amount in amounts.items()
            if amount is not None and (total := totals.get(name))
        },
        **amounts,
    )


def _growth(before: Part | None, after: Part | None, name: str) -> int | None:
    """How much more the part has of something; None where it is not known of one of them."""
    old: int | None = getattr(before, name) if before else 0
    new: int | None = getattr(after, name) if after else 0
    return None if old is None or new is None else new - old


def _mark(before: Part | None, after: Part | None, edits: list[Edit], amounts: dict[str, int | None]) -> Mark:
    if before is None or after is None:
        return "+" if after else "-"
    if edits:
        return "~"
    return "x" if any(amounts.values()) or before.output_differs(after) else "="
