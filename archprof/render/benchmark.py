"""A benchmark as a report: a table of all models and devices, the samples' spread, and the verdicts."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from archprof import units
from archprof.latency.statistics import FENCE, quantile
from archprof.records.latency import CANNOT_TELL
from archprof.render import breakdown, columns, facts, several
from archprof.render.figures import figures_of
from archprof.render.histogram import histogram
from archprof.render.report import Report
from archprof.render.table import Column, Table, table_of
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.records.benchmark import Benchmark
    from archprof.records.latency import Agreement, Comparison, Gpu, Latency, Load, Machine
    from archprof.records.profile import Profile
    from archprof.render import View
    from archprof.render.report import Fact

_time = partial(Column, show=units.seconds, number=True, absent=units.ABSENT)

COLUMNS = (
    Column("device", "device"),
    Column("backend", "backend", lambda latency: " ".join([latency.backend, *latency.options]), wraps=True),
    Column("exporter", "exporter", visible=False),
    Column("threads", "threads", number=True, absent=units.ABSENT, droppable=True),
    _time("latency_s", "median", attrgetter("median_s")),
    _time("ci95_s", "95 % interval", show=lambda ends: units.seconds_between(*ends), saved=False),
    _time("latency_ci95_low_s", "low", lambda latency: latency.ci95_s and latency.ci95_s[0], visible=False),
    _time("latency_ci95_high_s", "high", lambda latency: latency.ci95_s and latency.ci95_s[1], visible=False),
    _time("latency_p90_s", "p90", attrgetter("p90_s")),
    _time("latency_p99_s", "p99", attrgetter("p99_s")),
    _time("latency_mad_s", "MAD", attrgetter("mad_s"), droppable=True),
    Column("samples", "samples", lambda latency: len(latency.samples_s), show=units.count, number=True),
    Column("outliers", "outliers", lambda latency: latency.outliers if latency.samples_s else None, number=True,
           droppable=True),
    _time("latency_per_image_s", "per image", attrgetter("per_image_s"), droppable=True),
    _time("images_per_s", "images/s", attrgetter("throughput"), show="{:,.4g}".format, droppable=True),
    several.ERROR,
)  # fmt: skip
"""What there is to say of one latency."""

SPREAD = (
    Column("model", "model", min_width=8),
    Column("where", "where", min_width=8),
    Column("histogram", "spread of the samples"),
    Column("range", "range", number=True),
    Column("outliers", "", wraps=True),
)

_BINS = 32


def report(benchmark: Benchmark, view: View) -> Report:
    """The report of one model or several, each on one device or several."""
    profiles, entries = benchmark.profiles, list(_entries(benchmark))
    subjects = [columns.of_profile(profile, latency, name=name) for name, profile, latency in entries]
    spread = _spread(benchmark)
    table = columns.chosen_table(subjects, view.columns) if view.columns else latency_table(benchmark)
    table = several.with_failures(table, benchmark.failures)
    many = len(profiles) > 1
    shared = all(facts.about(profile) == facts.about(profiles[0]) for profile in profiles)
    return Report(
        title=", ".join(names(benchmark)),
        about=facts.about(profiles[0]) if shared else [],
        facts=[*(() if shared else _models(benchmark)), *_facts(benchmark)],
        conclusions=list(_verdicts(benchmark)),
        tables=[table, spread] if spread.records and not view.columns else [table],
        figures=lambda: figures_of([benchmark], "distribution", "paired", "shares", "roofline", "ratios"),
        notes=[*columns.absent(subjects, view.columns), *_notes(benchmark), *several.reasons(benchmark.failures)],
        parts=[
            breakdown.report(profile, entry, name)
            for name, profile in zip(names(benchmark), profiles, strict=True)
            for entry in profile.breakdowns
        ],
        record=benchmark if many or benchmark.failures else profiles[0],
        data=table,
    )


def names(benchmark: Benchmark) -> list[str]:
    """What each model is called; a static equivalent says that it is one."""
    variants = [profile.variant for profile in benchmark.profiles]
    static = [" (static equivalent)" if variant.static else "" for variant in variants]
    return [f"{name}{text}" for name, text in zip(several.distinct_names(variants, static), static, strict=True)]


def _entries(benchmark: Benchmark) -> Iterator[tuple[str, Profile, Latency]]:
    """Each latency with the profile that it is of, and what that is called."""
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        for latency in profile.latency:
            yield name, profile, latency


def latency_table(benchmark: Benchmark) -> Table:
    """One line for each model on each device with each backend."""
    entries = list(_entries(benchmark))
    table = table_of(COLUMNS, [latency for _, _, latency in entries], "model")
    records = [(name, *record) for (name, _, _), record in zip(entries, table.records, strict=True)]
    return replace(table, columns=(Column("model", "model", min_width=8), *COLUMNS), records=tuple(records))


def _models(benchmark: Benchmark) -> Iterator[Fact]:
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        yield name, facts.about(profile)


def _facts(benchmark: Benchmark) -> Iterator[Fact]:
    """What holds for all of it."""
    machine = benchmark.profiles[0].environment.machine
    latencies = [latency for _, _, latency in _entries(benchmark)]
    if machine:
        yield "machine", _machine(machine)
    for device, name in dict.fromkeys(
        (entry.device, entry.device_name) for entry in latencies if entry.device != "cpu"
    ):
        yield device, [name]
    for text in dict.fromkeys(f"{facts.where(entry)}: {_gpu(entry.gpu)}" for entry in latencies if entry.gpu):
        yield "GPU", [text]
    for scope in dict.fromkeys(entry.scope for entry in latencies):
        yield "timed", [scope]
    for timer in {entry.timer.name: entry.timer for entry in latencies if entry.timer}.values():
        yield "clock", [timer.name, f"takes {units.seconds(timer.overhead_s)} itself"]
    loads = [entry.load for entry in latencies if entry.load]
    if loads:
        yield "load", [load_text(loads)]


def _machine(machine: Machine) -> list[str]:
    return [
        machine.cpu,
        plural(machine.cpus, "CPU"),
        *([f"{machine.memory_bytes / 1e9:.1f} GB"] if machine.memory_bytes else []),
        f"CPU governor: {machine.governor or 'unknown'}",
        *([f"driver {machine.driver}"] if machine.driver else []),
        machine.torch_build,
    ]


def _gpu(gpu: Gpu) -> str:
    """How fast a GPU ran, as far as its driver tells."""
    highest = f" (max {gpu.max_clock_hz / 1e6:,.0f})" if gpu.max_clock_hz else ""
    pieces = [
        *([f"median clock {gpu.clock_hz / 1e6:,.0f} MHz{highest}"] if gpu.clock_hz else []),
        *([f"lowest {gpu.lowest_clock_hz / 1e6:,.0f} MHz"] if gpu.lowest_clock_hz else []),
        *([f"up to {gpu.temperature_c} °C"] if gpu.temperature_c is not None else []),
    ]
    return f"{', '.join(pieces) or 'its driver tells nothing'} ({plural(gpu.readings, 'reading')})"


def load_text(loads: Sequence[Load]) -> str:
    """What else the machine did while several were measured."""
    loads_of_others = [load.other_processes for load in loads if load.other_processes is not None]
    pieces = []
    if loads[0].before is not None and loads[-1].after is not None:
        pieces.append(f"load average {loads[0].before:.1f} before, {loads[-1].after:.1f} after")
    if loads_of_others:
        pieces.append(f"other processes took up to {units.percent(max(loads_of_others))} % of the CPUs")
    return ", ".join(pieces) or "unknown"


def _spread(benchmark: Benchmark) -> Table:
    """The histogram of each entry's samples, without its outliers, all of them on one axis."""
    entries = [(name, latency) for name, _, latency in _entries(benchmark) if len(latency.samples_s) > 1]
    if not entries:
        return Table(SPREAD, (), label="model", text_only=True)
    ends = [_without_outliers(latency.samples_s) for _, latency in entries]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    axis = f"samples from {units.seconds(low)} to {units.seconds(high)}"
    return Table(
        tuple(replace(column, title=axis) if column.key == "histogram" else column for column in SPREAD),
        tuple(
            (
                name,
                facts.where(latency),
                histogram([sample for sample in latency.samples_s if first <= sample <= last], low, high, _BINS),
                units.seconds_between(first, last),
                f"{plural(latency.outliers, 'outlier')}, max {units.seconds(max(latency.samples_s))}"
                if latency.outliers
                else None,
            )
            for (name, latency), (first, last) in zip(entries, ends, strict=True)
        ),
        label="model",
        text_only=True,
    )


