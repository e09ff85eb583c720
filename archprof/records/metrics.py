"""The figures of a profile by name: what is compared, budgeted and set against each other. Nothing here needs torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.errors import UsageError, did_you_mean
from archprof.records.conventions import CONVENTIONS
from archprof.units import Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archprof.records.latency import Latency
    from archprof.records.profile import Profile

Value = int | float


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of a profile.

    Attributes:
        name: What it is called on the command line and in files.
        label: What it is called in print.
        unit: What one of it is; values are never scaled.
        aliases: Shorter names, which ``--columns`` and ``--sort`` take too.
        heading: What a paper's table calls it; by default its label.
        prefix: The decimal prefix that papers give it in; by default that of its unit.
        of: Its value in a profile, or None where the profile does not have it.
        lower_is_better: Whether less of it is the better; a budget's ``max`` makes sense of it then.
        exact: Whether it is the same on every machine; one that is not is never compared without its spread.
        counted: Whether it is a sum over operations, so that it is a lower bound while some have no formula.
        convention: The convention that a profile must have been made with to have it, where it is not a total.
        adds: What adds it to a profile that has none, in words.
    """

    name: str
    label: str
    unit: Unit
    of: Callable[[Profile], Value | None]
    aliases: tuple[str, ...] = ()
    heading: str = ""
    prefix: str = ""
    lower_is_better: bool = True
    exact: bool = True
    counted: bool = False
    convention: str | None = None
    adds: str = ""

    @property
    def column(self) -> str:
        """Its name over raw values in a table: with the unit, where the name does not say it."""
        suffix = {Unit.seconds: "s", Unit.flops: "flops", Unit.macs: "macs"}.get(self.unit)
        return self.name if suffix is None or self.name.endswith(suffix) else f"{self.name}_{suffix}"

    def lower_bound(self, profile: Profile) -> bool:
        """Whether the profile's value may be more in truth, because operations without a formula ran."""
        return self.counted and bool(profile.coverage.unknown)


_OF_WEIGHTS = frozenset({"parameters", "layers", "modules", "weight_bytes"})
"""The totals that a file of weights without an architecture has."""

LATENCY = "latency"
"""The name of the only latency that a profile has; of several each is ``latency/DEVICE/BACKEND``, and ``/OPTION`` for
each option that it was measured with."""


def _total(
    name: str,
    label: str,
    unit: Unit = Unit.things,
    *aliases: str,
    heading: str = "",
    prefix: str = "",
    counted: bool = False,
) -> Metric:
    def value(profile: Profile) -> Value | None:
        return None if profile.weights_only and name not in _OF_WEIGHTS else getattr(profile.totals, name)

    return Metric(
        name=name,
        label=label,
        unit=unit,
        of=value,
        aliases=aliases,
        heading=heading,
        prefix=prefix,
        counted=counted,
    )


def _backward(name: str, label: str, unit: Unit, *, counted: bool = True) -> Metric:
    def value(profile: Profile) -> Value | None:
        return getattr(profile.backward, name) if profile.backward else None

    adds = "--backward counts a training step"
    return Metric(name=f"backward_{name}", label=label, unit=unit, of=value, counted=counted, adds=adds)


def _ratio(name: str, label: str, *, counted: bool) -> Metric:
    """A ParameterNet ratio as measured; a model without dynamic layers is its own static equivalent, so it has 1."""

    def value(profile: Profile) -> Value | None:
        if profile.weights_only:
            return None
        return getattr(profile.parameternet.model, name).measured if profile.parameternet else 1.0

    # More parameters for the FLOPs are what dynamic layers are for.
    better = name != "parameters_ratio"
    return Metric(name=name, label=label, unit=Unit.times, of=value, lower_is_better=better, counted=counted)


def _reported(name: str) -> Metric:
    """What a convention says, in single FLOPs or MACs."""

    def value(profile: Profile) -> Value | None:
        report = profile.reported.get(name)
        return None if report is None else round(report.gflops * 10**9)

    unit = Unit.macs if CONVENTIONS[name].unit == "GMACs" else Unit.flops
    title, adds = f"{name} {unit}", f"--convention {name} adds it"
    return Metric(name=name, label=title, heading=title, unit=unit, of=value, convention=name, adds=adds)


