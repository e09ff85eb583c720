"""Everything that computes, in FLOPs: norms, activations, softmax, pooling and sums beside the products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.count.conventions.subject import operation_items
from archprof.count.figures import Figures

if TYPE_CHECKING:
    from archprof.count.conventions.subject import Subject


def figures(subject: Subject) -> Figures:
    """Twice the MACs, and the elementwise FLOPs, of every operation."""
    return Figures(operation_items(subject, lambda entry: 2 * entry.count.macs + entry.count.elementwise_flops))
