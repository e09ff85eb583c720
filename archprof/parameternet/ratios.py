"""What the figures of dynamic layers make of a whole model. Free of torch."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from archprof.records.parameternet import Figures, Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.parameternet import MeasuredTotals

Papers = tuple[Fraction | None, ...]
"""By the paper's formulas: parameters exact and approximate, FLOPs exact and approximate."""


def ratio(figures: Figures, paper: Fraction | None, approximation: Fraction | None) -> Ratio:
    """How often the plain figure each other one is, beside what the paper has."""
    return Ratio(
        paper=None if paper is None else float(paper),
        paper_approximation=None if approximation is None else float(approximation),
        as_built=figures.as_built / figures.static,
        measured=figures.measured / figures.static,
    )


def formula_differences(static: MeasuredTotals, parameters: Figures, macs: Figures) -> list[str]:
    """Where the twin as it was built is not what the formulas give."""
    pairs = ((static.parameters, parameters.static, "parameters"), (static.macs, macs.static, "MACs"))
    return [
        f"the static equivalent has {value:,} {unit}, {value - expected:+,} from the formulas"
        for value, expected, unit in pairs
        if value != expected
    ]


def figures_and_ratio(figures: Sequence[Figures], measured: int, papers: Sequence[Papers]) -> tuple[Figures, Ratio]:
    """One quantity of the whole model, the rest of it being the same in its static equivalent."""
    rest = measured - sum(entry.measured for entry in figures)
    total = Figures(
        static=rest + sum(entry.static for entry in figures),
        as_built=rest + sum(entry.as_built for entry in figures),
        measured=measured,
    )
    by_paper: list[Fraction | None] = []
    for ratios in zip(*papers, strict=True):
        scaled = [ratio * entry.static for ratio, entry in zip(ratios, figures, strict=True) if ratio is not None]
        by_paper.append((rest + sum(scaled)) / Fraction(total.static) if len(scaled) == len(figures) else None)
    return total, ratio(total, *by_paper)
