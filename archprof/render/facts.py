"""What stands above a profile's table: the totals, each with what one has to know to quote it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archprof import units
from archprof.records.conventions import reporter_of
from archprof.records.profile import arithmetic_intensity
from archprof.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archprof.records.calibration import Device
    from archprof.records.latency import Latency
    from archprof.records.parameternet import Ratio
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Input, Missed, Profile, Reported, Totals, Variant
    from archprof.render.report import Fact

_MAX_NAMES = 4
"""How many of the operations that a counter omits are named."""

_LONGEST = 60
"""How much of what a file says of itself is shown, in characters of each text."""

_FORMATS = {"onnx": "ONNX IR", "pt2": "exported program, schema"}
"""What the version of a file's format is called."""

COMPUTE_NOT_KNOWN = "not known: the file holds weights, and not what is computed with them"
"""What is said instead of the figures of a forward pass, of a file of weights alone."""

_LINE = 66
"""What a terminal of 80 columns leaves beside the labels."""


def about(profile: Profile) -> list[str]:
    """What was profiled, on what: the pieces behind the variant's name."""
    return [*scale_of(profile.variant), *about_all(profile)]


def about_all(profile: Profile) -> list[str]:
    """The same without the scale, for a table of all of them."""
    return [*about_variant(profile.variant, profile.input), *(["training"] if profile.backward else [])]


def about_scaled(variant: Variant, input_: Input) -> list[str]:
    """A variant's scale, what it was changed in, and what went in."""
    return [*scale_of(variant), *about_variant(variant, input_)]


def scale_of(variant: Variant) -> list[str]:
    """The scale, where it has one."""
    return [f"scale {variant.scale}"] if variant.scale else []


def about_variant(variant: Variant, input_: Input) -> list[str]:
    """What a variant was changed in, and what went in."""
    return [
        *([f"nc {variant.nc}"] if variant.nc is not None else []),
        *(f"{key} {value}" for key, value in variant.settings.items() if key != "nc"),
        *([" + ".join(input_.descriptions)] if input_.shapes else []),
        *([] if input_.names else [input_.dtype]),
        "fused" if variant.fused else "not fused",
        *(["static equivalent"] if variant.static else []),
    ]


def facts(profile: Profile) -> list[Fact]:
    """The totals and what qualifies them."""
    totals = profile.totals
    return [
        ("variant", _variant(profile)),
        *_file(profile),
        ("layers", [f"{units.count(totals.layers)} (leaf)", f"modules {units.count(totals.modules)}"]),
        (
            "parameters",
            [
                units.count(totals.parameters),
                *_trainable(profile),
                *_buffers(totals),
            ],
        ),
        ("compute", _compute(profile)),
        *([] if profile.weights_only else unknown(profile.coverage.unknown)),
        *_training(profile),
        ("memory", _memory(profile)),
        *([("latency", [latency_text(latency) for latency in profile.latency])] if profile.latency else []),
        *_predicted(profile),
        *_convention(profile),
        *_reported(profile),
        *_dynamic(profile),
    ]


def _variant(profile: Profile) -> list[str]:
    variant = profile.variant
    words = [word for word in (variant.task, variant.family and f"family {variant.family}") if word]
    device = profile.environment.device
    # A file whose graph was followed was on no device; one that had to be run was.
    devices = [] if (profile.file or profile.weights_only) and device == "meta" else [f"device {device}"]
    return [variant.path or variant.reference, *words, *devices]


def _file(profile: Profile) -> list[Fact]:
    """What a file that is a graph says of itself."""
    file = profile.file
    if file is None:
        return []
    opsets = ", ".join(f"{domain} {version}" for domain, version in file.opsets.items())
    lines = [
        f"{_FORMATS.get(file.format, file.format)} {file.format_version}",
        f"opset {opsets or 'none'}",
        *([f"written by {file.producer}"] if file.producer else []),
        *([f"weights in {', '.join(file.weight_files)}, not read"] if file.weight_files else []),
        f"open axes {', '.join(file.open_axes)}" if file.open_axes else "every axis has its size",
    ]
    says = [f"{key} {_beginning(text)}" for key, text in file.metadata.items()]
    return [("file", lines), *([("metadata", says)] if says else [])]


