"""Latency -> text: a table of all places, the samples' spread, what to know of them, and the verdicts."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

from archprof import units
from archprof.latency.statistics import FENCE, quantile
from archprof.records.latency import CANNOT_TELL
from archprof.render import breakdown, csv, header, markdown
from archprof.render.histogram import histogram
from archprof.render.layout import cut, lay_out, painter
from archprof.render.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archprof.records.benchmark import Benchmark
    from archprof.records.latency import Agreement, Comparison, Gpu, Latency, Load, Machine
    from archprof.render import View

COLUMNS = (
    Column("model", "model", shrinks=8),
    Column("device", "device"),
    Column("backend", "backend"),
    Column("threads", "threads", number=True, absent=units.ABSENT, spare=True),
    Column("median_s", "median", units.seconds, number=True, absent=units.ABSENT),
    Column("interval", "95 % interval", number=True, absent=units.ABSENT),
    Column("ci95_low_s", "", printed=False),
    Column("ci95_high_s", "", printed=False),
    Column("p90_s", "p90", units.seconds, number=True, absent=units.ABSENT),
    Column("p99_s", "p99", units.seconds, number=True, absent=units.ABSENT),
    Column("mad_s", "MAD", units.seconds, number=True, absent=units.ABSENT, spare=True),
    Column("samples", "n", units.count, number=True),
    Column("outliers", "outliers", units.count, number=True, spare=True),
    Column("per_image_s", "per image", units.seconds, number=True, absent=units.ABSENT, spare=True),
    Column("throughput", "images/s", lambda rate: f"{rate:,.4g}", number=True, absent=units.ABSENT, spare=True),
    Column("error", "error", printed=False),
)

_BINS = 32


def text(benchmark: Benchmark, view: View) -> str:
    """For a terminal."""
    style, lines = painter(view.color), []
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        about = " · ".join(header.title(profile))
        lines.append(style(name, "name"))
        lines += textwrap.wrap(about, view.width, initial_indent="  ", subsequent_indent="  ")
    lines += [line for fact in _facts(benchmark) for line in _wrapped(fact, view.width)]
    lines += ["", *lay_out(table(benchmark), view.width, style)]
    lines += ["", *(cut(f"  {spread}", view.width) for spread in _spreads(benchmark))]
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        for one in profile.breakdowns:
            lines += ["", style(f"{name} on {one.device}", "name")]
            lines += lay_out(breakdown.parts(profile, one), view.width, style)
            lines += ["", *lay_out(breakdown.operations(profile, one), view.width, style), ""]
            lines += [line for remark in breakdown.remarks(profile, one) for line in _wrapped(remark, view.width)]
    for section in (_said(benchmark), _verdicts(benchmark)):
        if told := [line for sentence in section for line in _wrapped(sentence, view.width)]:
            lines += ["", *told]
    return "\n".join(lines) + "\n"


def as_markdown(benchmark: Benchmark, view: View) -> str:
    """For GitHub."""
    lines = []
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        lines += [f"### {markdown.escaped(name)}", "", markdown.escaped(" · ".join(header.title(profile))), ""]
    lines += [f"- {markdown.escaped(fact)}" for fact in _facts(benchmark)]
    lines += ["", *markdown.table_lines(table(benchmark))]
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        for one in profile.breakdowns:
            lines += ["", f"#### {markdown.escaped(name)} on {one.device}", ""]
            lines += markdown.table_lines(breakdown.parts(profile, one))
            lines += ["", *markdown.table_lines(breakdown.operations(profile, one)), ""]
            lines += [f"- {markdown.escaped(remark)}" for remark in breakdown.remarks(profile, one)]
    if told := [*_said(benchmark), *_verdicts(benchmark)]:
        lines += ["", *(f"- {markdown.escaped(sentence)}" for sentence in told)]
    return "\n".join(lines) + "\n"


def as_json(benchmark: Benchmark, view: View) -> str:
    """As it is saved: one model is its profile, as every command reads it; several are a benchmark."""
    if len(benchmark.profiles) == 1:
        return benchmark.profiles[0].to_json() + "\n"
    return benchmark.to_json() + "\n"


def as_csv(benchmark: Benchmark, view: View) -> str:
    """One line a place, in seconds."""
    return csv.several(benchmark.profiles, table(benchmark), view)


FORMATS: dict[str, Callable[[Benchmark, View], str]] = {
    "text": text,
    "json": as_json,
    "markdown": as_markdown,
    "csv": as_csv,
}


def names(benchmark: Benchmark) -> list[str]:
    """What each model is called: its variant's name, with its place where several have that."""
    variants = [profile.variant for profile in benchmark.profiles]
    plain = [variant.name + (" (static twin)" if variant.static else "") for variant in variants]
    often = Counter(plain)
    return [f"{name} ({place})" if often[name] > 1 else name for place, name in enumerate(plain, 1)]


def table(benchmark: Benchmark) -> Table:
    """One line for each model at each place."""
    return Table(COLUMNS, tuple(_record(name, one) for name, one in _places(benchmark)), label="model")


def _places(benchmark: Benchmark) -> Iterator[tuple[str, Latency]]:
    for name, profile in zip(names(benchmark), benchmark.profiles, strict=True):
        for one in profile.latency:
            yield name, one


def _record(name: str, one: Latency) -> tuple[object, ...]:
    low, high = one.ci95_s or (None, None)
    interval = None if low is None or high is None else units.seconds_between(low, high)
    backend = " ".join([one.backend, *one.options])
    return (
        name, one.device, backend, one.threads, one.median_s, interval, low, high, one.p90_s, one.p99_s, one.mad_s,
        len(one.samples_s), one.outliers, one.per_image_s, one.throughput, one.error,
    )  # fmt: skip


