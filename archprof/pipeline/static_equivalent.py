"""A dynamic model beside its static equivalent: how long both take, measured in one experiment or predicted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from archprof.errors import ArchprofError
from archprof.pipeline.profiles import profile_all
from archprof.pipeline.progress import SILENT
from archprof.records.parameternet import TwinLatency

if TYPE_CHECKING:
    from archprof.pipeline.execution import ExecutionConfig
    from archprof.pipeline.measuring import MeasuredModels, Measurement
    from archprof.pipeline.progress import Progress
    from archprof.pipeline.request import Request
    from archprof.records.profile import Profile


def static_request(request: Request) -> Request:
    """The same of the model with every dynamic layer replaced by the plain one."""
    return structs.replace(request, build=replace(request.build, static=True))


def predicted_static(request: Request, profile: Profile, config: ExecutionConfig) -> Profile | None:
    """The profile of the static equivalent, where there is one and a calibration says how long both take.

    Args:
        request: What was wanted of the dynamic model.
        profile: Its profile.
        config: How the equivalent may be counted.
    """
    if profile.parameternet is None or profile.prediction is None:
        return None
    (outcome,) = profile_all([static_request(request)], config)
    return None if isinstance(outcome, ArchprofError) else outcome


def measure_static(
    request: Request,
    profile: Profile,
    measurement: Measurement,
    config: ExecutionConfig,
    progress: Progress = SILENT,
) -> MeasuredModels:
    """The dynamic model's profile with how long it and its static equivalent take, measured against each other.

    Args:
        request: What was wanted of the dynamic model.
        profile: Its profile, with dynamic layers.
        measurement: Where and how both are measured: the first target counts.
        config: How they may be counted.
        progress: Is told what is being done.
    """
    from archprof.pipeline.measuring import measure_all

    pair = [static_request(request), request]
    measured = measure_all(pair, measurement, config, progress, [profile, profile])
    static, dynamic = measured.profiles
    analysis = dynamic.parameternet
    if analysis is None or not dynamic.latency or not static.latency:
        return measured
    comparisons = measured.experiment.comparisons
    latency = TwinLatency(
        dynamic=dynamic.latency[0], static=static.latency[0], comparison=comparisons[0] if comparisons else None
    )
    analysis = structs.replace(analysis, model=structs.replace(analysis.model, latency=latency))
    measured.profiles = [structs.replace(dynamic, latency=[], parameternet=analysis)]
    return measured