def _beginning(text: str) -> str:
    """A text on one line that is short enough to be read."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _trainable(profile: Profile) -> list[str]:
    """How many parameters training changes; a fused model is not trained, and Ultralytics freezes its weights."""
    if profile.variant.fused:
        return ["fused for inference: none is trained"]
    if profile.file or profile.weights_only:
        return []
    return [f"trainable parameters {units.count(profile.totals.trainable_parameters)}"]


def _compute(profile: Profile) -> list[str]:
    totals, coverage = profile.totals, profile.coverage
    if profile.weights_only:
        return [COMPUTE_NOT_KNOWN]
    at_least = ">= " if coverage.unknown else ""
    return [
        f"{at_least}{units.amount(totals.flops, 'FLOPs')}",
        f"{at_least}{units.amount(totals.macs, 'MACs')}",
        f"{at_least or '+ '}{units.amount(totals.elementwise_flops, 'FLOPs')} elementwise",
        f"covered {units.coverage(coverage.share)} of {plural(coverage.operations, 'operation')}",
    ]


def _training(profile: Profile) -> list[Fact]:
    """What the backward pass adds, where it was run."""
    backward, at_least = profile.backward, ">= " if profile.coverage.unknown else ""
    if backward is None:
        return []
    return [
        (
            "backward",
            [
                f"{at_least}{units.amount(backward.flops, 'FLOPs')}",
                f"{at_least}{units.amount(backward.macs, 'MACs')}",
                f"{at_least or '+ '}{units.amount(backward.elementwise_flops, 'FLOPs')} elementwise",
                f"{at_least}{units.amount(profile.totals.flops + backward.flops, 'FLOPs')} per training step",
            ],
        )
    ]


def _buffers(totals: Totals) -> list[str]:
    """What is registered as buffers, which are no parameters."""
    if not totals.buffers:
        return []
    return [f"buffers {units.count(totals.buffers)} ({units.size(totals.buffer_bytes or 0)})"]


def _memory(profile: Profile) -> list[str]:
    totals, backward = profile.totals, profile.backward
    if profile.weights_only:
        return [f"weights {units.size(totals.weight_bytes)}"]
    intensity = arithmetic_intensity(totals)
    bytes_read, bytes_written = units.size(totals.bytes_read), units.size(totals.bytes_written)
    traffic = units.size(totals.bytes_read + totals.bytes_written)
    return [
        f"weights {units.size(totals.weight_bytes)}",
        f"activation writes {units.size(totals.activation_bytes)}",
        f"peak activation memory {units.size(totals.peak_activation_bytes)}",
        *([f"{units.size(backward.peak_activation_bytes)} in a training step"] if backward else []),
        f"memory traffic {traffic} ({bytes_read} read, {bytes_written} written)",
        *([f"arithmetic intensity {units.ratio(intensity)} FLOP/B"] if intensity is not None else []),
    ]


def latency_text(latency: Latency) -> str:
    """One latency: ``cpu, eager: median 83.3 ms, 95 % interval [82.9, 83.9] ms, 30 samples``."""
    if latency.median_s is None:
        return f"{where(latency)}: {latency.error}"
    interval = f", 95 % interval {units.seconds_between(*latency.ci95_s)}" if latency.ci95_s else ""
    samples = plural(len(latency.samples_s), "sample")
    return f"{where(latency)}: median {units.seconds(latency.median_s)}{interval}, {samples}"


def where(latency: Latency) -> str:
    """Where something was measured, and how it ran: ``cuda:0, eager, channels_last``."""
    return ", ".join([latency.device, latency.backend, *latency.options])


def _predicted(profile: Profile) -> list[Fact]:
    """How long it should take on this computer, where that was calibrated, and on what; or why that is not known."""
    prediction = profile.prediction
    if prediction is None:
        return [("predicted", [f"not known: {profile.prediction_absent}"])] if profile.prediction_absent else []
    parts = {
        "computing": prediction.computing_s,
        "moving data": prediction.moving_s + prediction.fresh_memory_s,
        "waiting for the CPU" if prediction.device.queued else "overhead": prediction.overhead_s,
    }
    seconds, static = prediction.seconds, prediction.static_s
    measured = next(
        (entry.median_s for entry in profile.latency if entry.median_s and is_comparable(entry, prediction)), None
    )
    return [
        (
            "predicted",
            [
                f"{prediction.device.device} {units.seconds(seconds)}",
                *prediction_interval(prediction),
                *([f"{units.below_or_above(seconds, measured)} measured"] if measured else []),
                *([f"{units.factor(seconds / static)} the static equivalent's"] if static else []),
                *(f"{units.percent(part / seconds)} % {name}" for name, part in parts.items()),
                _calibrated(prediction),
            ],
        )
    ]


def prediction_pieces(prediction: Prediction) -> list[str]:
    """A prediction in short: the time with its interval, and where and when that was calibrated."""
    time = f"{prediction.device.device} {units.seconds(prediction.seconds)}"
    return [time, *prediction_interval(prediction), _calibrated(prediction)]


def _calibrated(prediction: Prediction) -> str:
    return ", ".join(["eager", *units.threads(prediction.threads), f"calibrated {prediction.calibrated_at[:10]}"])


def prediction_interval(prediction: Prediction) -> list[str]:
    """Where the measured time should lie: ``90 % interval [83.9, 99.1] ms``; nothing where that is not known."""
    if prediction.interval_s is None or prediction.coverage is None:
        return []
    return [f"{units.whole_percent(prediction.coverage)} interval {units.seconds_between(*prediction.interval_s)}"]


def is_comparable(measured: Latency, prediction: Prediction) -> bool:
    """Whether what was measured is what was predicted: eager torch, on the same device, with as many threads."""
    comparable = same_device(measured.device, prediction.device) and prediction.device.dtype == measured.dtype
    return comparable and prediction.threads in (None, measured.threads) and measured.backend == "eager"


def same_device(name: str, device: Device) -> bool:
    """Whether something ran on a device that was calibrated; of several GPUs only one's calibration is looked up."""
    return name.partition(":")[0] == device.device


