"""Which row of the YAML has most to do with a figure, and what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.records.check_result import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.budgets.baseline import Baseline
    from archprof.records.profile import Layer, Profile

FIGURES: Mapping[str, Callable[[Layer], int]] = {
    "parameters": lambda layer: layer.parameters,
    "modules": lambda layer: layer.modules,
    "macs": lambda layer: layer.macs,
    "flops": lambda layer: 2 * layer.macs,
    "elementwise_flops": lambda layer: layer.elementwise_flops,
    "bytes_read": lambda layer: layer.bytes_read,
    "bytes_written": lambda layer: layer.bytes_written,
    "backward_macs": lambda layer: layer.backward_macs,
    "backward_flops": lambda layer: 2 * layer.backward_macs,
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


def blame(metric: str, profile: Profile, labels: Sequence[str], baseline: Baseline | None = None) -> Row | None:
    """The row that has most to do with a figure that does not hold.

    Where it is known what the rows were, that is the changed row with which the figure grew most: what an unchanged row
    grew by comes of the last changed row before it. Where no row was changed it is the row that grew most, and where
    nothing is known of what was or nothing grew, the dearest.

    Args:
        metric: The name of the metric.
        profile: Of the variant as it is.
        labels: Its rows, as :func:`archprof.budgets.row_label.label` has them.
        baseline: What it was.

    Returns:
        None where there are no rows, or rows have no part in the metric.
    """
    if not profile.layers:
        return None
    name = part_of(metric)
    now = figures(name, profile) if name in FIGURES else None
    if baseline is None or not baseline.labels:
        return _row(profile, now, now.index(max(now)), "dearest") if now else None
    places, changed = _aligned(baseline.labels, labels)
    before = baseline.rows.get(name)

    def changed_row(index: int, change: int | None) -> Row:
        place = places[index]
        was = None if place is None else baseline.labels[place]
        return msgspec.structs.replace(_row(profile, now, index, "changed", change), text=labels[index], was=was)

    if now is None or before is None:
        return changed_row(changed[0], None) if changed else None
    growth = [value - (0 if place is None else before[place]) for value, place in zip(now, places, strict=True)]
    if max(growth) <= 0:  # it was too much before
        return _row(profile, now, now.index(max(now)), "dearest")
    if not changed:
        return _row(profile, now, growth.index(max(growth)), "grew", max(growth))
    shares = dict.fromkeys(changed, 0)
    for index, grown in enumerate(growth):
        owner = max((one for one in changed if one <= index), default=changed[0])
        shares[owner] += grown
    most = max(changed, key=lambda index: shares[index])
    return changed_row(most, shares[most])


def _row(profile: Profile, now: Sequence[int] | None, index: int, why: str, change: int | None = None) -> Row:
    layer = profile.layers[index]
    value = now[index] if now else None
    return Row(index=layer.index, module=layer.module, line=layer.line, why=why, value=value, change=change)


def _aligned(before: Sequence[str], now: Sequence[str]) -> tuple[list[int | None], list[int]]:
    """For each row where it stood before, None for a new one; and which rows are new, or say something else."""
    from archprof.budgets import row_label  # not before there is somebody to blame
    from archprof.compare import align, edits  # not before there is somebody to blame

    old, new = row_label.parts_of(before), row_label.parts_of(now)
    became = align.matched(align.align(old, new))
    stood = {place: was for was, place in became.items()}
    places = [stood.get(index) for index in range(len(new))]
    changed = [
        index for index, place in enumerate(places) if place is None or edits.edits_of(old[place], new[index], became)
    ]
    return places, changed
