"""Measured latencies: every sample of each model on one axis, with the median and its interval."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import msgspec

from archprof import units
from archprof.records.benchmark import Benchmark
from archprof.records.profile import Profile
from archprof.render import benchmark as benchmark_report
from archprof.render import facts
from archprof.render.figures import FIGURES, Choice, Figure, FigureKind, origin
from archprof.render.figures.style import LESS, TOTAL, VEGA_LITE, printable, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.latency import Latency
    from archprof.render.figures import Spec

_FLAGS = {
    "channels_last": ["--channels-last"],
    "no_grad": ["--no-inference-mode"],
    "CUDA graph": ["--cuda-graph"],
}
"""The option of ``bench`` for what a latency says of how it ran, where that is not its name."""


class Distribution(FigureKind):
    """A line of samples for each latency."""

    name = "distribution"
    help = "samples of measured latencies, with medians and their intervals"
    source = "benchmark"
    absent = "nothing was measured: `archprof bench REF REF -o bench.json` measures"

    def figures(self, records: Sequence[Any], choice: Choice) -> Iterator[Figure]:
        """The figure of each benchmark, and of each profile that has latencies."""
        for benchmark in benchmarks_in(records):
            yield from _figures(benchmark)


def benchmarks_in(records: Sequence[Any]) -> Iterator[Benchmark]:
    """The benchmarks among some records; a profile, which may have latencies, is one of a single model."""
    for record in records:
        benchmark = Benchmark(profiles=[record]) if isinstance(record, Profile) else record
        if isinstance(benchmark, Benchmark):
            yield benchmark


def _figures(benchmark: Benchmark) -> Iterator[Figure]:
    names = benchmark_report.names(benchmark)
    entries = [
        (_label(name, latency), latency)
        for name, profile in zip(names, benchmark.profiles, strict=True)
        for latency in profile.latency
        if latency.samples_s and latency.median_s
    ]
    if not entries:
        return
    medians = "; ".join(f"{label}: median {units.seconds(latency.median_s or 0)}" for label, latency in entries)
    yield Figure(
        kind=Distribution.name,
        title="Measured latency",
        text=f"{medians}.",
        spec=_samples(entries),
        about=about_of(benchmark),
        command=command_of(benchmark, Distribution.name),
    )


def about_of(benchmark: Benchmark) -> list[str]:
    """What one must know to quote a measured figure."""
    first = benchmark.profiles[0]
    machine = [first.environment.machine.cpu] if first.environment.machine else []
    scopes = dict.fromkeys(latency.scope for profile in benchmark.profiles for latency in profile.latency)
    about = origin.about(first, "seconds of one call")
    return [*(about if len(benchmark.profiles) == 1 else about[1:]), *machine, *scopes]


def command_of(benchmark: Benchmark, kind: str, title: str | None = None) -> str:
    """What measures again, and draws that; ``title`` is the figure's where there is one for each model."""
    profiles = benchmark.profiles
    latencies = [latency for profile in profiles for latency in profile.latency]
    first = profiles[0]
    devices = dict.fromkeys(latency.device for latency in latencies)
    backends = dict.fromkeys(latency.backend for latency in latencies)
    options = dict.fromkeys(text for latency in latencies for text in latency.options)
    threads = latencies[0].threads if latencies else None
    static = any(profile.variant.static for profile in profiles)
    arguments = [
        *(profile.variant.reference for profile in profiles),
        *origin.settings(msgspec.structs.replace(first.variant, static=False), first.input),
        *(["--static"] if static else []),
        *(["--device", ",".join(devices)] if devices else []),
        *(["--backend", ",".join(backends)] if backends else []),
        *(["--threads", str(threads)] if threads else []),
        *(piece for text in options for piece in _FLAGS.get(text, [f"--{text.split()[0]}", *text.split()[1:]])),
        *(["--seed", str(benchmark.seed)] if benchmark.seed else []),
        *(["--layers"] if any(profile.breakdowns for profile in profiles) else []),
    ]
    run = shlex.join(["archprof", "bench", *arguments, "-o", "bench.json"])
    select = ["--select", title] if title and len(profiles) > 1 else []
    return f"{run}\n{shlex.join(['archprof', 'plot', kind, 'bench.json', *select, '-o', f'{kind}.svg'])}"


def _label(name: str, latency: Latency) -> str:
    return printable(f"{name}, {facts.where(latency)}")


def _samples(entries: Sequence[tuple[str, Latency]]) -> Spec:
    samples = [{"label": label, "seconds": sample} for label, latency in entries for sample in latency.samples_s]
    medians = [
        {"label": label, "seconds": latency.median_s, "low": low, "high": high, "text": units.seconds(latency.median_s)}
        for label, latency in entries
        if latency.median_s
        for low, high in [latency.ci95_s or (latency.median_s, latency.median_s)]
    ]
    most = max(sample for _, latency in entries for sample in latency.samples_s)
    y = {"field": "label", "type": "nominal", "sort": None, "axis": {"title": None}}
    x = {
        "field": "seconds",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 12},
        "axis": times(most, "time of one call"),
    }
    return {
        "$schema": VEGA_LITE,
        "height": 44 * len(entries),
        "data": {"values": samples},
        "encoding": {"y": y},
        "layer": [
            {
                "name": "samples",
                "mark": {"type": "tick", "color": TOTAL, "opacity": 0.35, "size": 18, "thickness": 1, "aria": False},
                "encoding": {"x": x},
            },
            {
                "data": {"values": medians},
                "mark": {"type": "rule", "color": LESS, "strokeWidth": 5},
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "data": {"values": medians},
                "name": "medians",
                "mark": {"type": "tick", "color": LESS, "size": 26, "thickness": 2.5},
                "encoding": {"x": x, "tooltip": [{"field": "label"}, {"field": "text", "title": "median"}]},
            },
            {
                "data": {"values": medians},
                "mark": {"type": "text", "dy": -19},
                "encoding": {"x": x, "text": {"field": "text"}},
            },
        ],
    }


FIGURES.register(Distribution.name, Distribution())
