"""What a comparison knows of one model: all that a profile says, or the part of it that somebody keeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from archprof.compare.parts import modules_of, rows_of
from archprof.records.metrics import METRICS, find_metric, latencies_in, latencies_of
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from archprof.records.comparison import Part
    from archprof.records.latency import Comparison, Ratio
    from archprof.records.metrics import Metric, Value
    from archprof.records.prediction import Prediction
    from archprof.records.profile import Input, ModelFile, Profile, TopLevelKey, Variant


@dataclass(frozen=True, slots=True)
class Fact:
    """What a model is beside its rows. Unless ``comparable``, one that is otherwise answers another question."""

    text: str
    comparable: bool = True


@dataclass(frozen=True, slots=True)
class Experiment:
    """A model's part in a saved benchmark.

    Attributes:
        name: The same for models of the same benchmark, and for no others.
        index: Which of its models it is.
        comparisons: How its models stand to the first of them.
    """

    name: str
    index: int
    comparisons: Sequence[Comparison]

    def ratio(self, base: Experiment, device: str, backend: str) -> Ratio | None:
        """How a model stands to this one, where the experiment was about the two of them."""
        for comparison in self.comparisons if self.name == base.name else ():
            pair = (comparison.base, comparison.model)
            if (comparison.device, comparison.backend) == (device, backend) and pair == (self.index, base.index):
                return comparison.result
            if (comparison.device, comparison.backend) == (device, backend) and pair == (base.index, self.index):
                return comparison.result.inverse()
        return None


class Timing(Protocol):
    """What a measured latency tells of how it was measured; the names are those of the record."""

    @property
    def device_name(self) -> str:
        """The processor's or the GPU's name."""

    @property
    def dtype(self) -> str:
        """The type of weights and inputs."""

    @property
    def batch(self) -> int:
        """Samples at once."""

    @property
    def threads(self) -> int | None:
        """Threads to compute with, where there is such a number."""

    @property
    def options(self) -> list[str]:
        """What changed how it ran."""


def conditions_of(latency: Timing) -> dict[str, str]:
    """What a latency depends on beside the model and where it ran; figures of others are not comparable."""
    return {
        "processor": latency.device_name,
        "dtype": latency.dtype,
        "batch": str(latency.batch),
        "threads": "unknown" if latency.threads is None else str(latency.threads),
        "options": ", ".join(latency.options) or "none",
    }


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
        conditions: What a latency depends on beside the model, by name; None where there is no such latency.
        experiment: The paired experiment that it was measured in, where it was.
        rows: Its rows; none for a model that has none, or of which none are known.
        modules: The tree of its modules down to a depth.
        file: What its file says of itself, where it is a graph.
        operator_calls: How often each of its operations runs, by its name and precision, where it is a graph.
        input: What went in.
        device: Where it was.
        packages: The versions of what counted it, by name.
        training: Whether a training step was counted.
        weights_only: Whether nothing but its parameters is known.
        unknown: The operations without a formula.
        locked: The settings of its entry in a lock file, where it is one.
        prediction: How long its forward pass should take.
        prediction_absent: Why that is not known, where the computer was calibrated for something else.
    """

    variant: Variant
    facts: Mapping[str, Fact]
    top_level: Mapping[str, TopLevelKey] = field(default_factory=dict)
    of: Callable[[Metric], Value | None]
    latencies: Sequence[str] = ()
    lower_bound: Callable[[Metric], bool] = lambda metric: False
    conditions: Callable[[Metric], Mapping[str, str] | None] = lambda metric: None
    experiment: Experiment | None = None
    rows: Sequence[Part] = ()
    modules: Callable[[int], list[Part]] = lambda depth: []
    file: ModelFile | None = None
    operator_calls: Mapping[str, int] = field(default_factory=dict)
    input: Input | None = None
    device: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    training: bool = False
    weights_only: bool = False
    unknown: Mapping[str, int] = field(default_factory=dict)
    locked: str | None = None
    prediction: Prediction | None = None
    prediction_absent: str | None = None

    @property
    def operators(self) -> frozenset[str]:
        """The names of its operations, where it is a graph."""
        return frozenset(name.partition(" ")[0] for name in self.operator_calls)


def of_profile(profile: Profile, experiment: Experiment | None = None) -> Model:
    """A model that was profiled.

    Args:
        profile: The profile.
        experiment: The paired experiment that its latencies were measured in, where they were.
    """

    def conditions(metric: Metric) -> Mapping[str, str] | None:
        latencies = latencies_of(profile, metric)
        return conditions_of(latencies[0]) if len(latencies) == 1 else None

    return Model(
        variant=profile.variant,
        facts=_facts(profile),
        top_level=profile.variant.top_level,
        of=lambda metric: metric.of(profile),
        latencies=latencies_in(profile),
        lower_bound=lambda metric: metric.lower_bound(profile),
        conditions=conditions,
        experiment=experiment,
        rows=rows_of(profile),
        modules=lambda depth: modules_of(profile, depth),
        file=profile.file,
        operator_calls={operation.name: operation.calls for operation in profile.operations} if profile.file else {},
        input=profile.input,
        device=profile.environment.device,
        packages=profile.environment.packages,
        training=profile.backward is not None,
        weights_only=profile.weights_only,
        unknown=profile.coverage.unknown,
        prediction=profile.prediction,
        prediction_absent=profile.prediction_absent,
    )


def metrics_in(models: Iterable[Model]) -> list[Metric]:
    """The metrics that any of the models has, latencies last; ratios only where there is a dynamic layer."""
    all_models = list(models)
    values = {name: [model.of(metric) for model in all_models] for name, metric in METRICS.items()}
    ratios = {name for name, metric in METRICS.items() if metric.unit is Unit.times}
    dynamic = any(value not in (None, 1) for name in ratios for value in values[name])
    present = [
        METRICS[name]
        for name, amounts in values.items()
        if any(value is not None for value in amounts) and (dynamic or name not in ratios)
    ]
    return [
        *present,
        *(find_metric(name) for name in dict.fromkeys(name for model in all_models for name in model.latencies)),
    ]


def size_of(shape: Sequence[int]) -> str:
    """The size of an input as somebody types it, of its shape without batch and channels: ``640``, ``384×640``."""
    sides = list(shape)
    return "×".join(map(str, sides[:1] if len(set(sides)) == 1 else sides))


def _facts(profile: Profile) -> dict[str, Fact]:
    variant, input_ = profile.variant, profile.input
    facts = {
        "dtype": Fact(input_.dtype, comparable=False),
        "fusing": Fact("fused" if variant.fused else "not fused", comparable=False),
        "model": Fact("static equivalent" if variant.static else "dynamic"),
        "pass": Fact("training step" if profile.backward else "forward", comparable=False),
    }
    if input_.shapes:
        facts["input"] = Fact(" + ".join(input_.descriptions), comparable=False)
    if len(input_.shapes) == 1:
        (shape,) = input_.shapes
        facts |= {
            "size": Fact(size_of(shape[2 if input_.kind == "image" else 1 :]), comparable=False),
            "batch": Fact(str(input_.batch), comparable=False),
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