def _facts(benchmark: Benchmark) -> Iterator[str]:
    """What holds for all of it."""
    profile = benchmark.profiles[0]
    if profile.environment.machine:
        yield _machine(profile.environment.machine)
    for device in dict.fromkeys((one.device, one.device_name) for _, one in _places(benchmark) if one.device != "cpu"):
        yield f"{device[0]} is {device[1]}"
    yield from dict.fromkeys(f"{header.place(one)}: {_gpu(one.gpu)}" for _, one in _places(benchmark) if one.gpu)
    for timed in dict.fromkeys(one.timed for _, one in _places(benchmark)):
        yield f"timed is {timed}"
    for timer in {one.timer.name: one.timer for _, one in _places(benchmark) if one.timer}.values():
        yield f"the clock is {timer.name}, which takes {units.seconds(timer.overhead_s)} itself"
    loads = [one.load for _, one in _places(benchmark) if one.load]
    if loads:
        yield load(loads)


def _machine(machine: Machine) -> str:
    pieces = [
        machine.cpu,
        f"{machine.cpus} processor{'s' if machine.cpus > 1 else ''}",
        *([f"{machine.memory_bytes / 1e9:.1f} GB"] if machine.memory_bytes else []),
        f"governor {machine.governor or 'not told'}",
        *([f"driver {machine.driver}"] if machine.driver else []),
        machine.torch_build,
    ]
    return " · ".join(pieces)


def _gpu(gpu: Gpu) -> str:
    """How fast a card ran, as far as its driver told."""
    highest = f" of at most {gpu.max_clock_hz / 1e6:,.0f}" if gpu.max_clock_hz else ""
    pieces = [
        *([f"the card's clock at {gpu.clock_hz / 1e6:,.0f} MHz{highest}"] if gpu.clock_hz else []),
        *([f"at least {gpu.lowest_clock_hz / 1e6:,.0f}"] if gpu.lowest_clock_hz else []),
        *([f"up to {gpu.temperature_c} °C"] if gpu.temperature_c is not None else []),
    ]
    told = ", ".join(pieces) or "the card's driver tells nothing"
    return f"{told} (asked {units.count(gpu.readings)} times)"


def load(loads: list[Load]) -> str:
    """What else the machine did while several were measured, in words."""
    others = [load.others for load in loads if load.others is not None]
    pieces = []
    if loads[0].before is not None and loads[-1].after is not None:
        pieces.append(f"load {loads[0].before:.1f} before and {loads[-1].after:.1f} after")
    if others:
        pieces.append(f"other processes took up to {units.percent(max(others))} % of the processors")
    return ", ".join(pieces) or "the system tells no load"


def _spreads(benchmark: Benchmark) -> Iterator[str]:
    """The histogram of each place's samples."""
    for name, one in _places(benchmark):
        samples = one.samples_s
        if len(samples) > 1:
            low, high = quantile(samples, 0.25), quantile(samples, 0.75)
            reach = FENCE * (high - low)
            inside = [sample for sample in samples if low - reach <= sample <= high + reach]
            blocks = histogram(samples, min(inside), max(inside), _BINS)
            beyond = f", {one.outliers} beyond, to {units.seconds(max(samples))}" if one.outliers else ""
            ends = units.seconds_between(min(inside), max(inside))
            yield f"{blocks}  {ends}{beyond}  {_label(benchmark, name, one)}"


def _label(benchmark: Benchmark, name: str, one: Latency) -> str:
    return f"{name}, {header.place(one)}" if len(benchmark.profiles) > 1 else header.place(one)


def _said(benchmark: Benchmark) -> Iterator[str]:
    """What failed, how far outputs agree, and what a reader should know."""
    for name, one in _places(benchmark):
        label = _label(benchmark, name, one)
        if one.error:
            yield f"{label}: {one.error}"
        if one.agreement and one.agreement.holds:
            yield f"{label}: outputs agree with eager PyTorch's, {agreement(one.agreement)}"
        for note in one.notes:
            yield f"{label}: {note}"


def agreement(found: Agreement) -> str:
    """How far outputs are apart, in words."""
    relative = "not to be compared" if found.relative is None else f"within {found.relative:.1e} of the largest"
    return f"{relative} (allowed {found.tolerance:g})"


def _verdicts(benchmark: Benchmark) -> Iterator[str]:
    called = names(benchmark)
    for one in benchmark.comparisons:
        yield f"{_verdict(one, called)} on {one.device} with {one.backend}: {evidence(one)}"


def _verdict(one: Comparison, called: list[str]) -> str:
    base, model = called[one.base], called[one.model]
    if one.result.verdict == CANNOT_TELL:
        return f"cannot tell {model} from {base}"
    return f"{model} is {one.result.verdict} than {base}"


def evidence(one: Comparison) -> str:
    """What a verdict rests on, in words."""
    low, high = one.result.bounds
    upper = "∞" if math.isinf(high) else f"{high:.3f}"
    blocks = f"{units.count(one.blocks)} block{'' if one.blocks == 1 else 's'} in random order"
    return f"{units.factor(one.result.ratio)}, {100 * one.result.confidence:g} % [{low:.3f}, {upper}], {blocks}"


def _wrapped(sentence: str, width: int) -> list[str]:
    return textwrap.wrap(sentence, width, initial_indent="  ", subsequent_indent="    ")
