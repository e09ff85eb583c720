"""What a comparison knows of one model: all that a profile says, or the part of it that somebody keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archprof.compare.parts import modules_of, rows_of
from archprof.records.metrics import METRICS, find_metric, latencies_in, latencies_of
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from archprof.records.comparison import Part
    from archprof.records.metrics import Metric, Value
    from archprof.records.profile import Input, Profile, TopLevelKey, Variant


@dataclass(frozen=True, slots=True)
class Fact:
    """What a model is beside its rows. Unless ``comparable``, one that is otherwise answers another question."""

    text: str
    comparable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model of a comparison. What is not known of it is absent, and never 0.

    Attributes:
        variant: What it is.
        facts: What it is beside its rows and its file's top-level keys, as far as that is known.
        top_level: The top-level keys of its file, with the scale that was used.
        of: Its value of a metric; None where that is not known.
        latencies: The names of the latencies that are known.
        lower_bound: Whether a metric may be more in truth.
        samples: What a latency was told from, in seconds.
        rows: Its rows; none for a model that has none, or of which none are known.
        modules: The tree of its modules down to a depth.
        input: What went in.
        device: Where it was.
        training: Whether a training step was counted.
        unknown: The operations without a formula.
        locked: The settings of its entry in a lock file, where it is one.
    """

    variant: Variant
    facts: Mapping[str, Fact]
    top_level: Mapping[str, TopLevelKey] = field(default_factory=dict)
    of: Callable[[Metric], Value | None]
    latencies: Sequence[str] = ()
    lower_bound: Callable[[Metric], bool] = lambda metric: False
    samples: Callable[[Metric], Sequence[float]] = lambda metric: ()
    rows: Sequence[Part] = ()
    modules: Callable[[int], list[Part]] = lambda depth: []
    input: Input | None = None
    device: str | None = None
    training: bool = False
    unknown: Mapping[str, int] = field(default_factory=dict)
    locked: str | None = None


def of_profile(profile: Profile) -> Model:
    """A model that was profiled."""

    def samples(metric: Metric) -> Sequence[float]:
        found = latencies_of(profile, metric)
        return found[0].samples_s if len(found) == 1 else ()

    return Model(
        variant=profile.variant,
        facts=_facts(profile),
        top_level=profile.variant.top_level,
        of=lambda metric: metric.of(profile),
        latencies=latencies_in(profile),
        lower_bound=lambda metric: metric.lower_bound(profile),
        samples=samples,
        rows=rows_of(profile),
        modules=lambda depth: modules_of(profile, depth),
        input=profile.input,
        device=profile.environment.device,
        training=profile.backward is not None,
        unknown=profile.coverage.unknown,
    )


def metrics_in(models: Iterable[Model]) -> list[Metric]:
    """The metrics that any of the models has, latencies last; ratios only where there is a dynamic layer."""
    found = list(models)
    values = {name: [model.of(metric) for model in found] for name, metric in METRICS.items()}
    ratios = {name for name, metric in METRICS.items() if metric.unit is Unit.times}
    dynamic = any(value not in (None, 1) for name in ratios for value in values[name])
    there = [
        METRICS[name]
        for name, known in values.items()
        if any(value is not None for value in known) and (dynamic or name not in ratios)
    ]
    return [*there, *(find_metric(name) for name in dict.fromkeys(name for model in found for name in model.latencies))]


def size_of(shape: Sequence[int]) -> str:
    """The size of an input as somebody types it, of its shape without batch and channels: ``640``, ``384×640``."""
    sides = list(shape)
    return "×".join(map(str, sides[:1] if len(set(sides)) == 1 else sides))


def _facts(profile: Profile) -> dict[str, Fact]:
    variant, given = profile.variant, profile.input
    facts = {
        "input": Fact(" + ".join("×".join(map(str, shape)) for shape in given.shapes), comparable=False),
        "dtype": Fact(given.dtype, comparable=False),
        "fusing": Fact("fused" if variant.fused else "not fused", comparable=False),
        "model": Fact("static twin" if variant.static else "as it is"),
        "pass": Fact("training step" if profile.backward else "forward", comparable=False),
    }
    if len(given.shapes) == 1:
        (shape,) = given.shapes
        facts |= {
            "size": Fact(size_of(shape[2 if given.kind == "image" else 1 :]), comparable=False),
            "batch": Fact(str(given.batch), comparable=False),
        }
    if variant.origin == "yaml":
        facts |= {
            "scale": Fact(variant.scale or "none"),
            "family": Fact(variant.family or "none"),
        }
    facts |= {key: Fact(str(value)) for key, value in variant.settings.items() if key not in variant.top_level}
    versions = {"archprof": profile.tool.version, **profile.environment.packages}
    facts |= {name: Fact(version) for name, version in versions.items()}
    if profile.latency:
        facts["machine"] = Fact(profile.environment.platform)
    return facts
