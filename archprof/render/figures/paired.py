"""The ratios of a paired experiment, each with the interval that the true ratio lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.records.benchmark import Benchmark
from archprof.records.latency import CANNOT_TELL
from archprof.render import benchmark as benchmark_report
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind
from archprof.render.figures.distribution import about_of, command_of
from archprof.render.figures.style import QUIET, TOTAL, VEGA_LITE, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.render.figures import Spec


class Paired(FigureKind):
    """A ratio with its interval for each model that was measured against the first."""

    name = "paired"
    help = "how many times as long models take as the first, with intervals"
    source = "benchmark"
    absent = "no models were measured in turn: `archprof bench REF REF -o bench.json` does so"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """The figure of each benchmark of several models."""
        for record in records:
            if isinstance(record, Benchmark) and record.comparisons:
                points = points_of(record)
                ratios = [f"{point['label']}: {units.factor(point['ratio'])}, {point['verdict']}" for point in points]
                yield Figure(
                    kind=self.name,
                    title="Paired ratios of latency",
                    text=f"{'; '.join(ratios)}.",
                    spec=_spec(points),
                    about=about_of(record),
                    command=command_of(record, self.name),
                )


def points_of(benchmark: Benchmark) -> list[dict[str, Any]]:
    """Each comparison; an interval whose upper end is not known ends at the ratio."""
    names = benchmark_report.names(benchmark)
    return [
        {
            "label": printable(f"{names[entry.model]} / {names[entry.base]}, {entry.device} {entry.backend}"),
            "ratio": entry.result.ratio,
            "low": entry.result.interval[0],
            "high": entry.result.interval[1] or entry.result.ratio,
            "verdict": "no significant difference" if entry.result.verdict == CANNOT_TELL else entry.result.verdict,
        }
        for entry in benchmark.comparisons
    ]


def _spec(points: list[dict[str, Any]]) -> Spec:
    values = [value for point in points for value in (point["low"], point["ratio"], point["high"])] + [1.0]
    room = 0.08 * (max(values) - min(values)) or 0.1
    # No call takes less than no time, however little its interval says.
    low, high = max(0.0, min(values) - room), max(values) + room
    x = {
        "field": "ratio",
        "type": "quantitative",
        "scale": {"domain": [low, high], "nice": False},
        "axis": {"title": "times as long", "labelExpr": "'×' + datum.label"},
    }
    return {
        "$schema": VEGA_LITE,
        "height": 40 * len(points),
        "data": {"values": points},
        "encoding": {"y": {"field": "label", "type": "nominal", "sort": None, "axis": {"title": None}}},
        "layer": [
            {
                "data": {"values": [{"ratio": 1}]},
                "mark": {"type": "rule", "color": QUIET, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": None},
            },
            {"mark": {"type": "rule", "color": TOTAL, "strokeWidth": 3},
             "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}}},
            {"name": "ratios", "mark": {"type": "point", "filled": True, "color": TOTAL, "size": 80, "opacity": 1},
             "encoding": {"x": x, "tooltip": [{"field": "label"}, {"field": "ratio", "format": ".4f"},
                                              {"field": "verdict"}]}},
            *(
                {
                    "data": {"values": [point for point in points if (point["ratio"] > (low + high) / 2) is late]},
                    "mark": {"type": "text", "dy": -14, "align": "right" if late else "left"},
                    "encoding": {"x": x, "text": {"field": "verdict"}},
                }
                for late in (False, True)
            ),
        ],
    }  # fmt: skip


FIGURES.register(Paired.name, Paired())
