"""What a variant is for, told from its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.sources.spec import VariantSpec

# What the name of a head's block contains, in lower case -> the task; the first that fits counts.
_BLOCKS = {
    "semanticsegment": "semantic",
    "segment": "segment",
    "detect": "detect",
    "rtdetr": "detect",
    "pose": "pose",
    "obb": "obb",
    "classify": "classify",
    "depth": "depth",
}


def task_of(spec: VariantSpec) -> str | None:
    """The ``task:`` key, else what the last row's block is for, or None where nothing tells."""
    if isinstance(named := spec.values.get("task"), str):
        return named
    block = spec.rows[-1].module.lower()
    return next((task for part, task in _BLOCKS.items() if part in block), None)