METRICS = {
    metric.name: metric
    for metric in (
        _total("parameters", "parameters", Unit.things, "params", heading="Params", prefix="M"),
        _total("trainable_parameters", "trainable parameters", Unit.things, "trainable", prefix="M"),
        _total("layers", "layers"),
        _total("modules", "modules"),
        _total("macs", "MACs", Unit.macs, counted=True),
        _total("flops", "FLOPs", Unit.flops, counted=True),
        _total("elementwise_flops", "elementwise FLOPs", Unit.flops, "elementwise", counted=True),
        _total("weight_bytes", "weights", Unit.bytes, "weights"),
        _total("activation_bytes", "activation writes", Unit.bytes, "activations"),
        _total("peak_activation_bytes", "peak activation memory", Unit.bytes, "memory", "peak", heading="Peak memory"),
        _total("bytes_read", "bytes read", Unit.bytes, "read"),
        _total("bytes_written", "bytes written", Unit.bytes, "written"),
        _backward("macs", "backward MACs", Unit.macs),
        _backward("flops", "backward FLOPs", Unit.flops),
        _backward("elementwise_flops", "backward elementwise FLOPs", Unit.flops),
        _backward("peak_activation_bytes", "training peak memory", Unit.bytes, counted=False),
        _ratio("parameters_ratio", "ParameterNet parameters ratio", counted=False),
        _ratio("flops_ratio", "ParameterNet FLOPs ratio", counted=True),
        *(_reported(name) for name in CONVENTIONS if name not in ("flops", "macs")),
    )
}
"""Every metric that is the same on every machine, by its name, in the order in which they are shown."""


UNKNOWN = Metric(
    name="unknown_operations",
    label="operations without a formula",
    unit=Unit.things,
    of=lambda profile: sum(profile.coverage.unknown.values()),
)
"""What makes other figures lower bounds. It has to be asked for: where it is not 0, every output says so anyway."""

TRAFFIC = Metric(
    name="bytes",
    label="memory traffic",
    unit=Unit.bytes,
    aliases=("traffic", "bytes_moved"),
    of=lambda profile: None if profile.weights_only else profile.totals.bytes_read + profile.totals.bytes_written,
    counted=True,
)
"""What the operations read and write. It has to be asked for: both parts are shown anyway."""

NAMED = {**METRICS, UNKNOWN.name: UNKNOWN, TRAFFIC.name: TRAFFIC}
"""What every option that takes a metric takes, by name; latencies come to it, which go by device and backend."""


def by_name(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """Metrics by each of their names, the shorter ones too."""
    return {name: metric for metric in metrics for name in (metric.name, *metric.aliases)}


BY_NAME = by_name(NAMED.values())
"""Those of :data:`NAMED`."""


def find_metric(name: str) -> Metric:
    """The metric of that name: of :data:`BY_NAME`, ``latency``, ``latency/DEVICE/BACKEND[/OPTION]``.

    Letter case does not count.

    Raises:
        UsageError: Where there is none.
    """
    if metric := BY_NAME.get(name.lower()):
        return metric
    head, *rest = name.split("/")
    if head.lower() == LATENCY and len(rest) != 1 and all(rest):
        return _latency("/".join([LATENCY, *rest]), rest)
    raise UsageError(f"no metric {name!r}", hint=hint_for(name, [*NAMED.values()], LATENCY))


def hint_for(name: str, metrics: Sequence[Metric], *others: str) -> str:
    """What to type instead of a name that none of some metrics has: the nearest ones, else all.

    Args:
        name: What was typed.
        metrics: What may be named.
        others: Further names.
    """
    names = [*(metric.name for metric in metrics), *others]
    return did_you_mean(name, [*by_name(metrics), *others]) or f"metrics: {', '.join(names)}"


def latencies_in(profile: Profile) -> list[str]:
    """The names of the latencies that a profile has."""
    return list(dict.fromkeys(map(_latency_name, profile.latency)))


def latencies_of(profile: Profile, metric: Metric) -> list[Latency]:
    """What a profile has of a latency: one entry, or several where the metric names none of them."""
    return [latency for latency in profile.latency if metric.name in (LATENCY, _latency_name(latency))]


def _latency_name(latency: Latency) -> str:
    return "/".join([LATENCY, latency.device, latency.backend, *latency.options])


def _latency(name: str, device_and_backend: list[str]) -> Metric:
    """The median time of one batch, of the entry of that device and backend, or of the only one."""

    def value(profile: Profile) -> Value | None:
        entries = latencies_of(profile, metric)
        if len(entries) > 1:
            choices = ", ".join(map(_latency_name, entries))
            raise UsageError(f"{profile.variant.name} has several latencies", hint=f"name one of {choices}")
        return entries[0].median_s if entries else None

    metric = Metric(
        name=name,
        label=" ".join([LATENCY, *device_and_backend]),
        unit=Unit.seconds,
        of=value,
        exact=False,
        adds="`archprof bench` and `archprof summary --latency` measure it",
    )
    return metric