def _convention(profile: Profile) -> list[Fact]:
    """The figure of the convention that was asked for, where it is not the exact FLOPs."""
    reported = profile.reported.get(profile.convention)
    return [("convention", [reported_text(profile.convention, reported, profile)])] if reported else []


def _reported(profile: Profile) -> list[Fact]:
    """What others report of the same model, and what to type to see all that they omit or add."""
    side_figures = {name: reported for name, reported in profile.reported.items() if name != profile.convention}
    pieces = [[reported_text(name, reported, profile)] for name, reported in side_figures.items()]
    if any(reported.missed or reported.added for reported in side_figures.values()):
        pieces[-1] += _pointer(profile)
    return [("" if index else "reported by", line) for index, line in enumerate(pieces)]


def _dynamic(profile: Profile) -> list[Fact]:
    """What the dynamic layers do to the model, where it has any."""
    analysis = profile.parameternet
    if analysis is None:
        return []
    kinds = {layer.kind for layer in analysis.layers}
    experts = sorted({layer.experts for layer in analysis.layers})
    return [
        (
            "dynamic",
            [
                plural(len(analysis.layers), _KINDS[kinds.pop()] if len(kinds) == 1 else "layer"),
                f"{', '.join(map(str, experts))} expert{'' if experts == [1] else 's'}",
                f"parameters {_predicted_and_measured(analysis.model.parameters_ratio)}",
                f"FLOPs {_predicted_and_measured(analysis.model.flops_ratio)}",
            ],
        )
    ]


