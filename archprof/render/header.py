"""What stands above the table: the totals, each with what one has to know to quote it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from archprof import units
from archprof.records.profile import arithmetic_intensity

if TYPE_CHECKING:
    from archprof.records.calibration import Device
    from archprof.records.latency import Latency
    from archprof.records.parameternet import Ratio
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Input, Missed, Profile, Reported, Variant

Fact = tuple[str, list[str]]
"""A label, and the pieces that stand behind it; a line may break between pieces."""

_NAMED = 4
"""How many of the operations that a counter misses are named."""

_LINE = 66
"""What a terminal of 80 columns leaves beside the labels."""


def title(profile: Profile) -> list[str]:
    """What was profiled, on what: the pieces of the first line after the variant's name."""
    scale = profile.variant.scale
    return [*([f"scale {scale}"] if scale else []), *title_of_all(profile)]


def title_of_all(profile: Profile) -> list[str]:
    """The same without the scale, for a table of all of them."""
    return [*about(profile.variant, profile.input), *(["training"] if profile.backward else [])]


def about(variant: Variant, given: Input) -> list[str]:
    """What a variant was changed in, and what went in."""
    return [
        *([f"nc {variant.nc}"] if variant.nc is not None else []),
        *(f"{key} {value}" for key, value in variant.settings.items() if key != "nc"),
        " + ".join(units.shape(shape) for shape in given.shapes),
        given.dtype,
        "fused" if variant.fused else "not fused",
        *(["static twin"] if variant.static else []),
    ]


def facts(profile: Profile) -> list[Fact]:
    """The totals and what qualifies them."""
    totals = profile.totals
    return [
        ("variant", _variant(profile)),
        ("layers", [f"{units.count(totals.layers)} leaf modules", f"{units.count(totals.modules)} modules"]),
        (
            "parameters",
            [units.count(totals.parameters), f"gradients {units.count(totals.trainable_parameters)}"],
        ),
        ("compute", _compute(profile)),
        *unknown(profile),
        *_training(profile),
        ("memory", _memory(profile)),
        *([("latency", [latency(one) for one in profile.latency])] if profile.latency else []),
        *_predicted(profile),
        *_convention(profile),
        *_printed(profile),
        *_dynamic(profile),
    ]


def _variant(profile: Profile) -> list[str]:
    variant = profile.variant
    words = [word for word in (variant.task, variant.family and f"family {variant.family}") if word]
    return [variant.path or variant.reference, *words, f"device {profile.environment.device}"]


def _compute(profile: Profile) -> list[str]:
    totals, coverage = profile.totals, profile.coverage
    at_least = ">= " if coverage.unknown else ""
    return [
        f"{at_least}{units.amount(totals.flops, 'FLOPs')}",
        f"{at_least}{units.amount(totals.macs, 'MACs')}",
        f"{at_least or '+ '}{units.amount(totals.elementwise_flops)} elementwise",
        f"covered {units.coverage(coverage.share)} of {units.count(coverage.operations)} operations",
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
                f"{at_least or '+ '}{units.amount(backward.elementwise_flops)} elementwise",
                f"{at_least}{units.amount(profile.totals.flops + backward.flops, 'FLOPs')} a training step",
            ],
        )
    ]


def _memory(profile: Profile) -> list[str]:
    totals, backward = profile.totals, profile.backward
    intensity = arithmetic_intensity(totals)
    return [
        f"weights {units.size(totals.weight_bytes)}",
        f"activations {units.size(totals.activation_bytes)}",
        f"at most {units.size(totals.peak_activation_bytes)} at once",
        *([f"{units.size(backward.peak_activation_bytes)} in a training step"] if backward else []),
        f"read {units.size(totals.bytes_read)}",
        f"written {units.size(totals.bytes_written)}",
        *([f"{units.ratio(intensity)} FLOPs a byte"] if intensity is not None else []),
    ]


def latency(one: Latency) -> str:
    """One latency in a few words: ``cpu, eager: median 83.3 ms, 95 % [82.9, 83.9] ms, n = 30``."""
    if one.median_s is None:
        return f"{place(one)}: {one.error}"
    interval = f", 95 % {units.seconds_between(*one.ci95_s)}" if one.ci95_s else ""
    return f"{place(one)}: median {units.seconds(one.median_s)}{interval}, n = {units.count(len(one.samples_s))}"


def place(one: Latency) -> str:
    """Where something was measured, and how it ran: ``cuda:0, eager, channels_last``."""
    return ", ".join([one.device, one.backend, *one.options])


