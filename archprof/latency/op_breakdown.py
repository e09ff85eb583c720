"""Finds where the time of a forward pass goes, with torch's profiler, and without waiting for the device in between.

Each part of the model opens a range when it is called; the profiler notes ranges, operations and kernels with their
times as they come. Afterwards an operation belongs to the innermost range around it, and goes by the name that the
trace has for the most expensive of what it called: what the profiler calls ``aten::linear`` the trace has as
``aten.addmm``.

The profiler makes a pass longer, by up to a third where operations are short. So passes are taken in turn with it and
without, and what it adds is spread over the events that it noted and taken out of what they are in.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, record_function
from torch.profiler import profile as profiler

from archprof.builder.device import find_device
from archprof.latency.backends import find_backend
from archprof.latency.clock import clock_of
from archprof.latency.events import RANGE, Event, times
from archprof.records.breakdown import Breakdown, Part

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archprof.latency.backends.interface import Settings
    from archprof.latency.timed_model import TimedModel
    from archprof.records.profile import Profile

PASSES = 15
KEPT = 8
WARMUP = 3

_DEEPEST = 2


def break_down(model: TimedModel, settings: Settings, device: str) -> Breakdown:
    """Run a model in eager torch, in turn with the profiler and without.

    Args:
        model: The model.
        settings: How it is run.
        device: Where: "cpu" or "cuda:N".

    Raises:
        ArchprofError: Where it cannot be built or run.
    """
    # The profiler writes of its beginning and end past Python's stderr; it asks for this level when it first begins.
    os.environ["KINETO_LOG_LEVEL"] = "99"
    backend, torch_device = find_backend("eager"), find_device(device)
    profile = model.profile
    if torch_device.type == "cuda" and not profile.environment.device.startswith("cuda"):
        profile = model.count_on(device)  # operations go by other names than where it was counted
    built, inputs = model.on(device)
    run = backend.prepare(built.module.requires_grad_(False), inputs, settings)
    clock = clock_of(torch_device, flush=False)
    paths = _paths(profile)
    plain: list[float] = []
    events: list[Event] = []
    turns: list[Callable[[], None]] = [
        lambda: plain.append(clock.time(run)),
        lambda: events.append(_profiled(run, built.module, paths, torch_device)),
    ]
    for count in range(WARMUP + PASSES):
        for turn in turns[:: -1 if count % 2 else 1]:
            turn()
    return joined(profile, paths, device, backend.threads(settings), plain[WARMUP:], events[WARMUP:])


def joined(
    profile: Profile, paths: Sequence[str], device: str, threads: int | None, plain: list[float], noted: list[Event]
) -> Breakdown:
    """The means of the passes that were disturbed least; means, because they add up.

    On a card the parts are kernels' times, which the profiler leaves alone, and the rest is that of the pass beside it.

    Args:
        profile: What the model was counted to cost.
        paths: The modules that the time is split over.
        device: Where it ran.
        threads: With how many threads.
        plain: What passes took without the profiler.
        noted: What the profiler noted of those in turn with them.
    """
    known = {operation.name for operation in profile.operations}
    pass_s, noting, events = fmean(sorted(plain)[:KEPT]), 0.0, 0.0
    if device == "cpu":
        roots = sorted(noted, key=lambda root: root.seconds)[:KEPT]
        events = fmean(root.noted for root in roots)
        noting = _noting((fmean(root.seconds for root in roots) - pass_s) / events, roots, known)
        passes = [times(root, known, noting) for root in roots]
    else:
        pairs = sorted(zip(plain, noted, strict=True), key=lambda pair: pair[0])[:KEPT]
        passes = [times(root, known, pass_s=seconds) for seconds, root in pairs]
    return Breakdown(
        device=device,
        threads=threads,
        passes=len(plain),
        passes_used=len(passes),
        whole_s=pass_s,
        parts=_parts(profile, paths, _means([split.parts for split in passes])),
        operations=_operations(profile, _means([split.operations for split in passes])),
        between_s=fmean(split.between for split in passes),
        events=round(events),
        noting_s=noting,
    )


def _noting(share: float, roots: Sequence[Event], known: set[str]) -> float:
    """What it takes to note an event: its share of what a pass took longer, and at most what there is between them."""
    passes = [times(root, known) for root in roots]
    noting = min(
        max(0.0, share),
        fmean(split.between for split in passes) / fmean(split.outer for split in passes),
    )
    # What is shorter than its share has no more to give, and the rest would come out of what is between.
    while noting > 1e-12 and fmean(times(root, known, noting).between for root in roots) < 0:
        noting *= 0.9
    return noting


def _paths(profile: Profile) -> list[str]:
    """The modules that the time is split over: the rows, or the first two levels of what has none."""
    if profile.layers:
        return [layer.path for layer in profile.layers]
    return [module.path for module in profile.modules if 0 < module.depth <= _DEEPEST]


def _profiled(run: Callable[[], Any], model: nn.Module, paths: Iterable[str], torch_device: torch.device) -> Event:
    on_card = torch_device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_card else [])]
    with profiler(activities=activities, acc_events=True) as recorded:
        with _ranges(model, paths), record_function(RANGE):
            run()
        if on_card:
            torch.cuda.synchronize(torch_device)
    # A card has ranges of the same names, of its own queue.
    roots = (event for event in recorded.events() or () if event.name == RANGE and event.device_type.name == "CPU")
    return event_of(next(roots), on_card=on_card)


def event_of(event: Any, *, on_card: bool) -> Event:
    """What the profiler noted, in seconds; on a card, of its kernels."""
    microseconds = event.device_time_total if on_card else event.cpu_time_total
    return Event(event.name, microseconds / 1e6, [event_of(child, on_card=on_card) for child in event.cpu_children])


_CALL: Any = nn.Module.__call__


@contextmanager
def _ranges(model: nn.Module, paths: Iterable[str]) -> Iterator[None]:
    """While it holds, each of these modules opens a range when it is called."""
    names = {id(model.get_submodule(path)): f"{RANGE}{path}" for path in paths}

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        name = names.get(id(module))
        if name is None:
            return _CALL(module, *args, **kwargs)
        with record_function(name):
            return _CALL(module, *args, **kwargs)

    nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = _CALL  # type: ignore[method-assign]


def _means(several: Sequence[Counter[str]]) -> dict[str, float]:
    names = dict.fromkeys(name for entry in several for name in entry)
    return {name: fmean(entry[name] for entry in several) for name in names}


def _parts(profile: Profile, paths: Sequence[str], seconds: Mapping[str, float]) -> list[Part]:
    """The parts in the order of the model, then what ran outside of them."""
    costs: dict[str, Any] = {part.path: part for part in (profile.layers or profile.modules)}
    own = {path: _figures(costs[path]) for path in paths}
    if not profile.layers:  # a module's figures hold those of the parts in it
        for path in paths:
            outer = path.rpartition(".")[0]
            if outer in own:
                own[outer] = tuple(all_ - inner for all_, inner in zip(own[outer], _figures(costs[path]), strict=True))
    outside = tuple(total - sum(part) for total, *part in zip(_figures(profile.totals), *own.values(), strict=True))
    return [_part(name, seconds.get(name, 0.0), figures) for name, figures in {**own, "": outside}.items()]


def _operations(profile: Profile, seconds: Mapping[str, float]) -> list[Part]:
    """By name; several states of one operation together."""
    figures: dict[str, tuple[int, ...]] = {}
    for operation in profile.operations:
        before = figures.get(operation.name, (0, 0, 0))
        figures[operation.name] = tuple(old + new for old, new in zip(before, _figures(operation), strict=True))
    order = sorted(seconds, key=lambda name: -seconds[name])
    return [_part(name, seconds[name], figures.get(name, (0, 0, 0))) for name in order]


def _figures(cost: Any) -> tuple[int, ...]:
    return cost.macs, cost.elementwise_flops, cost.bytes_read + cost.bytes_written


def _part(name: str, seconds: float, figures: tuple[int, ...]) -> Part:
    macs, elementwise, moved = figures
    return Part(name=name, seconds=seconds, macs=macs, elementwise_flops=elementwise, bytes=moved)