_KINDS = {"convolution": "convolution", "linear": "linear layer", "experts": "mixture"}
"""Kinds of dynamic layers, in words."""


def unknown(*operations: Mapping[str, int]) -> list[Fact]:
    """The operations without a formula, with how often they ran; nothing where there are none."""
    calls: Counter[str] = Counter()
    for names in operations:
        calls.update(names)
    if not calls:
        return []
    calls_text = [f"{name} {count}×" for name, count in sorted(calls.items())]
    return [("no formula", [*calls_text, "(every total is a lower bound)"])]


def of_one_image(profiles: Sequence[Profile]) -> list[str]:
    """Which reported figures are of one image, where the batch has more."""
    names = dict.fromkeys(
        name
        for profile in profiles
        if profile.input.batch > 1
        for name, reported in profile.reported.items()
        if reported.per_image
    )
    return [f"{name}: for one image of the batch; the other figures are for all of it" for name in names]


def reported_text(name: str, reported: Reported, profile: Profile) -> str:
    """What a counter reports of this model, how far that is from the count, and what it omits."""
    unit = reported.unit.split()[0]
    macs = profile.totals.macs if reported.exact_macs is None else reported.exact_macs
    exact = 2 * macs if "FLOP" in unit.upper() else macs
    asked_for = name == profile.convention
    reporter = "" if asked_for else reporter_of(name, profile.environment.packages)
    figure = (
        units.amount(round(reported.gflops * 10**9), unit[1:])
        if asked_for
        else f"{units.ratio(reported.gflops)} {unit}"
    )
    sentence = f"{reporter or name}: {figure}"
    if reported.per_image and profile.input.batch > 1:
        sentence += f" for one image of {profile.input.batch}"
    if exact and reported.operations != exact:
        sentence += f", {units.below_or_above(reported.gflops, exact / 10**9)}"
    if reported.missed:
        sentence += f"; omits {_omits(reported.missed)}"
    if reported.added:
        sentence += f"; adds {_adds(reported.added)}"
    return f"{sentence}; {reported.note}" if reported.note else sentence


def _pointer(profile: Profile) -> list[str]:
    """What to type to see the differences of all counters, where that can be typed."""
    variant = profile.variant
    is_named = variant.origin != "python" or ":" in variant.reference
    pointer = f"`archprof audit {variant.reference}` lists all of it"
    return [pointer] if is_named and len(pointer) <= _LINE else []


def _omits(operations: Sequence[Missed]) -> str:
    """What a counter gives nothing for: the most expensive operations by name, the rest together."""
    pairs = _most_expensive(operations, _MAX_NAMES)
    return _enumerated([f"{name} ({units.amount(flops, 'FLOPs')})" for name, flops in pairs])


def _adds(operations: Sequence[Missed]) -> str:
    """What a counter gives beyond the exact count, in the same way."""
    pairs = _most_expensive(operations, _MAX_NAMES // 2)
    return _enumerated([f"{units.amount(flops, 'FLOPs')} for {name}" for name, flops in pairs])


def _most_expensive(operations: Sequence[Missed], count: int) -> Iterator[tuple[str, int]]:
    """The names of the first operations, and then of all others together, each with its FLOPs."""
    for operation in operations[:count]:
        yield f"{operation.calls} × {operation.operation}", operation.flops
    if rest := sum(operation.flops for operation in operations[count:]):
        yield "others", rest


def _enumerated(texts: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(texts[:-1]), texts[-1]) if part)


def _predicted_and_measured(ratio: Ratio) -> str:
    """A ratio as predicted, by the paper where it has a formula, and as measured."""
    prediction = ratio.as_built if ratio.paper is None else ratio.paper
    return f"{units.factor(prediction)} predicted, {units.factor(ratio.measured)} measured"
