"""Requests -> profiles with measured latency: several are measured against each other in one paired experiment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from msgspec import structs

from archprof.errors import UsageError
from archprof.latency.backends import BACKENDS, find_backend
from archprof.latency.experiment import Benched, bench
from archprof.latency.graph_file import prepare as prepare_file
from archprof.latency.hardware import machine
from archprof.latency.measure import running
from archprof.latency.op_breakdown import break_down
from archprof.latency.timed_model import TimedModel
from archprof.pipeline.counting import prepare, profile_spec
from archprof.pipeline.predicting import with_prediction
from archprof.pipeline.profiles import profiles_of
from archprof.pipeline.progress import SILENT
from archprof.pipeline.request import PredictionRequest, Request
from archprof.records.benchmark import Benchmark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.latency.experiment import Protocol
    from archprof.latency.measure import Target
    from archprof.pipeline.execution import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.records.profile import Profile

EAGER = "eager"
"""The backend whose time can be split over operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Where and how models are measured.

    Attributes:
        targets: Devices and backends.
        protocol: How they are sampled.
        layers: Whether the time is split over rows and operations, too.
    """

    targets: Sequence[Target]
    protocol: Protocol
    layers: bool = False


@dataclass(slots=True)
class MeasuredModels:
    """The finished profiles, and the experiment that their latencies are from."""

    profiles: list[Profile]
    experiment: Benched = field(default_factory=lambda: Benched([], []))

    def benchmark(self, seed: int) -> Benchmark:
        """Both as one record; ``seed`` is that of the experiment's order."""
        return Benchmark(
            seed=seed,
            profiles=self.profiles,
            comparisons=self.experiment.comparisons,
            interrupted=self.experiment.interrupted,
        )


def measure_all(
    requests: Sequence[Request],
    measurement: Measurement,
    config: ExecutionConfig,
    progress: Progress = SILENT,
    profiles: Sequence[Profile] = (),
) -> MeasuredModels:
    """Count models, and measure how long each takes.

    A KeyboardInterrupt while it samples ends the measurement and keeps what there is.

    Args:
        requests: The models.
        measurement: Where and how they are measured.
        config: How they may be counted.
        progress: Is told what is being done.
        profiles: What they were counted to cost, where that is known already.

    Raises:
        ArchprofError: Where one of them cannot be counted.
    """
    for request in requests:
        _check_files(request, measurement.targets)
    counted = [*profiles] or profiles_of(requests, config, progress)
    models = [timed_model(request, profile) for request, profile in zip(requests, counted, strict=True)]
    with progress.progressing() as watch:
        experiment = bench(models, measurement.targets, measurement.protocol, watch)
    this_machine = machine()
    measured = [
        structs.replace(
            profile, latency=latencies, environment=structs.replace(profile.environment, machine=this_machine)
        )
        for profile, latencies in zip(counted, experiment.latencies, strict=True)
    ]
    if measurement.layers and not experiment.interrupted:
        measured = _broken_down(models, measured, measurement.protocol, experiment, progress)
    device, threads = measurement.targets[0].device, measurement.protocol.settings.threads
    prediction = PredictionRequest(device=device, threads=threads)
    return MeasuredModels([with_prediction(profile, prediction) for profile in measured], experiment)


def _check_files(request: Request, targets: Sequence[Target]) -> None:
    """See to it that a file is timed where it can run.

    Raises:
        UsageError: Where it is to be timed in a backend that takes modules.
    """
    if error := request.spec.no_operations():
        raise error
    if request.spec.graph_format is None:
        return
    for target in targets:
        if not find_backend(target.backend).files:
            files = [name for name, backend in BACKENDS.items() if backend.files]
            raise UsageError(
                f"{request.spec.reference} is an ONNX file, which {target.backend} does not run",
                hint=f"archprof bench {request.spec.reference} --backend {' or '.join(files)}",
            )


def timed_model(request: Request, profile: Profile) -> TimedModel:
    """The model of a request, to be timed; ``profile`` says what it was counted to cost."""
    name = request.spec.reference + (", static equivalent" if request.build.static else "")

    def count_on(device: str) -> Profile:
        return profile_spec(request.spec, replace(request.build, device=device))

    if request.spec.graph_format:
        options = replace(request.build, batch=profile.input.batch)
        return TimedModel(name, options, profile, lambda _: prepare_file(request.spec, profile), count_on)
    return TimedModel(name, request.build, profile, partial(prepare, request.spec), count_on)


def _broken_down(
    models: Sequence[TimedModel],
    profiles: Sequence[Profile],
    protocol: Protocol,
    experiment: Benched,
    progress: Progress,
) -> list[Profile]:
    """The profiles with where the time goes, on every device on which eager PyTorch could be measured."""
    result = list(profiles)
    try:
        for index, (model, profile) in enumerate(zip(models, profiles, strict=True)):
            devices = [entry.device for entry in profile.latency if entry.backend == EAGER and not entry.error]
            with progress.working(f"looking into {model.name}"), running(protocol.settings):
                breakdowns = [break_down(model, protocol.settings, device) for device in devices]
            result[index] = structs.replace(profile, breakdowns=breakdowns)
            model.release()
    except KeyboardInterrupt:
        experiment.interrupted = True
    return result
