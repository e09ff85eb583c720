"""The exact count in FLOPs: two for each multiply-accumulate of convolutions, matrix products and attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.conventions.subject import operation_items
from archprof.count.figures import Figures

if TYPE_CHECKING:
    from archprof.count.conventions.subject import Subject


def figures(subject: Subject) -> Figures:
    """Twice the MACs of every operation."""
    return Figures(operation_items(subject, lambda entry: 2 * entry.count.macs))
