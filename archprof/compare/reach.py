"""Which rows a difference beside the rows can change by itself, in which metrics: what Ultralytics' dialect does.

Where a variant differs in one thing only, nothing of this is needed: all that no changed row explains comes of it.
It tells several differences apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.compare.differences import SCALES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from archprof.records.comparison import Change, Difference, Part

EVERYWHERE = (
    "input",
    "size",
    "batch",
    "dtype",
    "fusing",
    "model",
    "pass",
    "scale",
    "family",
    "width_multiple",
    "activation",
    "channels",
)
"""What every row may depend on."""

HEAD = ("nc", "reg_max", "end2end", "kpt_shape", "text_model")
"""Top-level keys that the dialect hands to the last row, whatever that row says."""

VERSIONS = ("archprof", "torch", "torchvision", "ultralytics", "ultralytics-thop", "timm", "fvcore")
"""Packages, whose code may have changed what a row that says the same means."""

NOWHERE = ("machine", "task", "imgsz", "sequence", "names", "yaml_file")
"""What no row depends on. The size of the input is a difference of its own."""

ONLY: Mapping[str, tuple[str, ...]] = {
    "dtype": ("bytes_read", "bytes_written"),
    "activation": ("elementwise_flops", "bytes_read", "bytes_written"),
}
"""The metrics that some differences can change; all others, any."""


def reaches(difference: Difference, change: Change, metric: str, *, last: bool) -> bool:
    """Whether a difference beside the rows can change a row directly, in one metric.

    Args:
        difference: Of two models.
        change: What became of the row.
        metric: One of :data:`archprof.records.comparison.COUNTS`, or another that rows have a part in.
        last: Whether the row is the last one of its model.
    """
    name = difference.name
    if metric not in _metrics(difference, metric) or name in NOWHERE:
        return False
    if name in EVERYWHERE or (name.startswith(SCALES) and not _only_depth(difference)):
        return True
    if name.startswith(SCALES) or name == "depth_multiple":
        return any(part.repeats > 1 for part in _parts(change))
    return (last and name in HEAD) or any(_names(part.arguments, difference) for part in _parts(change))


def is_known(difference: Difference) -> bool:
    """Whether it is known which rows a difference can reach; a key of somebody's own may do what nobody expects."""
    name = difference.name
    return name in (*EVERYWHERE, *HEAD, *NOWHERE, *VERSIONS, "depth_multiple") or name.startswith(SCALES)


def _metrics(difference: Difference, metric: str) -> tuple[str, ...]:
    reached = ONLY.get(difference.name, (metric,))
    prelu = difference.name == "activation" and "PReLU" in difference.before + difference.after
    return (*reached, "parameters") if prelu else reached


def _parts(change: Change) -> Iterator[Part]:
    yield from (part for part in (change.before, change.after) if part)


def _only_depth(difference: Difference) -> bool:
    """Whether of a scale's three numbers only the first differs; it multiplies repeats."""
    before, after = (text.strip("[]").split(", ") for text in (difference.before, difference.after))
    return len(before) == len(after) == 3 and before[1:] == after[1:]


def _names(arguments: Any, difference: Difference) -> bool:
    """Whether a row's arguments name a key, whose value they then stand for."""
    if isinstance(arguments, list):
        return any(_names(argument, difference) for argument in arguments)
    return isinstance(arguments, str) and arguments == difference.name