def _predicted(profile: Profile) -> list[Fact]:
    """How long it should take on this computer, where that was calibrated, and on what."""
    said = profile.predicted
    if said is None:
        return []
    parts = {
        "computing": said.computing_s,
        "moving data": said.moving_s + said.fresh_memory_s,
        "waiting for the processor" if said.device.queued else "overhead": said.overhead_s,
    }
    measured = next((one.median_s for one in profile.latency if one.median_s and alike(one, said)), None)
    return [
        (
            "predicted",
            [
                f"{said.device.device} {units.seconds(said.seconds)}",
                *([f"{units.below_or_above(said.seconds, measured)} measured"] if measured else []),
                *([f"{units.factor(said.seconds / said.static_s)} its static twin's"] if said.static_s else []),
                *(f"{units.percent(seconds / said.seconds)} % {name}" for name, seconds in parts.items()),
                ", ".join(["eager", *units.threads(said.threads), f"calibrated {said.calibrated_at[:10]}"]),
            ],
        )
    ]


def alike(measured: Latency, said: Prediction) -> bool:
    """Whether what was measured is what was predicted: eager torch, on the same device, with as many threads."""
    same = same_device(measured.device, said.device) and said.device.dtype == measured.dtype
    return same and said.threads in (None, measured.threads) and measured.backend == "eager"


def same_device(name: str, device: Device) -> bool:
    """Whether something ran on a device that was calibrated; of several cards only one's calibration is looked up."""
    return name.partition(":")[0] == device.device


def _convention(profile: Profile) -> list[Fact]:
    """The figure of the convention that was asked for, where it is not the exact FLOPs."""
    reported = profile.reported.get(profile.convention)
    return [("convention", [says(profile.convention, reported, profile)])] if reported else []


def _printed(profile: Profile) -> list[Fact]:
    """What others print for the same model."""
    others = [(name, reported) for name, reported in profile.reported.items() if name != profile.convention]
    return [
        ("" if place else "printed by", [says(name, reported, profile), *([] if place else _audit(reported, profile))])
        for place, (name, reported) in enumerate(others)
    ]


def _dynamic(profile: Profile) -> list[Fact]:
    """What the dynamic convolutions do to the model, where it has any."""
    found = profile.parameternet
    if found is None:
        return []
    experts = ", ".join(map(str, sorted({layer.experts for layer in found.layers})))
    kinds = {layer.kind for layer in found.layers}
    what = _KINDS[kinds.pop()] if len(kinds) == 1 else "layer"
    many = "" if len(found.layers) == 1 else "s"
    return [
        (
            "dynamic",
            [
                f"{len(found.layers)} {what}{many}, M {experts}",
                f"parameters {_both(found.model.parameters_ratio)}",
                f"FLOPs {_both(found.model.flops_ratio)}",
            ],
        )
    ]


_KINDS = {"convolution": "convolution", "linear": "linear layer", "experts": "mixture"}
"""Kinds of dynamic layers, in words."""


def unknown(*profiles: Profile) -> list[Fact]:
    """The operations without a formula, with how often they ran; nothing where there are none."""
    calls: Counter[str] = Counter()
    for profile in profiles:
        calls.update(profile.coverage.unknown)
    if not calls:
        return []
    named = [f"{name} {count}×" for name, count in sorted(calls.items())]
    return [("no formula", [*named, "(every total is a lower bound)"])]


def says(name: str, reported: Reported, profile: Profile) -> str:
    """What a counter prints for this model, how far that is from the count, and what it leaves out."""
    unit = reported.unit.split()[0]
    exact = profile.totals.flops if "FLOP" in unit.upper() else profile.totals.macs
    asked_for = name == profile.convention
    figure = (
        units.amount(round(reported.gflops * 10**9), unit[1:])
        if asked_for
        else units.quoted(reported.gflops) + f" {unit}"
    )
    sentence = f"{name}: {figure}"
    if exact and reported.operations != exact:
        sentence += f", {units.below_or_above(reported.gflops, exact / 10**9)}"
    if reported.missed:
        sentence += f"; it misses {missed(reported.missed)}"
    return f"{sentence}; {reported.note}" if reported.note else sentence


def _audit(reported: Reported, profile: Profile) -> list[str]:
    """What to type to see all that is missed, where something is and something can be typed."""
    variant = profile.variant
    named = variant.origin != "python" or ":" in variant.reference
    pointer = f"archprof audit {variant.reference} for the list"
    return [pointer] if reported.missed and named and len(pointer) <= _LINE else []


def missed(operations: list[Missed]) -> str:
    """What a counter misses, in words: the dearest by name, the rest together."""
    named = [f"{one.calls} × {one.operation} ({units.amount(one.flops, 'FLOPs')})" for one in operations[:_NAMED]]
    if rest := sum(one.flops for one in operations[_NAMED:]):
        named.append(f"others ({units.amount(rest, 'FLOPs')})")
    return " and ".join(part for part in (", ".join(named[:-1]), named[-1]) if part)


def _both(ratio: Ratio) -> str:
    """A ratio as predicted, by the paper where it has a formula, and as measured."""
    prediction = ratio.as_built if ratio.paper is None else ratio.paper
    return f"{units.factor(prediction)} predicted, {units.factor(ratio.measured)} measured"
