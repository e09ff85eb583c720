"""Measures this device: every probe in rounds, so that what else the machine does meets all sizes alike."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import msgspec
import torch

from archprof.latency.calibration import Calibration, Grid
from archprof.latency.networks import NETWORKS, Built, Network
from archprof.latency.prediction import predict
from archprof.latency.probes import MEMORY, PROBES, Operands, Probe, Sizes
from archprof.latency.sequence import Parts, fit
from archprof.latency.statistics import quantile
from archprof.profiling import profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archprof.latency.calibration import Device
    from archprof.latency.clock import Clock

ENOUGH_ROUNDS = 3
"""What is measured fewer times may be something else's time."""

LOW = 0.25
"""The quantile of a size's samples that is taken: what else the machine does only ever adds to a time."""

_QUICK = 1_000_000
"""Work that is so quick that it is run several times in a round."""

_SAMPLES = 3

_FRESH = 1 << 26
"""Bytes that are had from the system at once: more than the allocator of the GNU C library keeps."""

_LOOP = 1000

Samples = dict[tuple[str, Sizes], list[float]]


def calibrate(
    device: Device,
    clock: Clock,
    max_time: float,
    *,
    probes: Sequence[Probe] | None = None,
    networks: Sequence[Network] | None = None,
    default_threads: int,
) -> Calibration:
    """Measure the device that torch computes on now, with the threads that it is set to.

    Args:
        device: What it is.
        clock: What times it.
        max_time: Seconds after which nothing is measured again; everything is measured once.
        probes: What to run; :data:`PROBES` where it is not given.
        networks: What to run in sequence; :data:`NETWORKS` where it is not given.
        default_threads: What torch would compute with if it were not told.
    """
    measured_at, start = datetime.now(UTC).isoformat(timespec="seconds"), clock.now()
    dtype = getattr(torch, device.dtype)
    probes = (*(PROBES if probes is None else probes), MEMORY)
    built = _networks(NETWORKS if networks is None else networks, dtype)
    take, samples, rounds = Operands(dtype), Samples(), 0
    with torch.inference_mode():
        while not rounds or clock.now() - start < max_time:
            for part in _parts(probes, built, take, clock, samples):
                if rounds and clock.now() - start >= max_time:
                    break
                part()
            else:
                rounds += 1
    low = {key: quantile(times, LOW) for key, times in samples.items()}
    operation, view, call = (max(low[name, ()] - low["loop", ()], 1e-9) for name in ("operation", "view", "call"))
    *grids, memory = (_grid(probe, low, operation) for probe in probes)
    alone = Calibration(
        device=device,
        threads=torch.get_num_threads(),
        default_threads=default_threads,
        measured_at=measured_at,
        duration_s=clock.now() - start,
        rounds=rounds,
        grids=grids,
        memory=memory,
        fresh_memory=_FRESH / max(low["fresh", ()] - low["again", ()], low["again", ()] / 100),
        operation_s=operation,
        view_s=view,
        module_s=call,
        in_sequence=1.0,
    )
    return _in_sequence(alone, built, [low["network", (place,)] for place in range(len(built))])


def _parts(
    probes: Sequence[Probe], networks: Sequence[Built], take: Operands, clock: Clock, samples: Samples
) -> Iterator[Callable[[], None]]:
    """What a round consists of, in parts after each of which it may end."""

    def add(key: tuple[str, Sizes], call: Callable[[], object], calls: int = 1) -> None:
        if key not in samples:
            call()
        samples.setdefault(key, []).append(clock.time(call, calls))

    def overheads() -> None:
        for name, call in _overheads().items():
            add((name, ()), call, _LOOP)
        count = _FRESH // 4
        kept = torch.zeros(count)
        add(("fresh", ()), lambda: torch.empty(count).fill_(1))
        add(("again", ()), lambda: kept.fill_(1))

    def sequence(place: int) -> None:
        network, given = networks[place]
        for _ in range(_SAMPLES):
            add(("network", (place,)), lambda: network(given))

    def alone(probe: Probe) -> None:
        for sizes in probe.sizes():
            if probe.within(sizes) != sizes:
                continue
            for _ in range(_SAMPLES if prod(sizes) < _QUICK else 1):
                run = probe.make(take, *sizes)
                take.touch()
                add((probe.kind, sizes), run)

    yield overheads
    yield from (partial(sequence, place) for place in range(len(networks)))
    yield from (partial(alone, probe) for probe in probes)


def _overheads() -> dict[str, Callable[[], object]]:
    """An operation on nearly nothing, a view, and the call of a module; and the loop that they are called in."""
    tensor, module = torch.zeros(1, 8), torch.nn.Identity()
    return {
        "loop": lambda: None,
        "operation": lambda: torch.neg(tensor),
        "view": lambda: tensor.view(8),
        "call": lambda: module(tensor),
    }


def _grid(probe: Probe, low: dict[tuple[str, Sizes], float], operation: float) -> Grid:
    """Rates from times, what any operation takes left out; of what takes nearly nothing beside that a tenth is left."""
    rates = []
    for sizes in map(probe.within, probe.sizes()):
        seconds = low[probe.kind, sizes]
        rates.append(prod(sizes) / max(seconds - operation, seconds / 10))
    ticks = [list(axis) for axis in probe.ticks]
    return Grid(kind=probe.kind, axes=list(probe.axes), ticks=ticks, rates=rates, macs=probe.macs)


def _networks(makers: Sequence[Network], dtype: torch.dtype) -> list[Built]:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        made = [make() for make in makers]
    return [(network.eval().to(dtype), given.to(dtype)) for network, given in made]


def _in_sequence(alone: Calibration, networks: Sequence[Built], seconds: Sequence[float]) -> Calibration:
    """The calibration with what networks take more than their operations by themselves."""
    parts = []
    for (network, given), measured in zip(networks, seconds, strict=True):
        said = predict(profile(network, given), alone)
        assert said is not None
        parts.append(Parts(said.computing_s + said.moving_s, said.overhead_s, said.fresh_memory_s, measured))
    kernels, overheads = fit(parts)
    return msgspec.structs.replace(
        alone,
        in_sequence=kernels,
        operation_s=alone.operation_s * overheads,
        view_s=alone.view_s * overheads,
        module_s=alone.module_s * overheads,
    )
