"""Where the time goes beside where the FLOPs go: the share of each row, or module, in both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof import units
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.distribution import benchmarks_in, command_of
from archprof.render.figures.style import LESS, TOTAL, VEGA_LITE, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.benchmark import Benchmark
    from archprof.records.breakdown import Breakdown
    from archprof.records.profile import Profile
    from archprof.render.figures import Spec

TIME, FLOPS = "time", "FLOPs"
COLORS = {TIME: LESS, FLOPS: TOTAL}

Bar = dict[str, Any]


class Shares(FigureKind):
    """Two bars a row: its share of the time, and that of the FLOPs."""

    name = "shares"
    help = "each row's share of the measured time beside its share of the FLOPs"
    source = "benchmark"
    absent = "no time by row was measured: `archprof bench REF --layers -o bench.json` measures it"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """A figure for each device that a model's rows were timed on."""
        for benchmark in benchmarks_in(records):
            for profile in benchmark.profiles:
                for breakdown in profile.breakdowns:
                    if bars := bars_of(profile, breakdown):
                        yield _figure(benchmark, profile, breakdown, bars)


def bars_of(profile: Profile, breakdown: Breakdown) -> list[Bar]:
    """The shares of each part that takes time or computes, in the order of the file; nothing without FLOPs or time.

    FLOPs are those of convolutions and matrix products, 2 × multiply-accumulates, as everywhere.
    """
    seconds, macs = (sum(getattr(part, name) for part in breakdown.parts) for name in ("seconds", "macs"))
    if not seconds or not macs:
        return []
    names = {layer.path: (layer.index, f"{layer.index} {layer.module}") for layer in profile.layers}
    bars: list[Bar] = []
    for part in breakdown.parts:
        if part.seconds or part.macs:
            row, name = names.get(part.name, (None, part.name or "(outside)"))
            label = {"part": printable(name), "row": row}
            bars.append({**label, "kind": TIME, "share": part.seconds / seconds, "amount": units.seconds(part.seconds)})
            flops = units.amount(2 * part.macs, FLOPS)
            bars.append({**label, "kind": FLOPS, "share": part.macs / macs, "amount": flops})
    return bars


def _figure(benchmark: Benchmark, profile: Profile, breakdown: Breakdown, bars: list[Bar]) -> Figure:
    longest = max((bar for bar in bars if bar["kind"] == TIME), key=lambda bar: bar["share"])
    flops = next(bar for bar in bars if bar["kind"] == FLOPS and bar["part"] == longest["part"])
    static = " (static equivalent)" if profile.variant.static else ""
    machine = [profile.environment.machine.cpu] if profile.environment.machine else []
    unit = "shares of time and of FLOPs (2 × multiply-accumulates)"
    title = f"Time and FLOPs of {profile.variant.name}{static} on {breakdown.device}"
    return Figure(
        kind=Shares.name,
        title=title,
        text=f"{longest['part']} takes {longest['share']:.1%} of the time ({longest['amount']}) for "
        f"{flops['share']:.1%} of the FLOPs.",
        spec=_spec(bars),
        about=[*origin.about(profile, unit), *machine, *units.threads(breakdown.threads)],
        command=command_of(benchmark, Shares.name, title),
    )


def _spec(bars: list[Bar]) -> Spec:
    parts = len({bar["part"] for bar in bars})
    scale = {"domain": list(COLORS), "range": list(COLORS.values())}
    return {
        "$schema": VEGA_LITE,
        "height": 19 * parts,
        "data": {"values": bars},
        "name": "shares",
        "mark": "bar",
        "encoding": {
            "y": {"field": "part", "type": "nominal", "sort": None, "axis": {"title": None, "ticks": False}},
            "yOffset": {"field": "kind", "type": "nominal", "sort": list(COLORS)},
            "x": {"field": "share", "type": "quantitative",
                  "axis": {"title": "share of the whole", "format": "~%", "tickCount": 6}},
            "color": {"field": "kind", "type": "nominal", "scale": scale, "legend": {"title": None}},
            "tooltip": [{"field": "part"}, {"field": "kind"}, {"field": "amount"},
                        {"field": "share", "format": ".1%"}],
        },
    }  # fmt: skip


FIGURES.register(Shares.name, Shares())
