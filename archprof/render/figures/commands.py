"""What to type to have a scatter again: the command that makes its points, and the one that draws them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from archprof.render.figures import origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.compare.pareto import Axes
    from archprof.records.comparison import Comparison
    from archprof.records.profile import Input, Variant
    from archprof.records.suggestion import Suggestion
    from archprof.records.sweep import Sweep
    from archprof.records.variation import Variation
    from archprof.render.figures import Choice

STORE = "sweep.db"


def models(subjects: Sequence[tuple[Variant, Input]], both: Axes) -> str:
    """Several models: their references, and the options that hold for all of them."""
    references = list(dict.fromkeys(variant.reference for variant, _ in subjects))
    all_scales = ["--scale", "all"] if len(references) < len(subjects) else []
    return shlex.join(["archprof", *_plot(*references), *all_scales, *origin.shared_settings(subjects), *_axes(both)])


def compared(comparison: Comparison, both: Axes) -> str:
    """The models of a comparison."""
    names = [side.name for side in comparison.models]
    subjects = [(side.variant, side.input) for side in comparison.models if side.input]
    settings = origin.shared_settings(subjects) if len(subjects) == len(names) else []
    return shlex.join(["archprof", *_plot(*names), *settings, *_axes(both)])


def suggest(record: Suggestion | Variation, file: str, choice: Choice | None = None) -> str:
    """A suggestion, asked for again and drawn.

    Args:
        record: The suggestion.
        file: What its file is called.
        choice: The metrics that were asked for on the axes.
    """
    model = [record.variant.reference, *origin.settings(record.variant, record.input)]
    chosen = [("--x", choice.x), ("--y", choice.y)] if choice else []
    options = [piece for name, value in chosen if value for piece in (name, value)]
    return _lines(["suggest", *model, *record.question, "-o", file], [*_plot(file), *options, "-o", "pareto.svg"])


def sweep(record: Sweep, both: Axes) -> str:
    """A sweep, counted again into a store, and drawn."""
    latency = ["--latency", "measured"] if any(row.latency for row in record.rows) else []
    runs = record.runs or [[str(record.setup.get("reference", ""))]]
    counting = [["sweep", *options, *latency, "--store", STORE] for options in runs]
    if not record.where:
        return _lines(*counting, [*_plot(STORE), *_axes(both)])
    where = [piece for text in record.where for piece in ("--where", text)]
    return _lines(*counting, ["sweep", "show", STORE, *where, "-o", "sweep.json"], [*_plot("sweep.json"), *_axes(both)])


def _plot(*references: str) -> list[str]:
    return ["plot", "pareto", *references]


def _axes(both: Axes) -> list[str]:
    (x, _), (y, _) = both
    return ["--x", x.name, "--y", y.name, "-o", "pareto.svg"]


def _lines(*arguments: Sequence[str]) -> str:
    return "\n".join(shlex.join(["archprof", *line]) for line in arguments)
