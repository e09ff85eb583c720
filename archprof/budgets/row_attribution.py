"""What of a YAML has most to do with a figure: a changed row, a changed key, or the row that costs most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.records.check_result import Attribution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.budgets.baseline import Baseline
    from archprof.records.comparison import Cause, Change, Difference
    from archprof.records.profile import Layer, Profile

FIGURES: Mapping[str, Callable[[Layer], int]] = {
    "parameters": lambda layer: layer.parameters,
    "modules": lambda layer: layer.modules,
    "macs": lambda layer: layer.macs,
    "flops": lambda layer: 2 * layer.macs,
    "elementwise_flops": lambda layer: layer.elementwise_flops,
    "bytes_read": lambda layer: layer.bytes_read,
    "bytes_written": lambda layer: layer.bytes_written,
    "backward_macs": lambda layer: layer.backward_macs or 0,
    "backward_flops": lambda layer: 2 * (layer.backward_macs or 0),
}
"""The metrics that rows have a part in."""

STANDS_FOR: Mapping[str, str] = {
    "trainable_parameters": "parameters",
    "weight_bytes": "parameters",
    "parameters_ratio": "parameters",
    "layers": "modules",
    "flops_ratio": "flops",
    "activation_bytes": "bytes_written",
}
"""Metrics that rows are not told of, and the one that shows which row has most to do with it."""


def part_of(metric: str) -> str:
    """The metric that says what a row has of another one."""
    return STANDS_FOR.get(metric, metric)


def figures(metric: str, profile: Profile) -> list[int]:
    """What each row has of a metric of :data:`FIGURES`."""
    return [FIGURES[metric](layer) for layer in profile.layers]


def attribute(metric: str, profile: Profile, baseline: Baseline | None = None) -> Attribution | None:
    """What has most to do with a figure that exceeds its bound.

    Where it is known what the variant was, that is the changed row or top-level key from which most of the growth
    comes, as :mod:`archprof.compare.attribution` tells it. Where nothing was changed it is the row that grew most, and
    where nothing is known of what was, or nothing grew, the row that costs most.

    Args:
        metric: The name of the metric.
        profile: Of the variant as it is.
        baseline: What it was.

    Returns:
        None where there are no rows, or rows have no part in the metric and nothing was changed.
    """
    if not profile.layers:
        return None
    name = part_of(metric)
    values = figures(name, profile) if name in FIGURES else None
    if baseline is None or not baseline.labels:
        return _largest(profile, values)
    changes, differences = _changes(baseline, profile)
    before = baseline.rows.get(name)
    if values is None or before is None:
        return _first_changed(changes, differences)
    growth = [_growth(change, before, values) for change in changes]
    if max(growth) <= 0:  # it was too much before
        return _largest(profile, values)
    from archprof.compare import attribution

    causes, _ = attribution.attribute(changes, differences, name, growth)
    cause = max(causes, key=lambda cause: cause.total)
    if cause.total <= 0:
        return _largest(profile, values)
    total = sum(growth)
    share = cause.total / total if total > 0 else None
    return _attribution(cause, changes, differences, values, share)


def _largest(profile: Profile, values: Sequence[int] | None) -> Attribution | None:
    if values is None:
        return None
    index = values.index(max(values))
    layer = profile.layers[index]
    return Attribution(reason="largest", row=layer.index, module=layer.module, line=layer.line, value=values[index])


def _first_changed(changes: Sequence[Change], differences: Sequence[Difference]) -> Attribution | None:
    from archprof.compare.attribution import EDITED
    from archprof.records.comparison import Cause

    if differences:
        return _attribution(Cause(difference=0), changes, differences, None, None)
    for index, change in enumerate(changes):
        if change.mark in EDITED:
            return _attribution(Cause(change=index), changes, differences, None, None)
    return None


def _growth(change: Change, before: Sequence[int], values: Sequence[int]) -> int:
    old = 0 if change.before is None else before[change.before.index or 0]
    return (0 if change.after is None else values[change.after.index or 0]) - old


def _attribution(
    cause: Cause,
    changes: Sequence[Change],
    differences: Sequence[Difference],
    values: Sequence[int] | None,
    share: float | None,
) -> Attribution:
    growth = cause.total if values is not None else None
    if cause.difference is not None:
        difference = differences[cause.difference]
        return Attribution(
            reason="changed",
            key=difference.name,
            line=difference.after_line,
            before=difference.before,
            after=difference.after,
            change=growth,
            share=share,
        )
    assert cause.change is not None  # it is of one of the two
    change = changes[cause.change]
    part = change.part
    reasons = {"+": "added", "-": "removed", "~": "changed"}
    return Attribution(
        reason=reasons.get(change.mark, "grew"),  # type: ignore[arg-type]
        row=part.index,
        module=part.module,
        line=part.line if change.after else None,
        before=change.before.path if change.before and change.mark != "x" else None,
        after=change.after.path if change.after and change.mark != "x" else None,
        value=values[part.index or 0] if values and change.after else None,
        change=growth,
        share=share,
        light_head=[changes[head].part.index or 0 for head in cause.light_head],
    )


def _changes(baseline: Baseline, profile: Profile) -> tuple[list[Change], list[Difference]]:
    """What became of each row, whose path is its text here, and the top-level keys that were changed."""
    from msgspec.structs import replace

    from archprof.budgets import row_label  # not before there is something to attribute
    from archprof.compare import align, differences, edits
    from archprof.records.comparison import Change, Mark

    old = [
        replace(part, light_head=role)
        for part, role in zip(row_label.parse_rows(baseline.labels), baseline.light_head, strict=True)
    ]
    new = [
        replace(part, line=layer.line, light_head=layer.light_head)
        for part, layer in zip(row_label.parse_rows(row_label.labels_of(profile)), profile.layers, strict=True)
    ]
    pairs = align.align(old, new)
    became = align.matched(pairs)
    changes = []
    for before_index, after_index in pairs:
        before = None if before_index is None else old[before_index]
        after = None if after_index is None else new[after_index]
        mark: Mark = "-" if after is None else "+" if before is None else "x"
        if before and after and edits.edits_of(before, after, became):
            mark = "~"
        changes.append(Change(mark=mark, before=before, after=after))
    return changes, differences.changed_keys(baseline.top_level, profile.variant.top_level)
