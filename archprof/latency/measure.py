"""From a spec to its latency: the model is built, its outputs are checked, and it is sampled."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from archprof.builder.device import RUNNING, find_device
from archprof.errors import UsageError
from archprof.latency import hardware, statistics
from archprof.latency.agreement import EAGER, agreement, disagreement, rounding_changes, steady_outputs
from archprof.latency.backends import find_backend
from archprof.latency.backends.interface import Settings, forward, leaves, threads_of_torch
from archprof.latency.backends.onnx_export import ExportedModel
from archprof.latency.clock import clock_of, overhead
from archprof.latency.graph_file import REFERENCE, GraphFile
from archprof.latency.postprocess import CANDIDATES, suppressed
from archprof.latency.sampler import FEWEST, Plan, Sampled
from archprof.records.latency import INTERRUPTED, Latency
from archprof.trace.torch_state import without_collector
from archprof.units import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archprof.builder.options import Options
    from archprof.latency.backends.interface import Backend
    from archprof.latency.clock import Clock
    from archprof.latency.timed_model import TimedModel
    from archprof.records.latency import Gpu, Load

TIMED = "forward pass only (excludes input transfer and postprocessing)"
TIMED_WITH_BOXES = f"forward pass and non-maximum suppression of {CANDIDATES} boxes per image (excludes input transfer)"
BUSY = 0.1
"""Other processes that take a larger share of the CPUs disturb what runs on several threads."""

AMPERE = (8, 0)
"""The first compute capability with TF32."""
FLUSHED = "; the GPU's L2 cache is overwritten before each sample"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model is to run: a device, "cpu" or "cuda:N", and the name of a backend."""

    device: str
    backend: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A model ready to be timed: what to call, what with, and all that is known of it before it is sampled."""

    call: Callable[[], Any]
    clock: Clock
    facts: Latency


def choose_targets(devices: list[str], backends: list[str], options: Options, settings: Settings) -> list[Target]:
    """Every backend on every device, checked before anything is built.

    Args:
        devices: "auto" (a graphics card if there is one), "cpu", "cuda" or "cuda:N".
        backends: Their names.
        options: How the model is built.
        settings: How it is run.

    Raises:
        UsageError: Where there is no such backend, or it does not do what is asked of it.
        DeviceError: Where there is no such device.
    """
    targets = []
    for device in dict.fromkeys(map(_named, devices)):
        for backend in dict.fromkeys(map(find_backend, backends)):
            _check(backend, find_device(device, RUNNING), options, settings)
            targets.append(Target(device, backend.name))
    return targets


def _named(device: str) -> str:
    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device == "meta":
        raise UsageError("nothing runs on the meta device, so it has no latency", hint="name cpu or cuda")
    return "cuda:0" if device == "cuda" else device


def _check(backend: Backend, device: torch.device, options: Options, settings: Settings) -> None:
    if device.type not in backend.devices:
        raise UsageError(f"the backend {backend.name} runs on {' and '.join(backend.devices)} here, not on {device}")
    if options.dtype not in backend.dtypes:
        raise UsageError(f"the backend {backend.name} takes {' or '.join(backend.dtypes)}, not {options.dtype}")
    if not backend.tunable and settings.wanted():
        raise UsageError(f"the backend {backend.name} is not torch's: it has no {settings.wanted()[0]}")
    if settings.cuda_graph and (device.type != "cuda" or not backend.graphs):
        raise UsageError("a CUDA graph needs CUDA, and the backend eager or compile")


def make_subject(
    model: TimedModel, target: Target, settings: Settings, *, flush: bool = True, postprocess: bool = False
) -> Subject:
    """Build a model where it is to run, and hold a backend's outputs to those of eager PyTorch.

    Args:
        model: The model.
        target: Where it is to run.
        settings: How it is to run.
        flush: Whether a graphics card's cache is emptied before each sample.
        postprocess: Whether non-maximum suppression is timed, too.

    Raises:
        ArchprofError: Where it cannot be built or run, or returns other shapes each time.
    """
    backend, device = find_backend(target.backend), find_device(target.device)
    options = model.options
    built, inputs = model.on(target.device)
    module = built.module.requires_grad_(False)
    expected = steady_outputs(forward(module, inputs, Settings()))
    call = backend.prepare(module, inputs, settings)
    exporter = call.exporter if isinstance(call, ExportedModel) else None
    plain = backend.name == "eager" and not settings.wanted()
    coarsest = settings.autocast or options.dtype
    rounded = _rounded(device) if coarsest == "float32" else []
    checked = None if plain else agreement(expected, leaves(call()), "tf32" if rounded else coarsest)
    call = suppressed(call, built) if postprocess else call
    on_card = device.type == "cuda"
    clock = clock_of(device, flush=flush)
    notes = []
    if checked and not checked.holds:
        notes.append(disagreement(checked, REFERENCE if isinstance(module, GraphFile) else EAGER))
        if rounding_changes(module, inputs, expected):
            notes.append(
                "so do eager PyTorch's own if its input changes by a rounding error: it decides by tiny margins"
            )
    return Subject(
        call,
        clock,
        Latency(
            device=target.device,
            device_name=hardware.device_name(device),
            backend=backend.name,
            exporter=exporter,
            options=[*settings.wanted(), *(["L2 cache left alone"] if on_card and not flush else [])],
            dtype=options.dtype,
            batch=options.batch,
            threads=backend.threads(settings),
            scope=(TIMED_WITH_BOXES if postprocess else TIMED) + (FLUSHED if on_card and flush else ""),
            timer=overhead(clock),
            agreement=checked,
            notes=[*notes, *rounded],
        ),
    )


def _rounded(device: torch.device) -> list[str]:
    """What a card computes in less than the float32 that it is asked for."""
    if device.type != "cuda" or torch.version.cuda is None or torch.cuda.get_device_capability(device) < AMPERE:
        return []
    kinds = (("convolutions", torch.backends.cudnn), ("matrix products", torch.backends.cuda.matmul))
    parts = [name for name, flags in kinds if _allows_tf32(flags)]
    return [f"torch lets this card compute float32 {' and '.join(parts)} in TF32"] if parts else []


def _allows_tf32(flags: Any) -> bool:
    try:
        return bool(flags.allow_tf32)
    except RuntimeError:  # a model's own code has set it for some operations only
        return False


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    """While it holds the garbage collector waits, and torch computes with the threads that are wanted."""
    gc.collect()
    with without_collector(), threads_of_torch(settings.threads):
        yield


def finished(
    facts: Latency, sampled: Sampled, load: Load, gpu: Gpu | None, plan: Plan | None, per_block: int = 0
) -> Latency:
    """The facts with what the samples say.

    Args:
        facts: What was known before.
        sampled: The samples.
        load: What else the machine did meanwhile.
        gpu: The state of the graphics card meanwhile.
        plan: What was asked for; None where no precision was.
        per_block: In a paired experiment, samples of each model in a block.
    """
    samples = sampled.samples
    facts = msgspec.structs.replace(
        facts,
        samples_s=samples,
        calls_per_sample=sampled.calls,
        samples_per_block=per_block,
        warmup=sampled.warmup,
        warmed_up=sampled.warmed_up,
        precision_asked=plan.precision if plan else None,
        stopped=sampled.stopped,
        duration_s=sampled.duration,
        load=load,
        gpu=gpu,
    )
    if not samples:
        return msgspec.structs.replace(facts, error="interrupted before the first sample")
    enough = len(samples) >= FEWEST
    facts = msgspec.structs.replace(
        facts,
        median_s=median(samples),
        ci95_s=statistics.median_interval(samples) if enough else None,
        p90_s=statistics.quantile(samples, 0.9),
        p99_s=statistics.quantile(samples, 0.99),
        mad_s=statistics.deviation(samples),
        outliers=statistics.count_outliers(samples),
        precision=statistics.precision(samples) if enough else None,
    )
    return msgspec.structs.replace(facts, notes=[*facts.notes, *_remarks(facts)])


def _remarks(facts: Latency) -> list[str]:
    """What a reader should know of how it was sampled."""
    remarks = []
    if not facts.warmed_up:
        remarks.append(f"the median was not yet stable when warm-up ended: {facts.warmup} × called")
    if facts.precision is None:
        remarks.append(f"too few samples for an interval: {len(facts.samples_s)}")
    elif facts.precision_asked is not None and facts.precision > facts.precision_asked:
        when = "before the interruption" if facts.stopped == INTERRUPTED else "in the time allowed"
        remarks.append(
            f"precision {100 * facts.precision_asked:g} % was not reached {when}: {100 * facts.precision:.2g} %"
        )
    if facts.gpu and facts.gpu.throttled:
        reasons = (f"{name} in {share:.0%} of {facts.gpu.readings}" for name, share in facts.gpu.throttled.items())
        remarks.append(f"the card's clock was held down: {', '.join(reasons)} readings")
    others = facts.load.other_processes if facts.load else None
    if facts.device == "cpu" and facts.threads and facts.threads > 1 and others is not None and others > BUSY:
        remarks.append(
            f"other processes took {percent(others)} % of the CPUs, and a parallel operation waits for the slowest of "
            f"its {facts.threads} threads: with --threads 1 other processes change the time less"
        )
    return remarks