def _without_outliers(samples: Sequence[float]) -> tuple[float, float]:
    """The least and the most of the samples within Tukey's outer fences."""
    low, high = quantile(samples, 0.25), quantile(samples, 0.75)
    reach = FENCE * (high - low)
    inside = [sample for sample in samples if low - reach <= sample <= high + reach]
    return min(inside), max(inside)


def _notes(benchmark: Benchmark) -> Iterator[str]:
    """What failed, how far outputs agree, and what a reader should know."""
    many = len(benchmark.profiles) > 1
    for name, profile, latency in _entries(benchmark):
        is_onnx = profile.file is not None and profile.file.format == "onnx"
        reference = "those of ONNX Runtime without its optimisations" if is_onnx else "eager PyTorch's"
        label = f"{name}, {facts.where(latency)}" if many else facts.where(latency)
        if latency.error:
            yield f"{label}: {latency.error}"
        if latency.agreement and latency.agreement.holds:
            exported = f" (ONNX by torch's {latency.exporter} exporter)" if latency.exporter else ""
            yield f"{label}{exported}: outputs agree with {reference}, {agreement_text(latency.agreement)}"
        for note in latency.notes:
            yield f"{label}: {note}"


def agreement_text(agreement: Agreement) -> str:
    """How far outputs are from each other."""
    distance = "not comparable" if agreement.relative is None else f"within {agreement.relative:.1e} of the largest"
    return f"{distance} (allowed {agreement.tolerance:g})"


def _verdicts(benchmark: Benchmark) -> Iterator[str]:
    titles = names(benchmark)
    for comparison in benchmark.comparisons:
        where = f"{comparison.device} with {comparison.backend}"
        yield f"{_verdict(comparison, titles)} on {where}: {evidence(comparison)}"


def _verdict(comparison: Comparison, titles: Sequence[str]) -> str:
    base, model = titles[comparison.base], titles[comparison.model]
    if comparison.result.verdict == CANNOT_TELL:
        return f"no significant difference between {model} and {base}"
    return f"{model} is {comparison.result.verdict} than {base}"


def evidence(comparison: Comparison) -> str:
    """What a verdict rests on."""
    result = comparison.result
    low, high = result.bounds
    upper = "∞" if math.isinf(high) else f"{high:.3f}"
    blocks = f"{plural(comparison.blocks, 'block')} in random order"
    # Without a verdict, an interval that does not hold 1 would contradict it for a reader who knows of no margin.
    apart = result.verdict == CANNOT_TELL and not low <= 1 <= high
    margin = f", not all of it beyond the margin of {100 * result.margin:g} %" if apart else ""
    interval = f"{100 * result.confidence:g} % interval [{low:.3f}, {upper}]{margin}"
    return f"{units.factor(result.ratio)}, {interval}, {blocks}"
