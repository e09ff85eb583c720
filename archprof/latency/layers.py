"""Finds where the time of a forward pass goes, with torch's profiler, and without waiting for the device in between.

Each part of the model opens a range when it is called; the profiler notes ranges, operations and kernels with their
times as they come. Afterwards an operation belongs to the innermost range around it, and goes by the name that the
trace has for the dearest of what it called: what the profiler calls ``aten::linear`` the trace has as ``aten.addmm``.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn
from torch.profiler import ProfilerActivity, record_function
from torch.profiler import profile as profiler

from archprof.build.device import find_device
from archprof.latency.backends import find_backend
from archprof.latency.breakdown import Breakdown, Part
from archprof.latency.clock import CudaClock, WallClock
from archprof.profiling import prepare
from archprof.trace.recorder import CALL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archprof.latency.backends.interface import Settings
    from archprof.options import Options
    from archprof.profiles import Profile
    from archprof.variant.spec import Spec

PASSES = 15
WARMUP = 3

_RANGE = "archprof:"
_DEEPEST = 2


class Event(NamedTuple):
    """One range or operation: when it lasted how long, and what it called."""

    name: str
    seconds: float
    children: Sequence[Event]


class Times(NamedTuple):
    """Seconds in operations by part and by operation, and the rest of the pass."""

    parts: Counter[str]
    operations: Counter[str]
    between: float


def break_down(spec: Spec, profile: Profile, options: Options, settings: Settings, device: str) -> Breakdown:
    """Run a model in eager torch, in turn with the profiler and without.

    Args:
        spec: What to build.
        profile: What it was counted to cost.
        options: How it is built.
        settings: How it is run.
        device: Where: "cpu" or "cuda:N".

    Raises:
        ArchprofError: Where it cannot be built or run.
    """
    built, inputs = prepare(spec, replace(options, device=device))
    backend, place = find_backend("eager"), find_device(device)
    run = backend.prepare(built.module.requires_grad_(False), inputs, settings)
    on_card = place.type == "cuda"
    clock = CudaClock(place, flush=False) if on_card else WallClock()
    paths = _paths(profile)
    known = {operation.name for operation in profile.operations}
    plain, passes = [], []
    for count in range(WARMUP + PASSES):
        whole, events = clock.time(run), _profiled(run, built.module, paths, on_card=on_card)
        if count >= WARMUP:
            plain.append(whole)
            passes.append(times(events, known, whole=whole if on_card else None))
    return Breakdown(
        device=device,
        threads=backend.threads(settings),
        passes=PASSES,
        whole_s=median(plain),
        parts=_parts(profile, paths, _medians([one.parts for one in passes])),
        operations=_operations(profile, _medians([one.operations for one in passes])),
        between_s=median(one.between for one in passes),
    )


def _paths(profile: Profile) -> list[str]:
    """The modules that the time is split over: the rows, or the first two levels of what has none."""
    if profile.layers:
        return [layer.path for layer in profile.layers]
    return [module.path for module in profile.modules if 0 < module.depth <= _DEEPEST]


def _profiled(run: Callable[[], Any], model: nn.Module, paths: Iterable[str], *, on_card: bool) -> Event:
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_card else [])]
    with profiler(activities=activities, acc_events=True) as recorded:
        with _ranges(model, paths), record_function(_RANGE):
            run()
        if on_card:
            torch.cuda.synchronize()
    roots = [event for event in recorded.events() or () if event.name == _RANGE]
    return _event(roots[0], on_card=on_card)


def _event(event: Any, *, on_card: bool) -> Event:
    """What the profiler noted, in seconds; on a card, of its kernels."""
    microseconds = event.device_time_total if on_card else event.cpu_time_total
    return Event(event.name, microseconds / 1e6, [_event(child, on_card=on_card) for child in event.cpu_children])


@contextmanager
def _ranges(model: nn.Module, paths: Iterable[str]) -> Iterator[None]:
    """While it holds, each of these modules opens a range when it is called."""
    names = {id(model.get_submodule(path)): f"{_RANGE}{path}" for path in paths}

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        name = names.get(id(module))
        if name is None:
            return CALL(module, *args, **kwargs)
        with record_function(name):
            return CALL(module, *args, **kwargs)

    nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = CALL  # type: ignore[method-assign]


def times(root: Event, known: set[str], whole: float | None = None) -> Times:
    """Give each operation's time to a part and to a name.

    Args:
        root: The pass.
        known: The operations' names that the trace has.
        whole: What the pass took; the root's own time where it is not given.
    """
    parts: Counter[str] = Counter()
    operations: Counter[str] = Counter()

    def look_at(event: Event, part: str) -> None:
        for child in event.children:
            if child.name.startswith(_RANGE):
                look_at(child, child.name.removeprefix(_RANGE))
            elif child.seconds:
                parts[part] += child.seconds  # type: ignore[assignment]
                operations[_name(child, known)] += child.seconds  # type: ignore[assignment]

    look_at(root, "")
    return Times(parts, operations, (root.seconds if whole is None else whole) - sum(parts.values()))


def _name(event: Event, known: set[str]) -> str:
    """The trace's name for an operation: that of the dearest of what it called, the outermost first."""
    found = [(one.seconds, one.name.replace("::", ".", 1)) for one in _below(event)]
    named = [one for one in found if one[1] in known]
    return max(named, key=lambda one: one[0])[1] if named else found[0][1]


def _below(event: Event) -> Iterator[Event]:
    yield event
    for child in event.children:
        yield from _below(child)


def _medians(several: Sequence[Counter[str]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in several for name in one)
    return {name: median(one[name] for one in several) for name in names}


def _parts(profile: Profile, paths: Sequence[str], seconds: Mapping[str, float]) -> list[Part]:
    """The parts in the order of the model, then what ran outside of them."""
    costs: dict[str, Any] = {one.path: one for one in (profile.layers or profile.modules)}
    own = {path: _figures(costs[path]) for path in paths}
    if not profile.layers:  # a module's figures hold those of the parts in it
        for path in paths:
            outer = path.rpartition(".")[0]
            if outer in own:
                own[outer] = tuple(all_ - inner for all_, inner in zip(own[outer], _figures(costs[path]), strict=True))
    outside = tuple(whole - sum(part) for whole, *part in zip(_figures(profile.totals), *own.values(), strict=True))
    return [_part(name, seconds.get(name, 0.0), figures) for name, figures in {**own, "": outside}.items()]


def _operations(profile: Profile, seconds: Mapping[str, float]) -> list[Part]:
    """By name; several states of one operation together."""
    figures: dict[str, tuple[int, ...]] = {}
    for one in profile.operations:
        before = figures.get(one.name, (0, 0, 0))
        figures[one.name] = tuple(old + new for old, new in zip(before, _figures(one), strict=True))
    order = sorted(seconds, key=lambda name: -seconds[name])
    return [_part(name, seconds[name], figures.get(name, (0, 0, 0))) for name in order]


def _figures(cost: Any) -> tuple[int, ...]:
    return cost.macs, cost.elementwise_flops, cost.bytes_read + cost.bytes_written


def _part(name: str, seconds: float, figures: tuple[int, ...]) -> Part:
    macs, elementwise, moved = figures
    return Part(name=name, seconds=seconds, macs=macs, elementwise_flops=elementwise, bytes=moved)
