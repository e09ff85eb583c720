"""The exact count in multiply-accumulates, as timm's tables and most papers have it under whatever name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.conventions.subject import operation_items
from archprof.count.figures import Figures

if TYPE_CHECKING:
    from archprof.count.conventions.subject import Subject


def figures(subject: Subject) -> Figures:
    """The MACs of every operation."""
    return Figures(operation_items(subject, lambda entry: entry.count.macs))
