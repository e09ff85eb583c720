"""A benchmark: every model at every place, each alone, or several against each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from msgspec.structs import replace

from archprof.errors import ArchprofError
from archprof.latency import hardware
from archprof.latency.measure import TIMED, Subject, Target, finished, make_subject, running
from archprof.latency.memory_limits import is_out_of_memory, out_of_memory, too_large
from archprof.latency.paired import experiment, remarks
from archprof.latency.sampler import Plan, Watch, sample, silent
from archprof.latency.statistics import MARGIN
from archprof.records.latency import FAILED, INTERRUPTED, Comparison, Latency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.latency.backends.interface import Settings
    from archprof.latency.timed_model import TimedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How everything is to be measured.

    Attributes:
        settings: How they are run.
        plan: How long they are sampled.
        flush: Whether a graphics card's cache is emptied before each sample.
        postprocess: Whether non-maximum suppression is timed, too.
        seed: Of the order in a paired experiment.
        margin: The relative difference that no verdict is given for.
    """

    settings: Settings
    plan: Plan
    flush: bool = True
    postprocess: bool = False
    seed: int = 0
    margin: float = MARGIN


@dataclass(slots=True)
class Benched:
    """What was measured: of each model, by its name, one latency a target, and how the models stand to each other."""

    models: list[str]
    latencies: list[list[Latency]]
    comparisons: list[Comparison] = field(default_factory=list)
    interrupted: bool = False

    @property
    def sampled(self) -> bool:
        """Whether anything could be measured at all."""
        return any(latency.samples_s for latencies in self.latencies for latency in latencies)


def bench(
    models: Sequence[TimedModel],
    targets: Sequence[Target],
    protocol: Protocol,
    watch: Watch = silent,
) -> Benched:
    """Measure every model at every target; several models are compared in a paired experiment at each.

    What fails at one place is a latency with an error there. A KeyboardInterrupt ends it and keeps what there is.

    Args:
        models: What is measured.
        targets: Where to run each.
        protocol: How to measure it.
        watch: Is told how far it is.
    """
    result = Benched([model.name for model in models], [[] for _ in models])
    for target in targets:
        try:
            with running(protocol.settings):
                watch(f"preparing {target.backend} on {target.device}", 0.0)
                subjects = [_subject(model, target, protocol) for model in models]
                latencies, comparisons = _measured(subjects, target.device, protocol, watch)
        except KeyboardInterrupt:
            result.interrupted = True
            return result
        for entries, latency in zip(result.latencies, latencies, strict=True):
            entries.append(latency)
        result.comparisons += comparisons
        if any(latency.stopped == INTERRUPTED for latency in latencies):
            result.interrupted = True
            return result
    return result


def _subject(model: TimedModel, target: Target, protocol: Protocol) -> Subject | Latency:
    """A model ready to be timed, or why there is none."""
    options = model.options
    try:
        if target.device == "cpu" and (reason := too_large(model)):
            return _failed(options, target, protocol, reason)
        return make_subject(model, target, protocol.settings, flush=protocol.flush, postprocess=protocol.postprocess)
    except ArchprofError as error:
        return _failed(options, target, protocol, error.message)
    except Exception as error:
        # A backend raises what it likes; whatever it is, it is this row's result and no other's.
        if is_out_of_memory(error):
            return _failed(options, target, protocol, out_of_memory(error, model, target.device))
        first, *_ = str(error).strip().splitlines() or ["no message"]
        return _failed(options, target, protocol, f"{type(error).__name__}: {first}")


def _failed(options: Options, target: Target, protocol: Protocol, reason: str) -> Latency:
    return Latency(
        device=target.device,
        device_name="",
        backend=target.backend,
        options=protocol.settings.wanted(),
        dtype=options.dtype,
        batch=options.batch,
        threads=protocol.settings.threads,
        scope=TIMED,
        stopped=FAILED,
        error=reason,
    )


def _measured(
    subjects: Sequence[Subject | Latency], device: str, protocol: Protocol, watch: Watch
) -> tuple[list[Latency], list[Comparison]]:
    """Sample what is ready: one model alone, several against the first of them."""
    indices = [index for index, subject in enumerate(subjects) if isinstance(subject, Subject)]
    ready = [subject for subject in subjects if isinstance(subject, Subject)]
    latencies: dict[int, Latency] = {}
    comparisons: list[Comparison] = []
    load, gpu = hardware.LoadWatch(), hardware.GpuWatch(torch.device(device))

    def look(phase: str, share: float) -> None:
        gpu.look()
        watch(phase, share)

    if len(ready) == 1:
        sampled = sample(ready[0].call, ready[0].clock, protocol.plan, look)
        latencies[indices[0]] = finished(ready[0].facts, sampled, load.load(), gpu.gpu(), protocol.plan)
    elif ready:
        calls = [subject.call for subject in ready]
        run = experiment(calls, ready[0].clock, protocol.plan, seed=protocol.seed, margin=protocol.margin, watch=look)
        for number, (index, subject, sampled) in enumerate(zip(indices, ready, run.sampled, strict=True)):
            latency = finished(subject.facts, sampled, load.load(), gpu.gpu(), None, run.per_block)
            notes = remarks(run, number) if number else []
            latencies[index] = replace(latency, notes=[*latency.notes, *notes])
        comparisons = [
            Comparison(
                base=indices[0],
                model=index,
                device=device,
                backend=ready[0].facts.backend,
                blocks=run.blocks,
                looks=run.looks,
                result=ratio,
            )
            for index, ratio in zip(indices[1:], run.ratios, strict=True)
            if ratio
        ]
    return [
        subject if isinstance(subject, Latency) else latencies[index] for index, subject in enumerate(subjects)
    ], comparisons
