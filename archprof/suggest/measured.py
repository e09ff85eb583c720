"""An answer against the model that it is of: how long both take, in one paired experiment, as ``bench`` has it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archprof.latency.experiment import bench
from archprof.latency.timed_model import TimedModel
from archprof.pipeline.counting import count_spec, finish, prepare
from archprof.pipeline.progress import SILENT
from archprof.records.suggestion import MeasuredAnswer
from archprof.suggest.deltas import Placement, count_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from archprof.builder.built import Built
    from archprof.builder.options import Options
    from archprof.latency.experiment import Benched
    from archprof.pipeline.measuring import Measurement
    from archprof.pipeline.progress import Progress
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec
    from archprof.suggest.frames import Model


def measure_answer(
    base: Model,
    answer: Model,
    experts: Mapping[str, int],
    measurement: Measurement,
    progress: Progress = SILENT,
) -> tuple[MeasuredAnswer, Benched]:
    """Measure a model and the answer against each other.

    Args:
        base: The model, and how it is built and run.
        answer: The same of the answer, with plain convolutions.
        experts: The number of experts of those that are dynamic in it.
        measurement: Where and how both are measured: the first target counts.
        progress: Is told what is being done.

    Returns:
        What was measured, and the experiment.

    Raises:
        ArchprofError: Where one of them cannot be counted.
    """
    models = [_timed(*base, {}, ""), _timed(*answer, experts, ", suggested")]
    with progress.progressing() as watch:
        experiment = bench(models, measurement.targets[:1], measurement.protocol, watch)
    (before,), (after,) = experiment.latencies
    comparison = experiment.comparisons[0] if experiment.comparisons else None
    return MeasuredAnswer(base=before, answer=after, comparison=comparison), experiment


def _timed(spec: Spec, options: Options, experts: Mapping[str, int], suffix: str) -> TimedModel:
    """A model with dynamic convolutions, to be timed."""

    def build_with(options: Options) -> tuple[Built, tuple[Tensor, ...]]:
        built, inputs = prepare(spec, replace(options, fuse=options.fuse and not experts))
        return (Placement(experts, options.fuse)(built, inputs) if experts else built), inputs

    def count_on(device: str) -> Profile:
        chosen = replace(options, device=device)
        return finish(count_with(spec, chosen, experts) if experts else count_spec(spec, chosen))

    return TimedModel(f"{spec.reference}{suffix}", options, count_on("meta"), build_with, count_on)
