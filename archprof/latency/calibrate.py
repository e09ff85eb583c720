"""Measures this device: every probe in rounds, so that what else the machine does meets all sizes alike."""

from __future__ import annotations

from datetime import UTC, datetime
from math import prod
from typing import TYPE_CHECKING

import msgspec
import torch

from archprof.latency.calibration import Calibration, Grid
from archprof.latency.networks import NETWORKS, Network
from archprof.latency.prediction import predict
from archprof.latency.probes import PROBES, Operands, Probe, Sizes
from archprof.latency.sequence import Parts, fit
from archprof.latency.statistics import quantile
from archprof.profiling import profile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.latency.calibration import Device
    from archprof.latency.clock import Clock

LEAST_ROUNDS = 3
LOW = 0.25
"""The quantile of a size's samples that is taken: what else the machine does only ever adds to a time."""

_QUICK = 1_000_000
_QUICK_SAMPLES = 3
"""Work that is so quick that it is run several times in a round."""

_MEMORY = (1 << 14, 1 << 17, 1 << 20, 1 << 23, 1 << 26)
"""Working sets, read and written together: two halves of them are copied."""

_FRESH = 1 << 26
"""Bytes that are had from the system at once: more than the allocator of the GNU C library keeps."""

_LOOP = 2000
_LOOPS = 9


def calibrate(
    device: Device,
    clock: Clock,
    max_time: float,
    *,
    probes: Sequence[Probe] | None = None,
    networks: Sequence[Network] | None = None,
    default_threads: int,
    progress: Callable[[float], None] = lambda share: None,
) -> Calibration:
    """Measure the device that torch computes on now, with the threads that it is set to.

    Args:
        device: What it is.
        clock: What times it.
        max_time: Seconds after which no round begins, once there were :data:`LEAST_ROUNDS`.
        probes: What to run; :data:`PROBES` where it is not given.
        networks: What to run in sequence; :data:`NETWORKS` where it is not given.
        default_threads: What torch would compute with if it were not told.
        progress: Told how much of the time has gone, from 0 to 1.
    """
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    start = clock.now()
    probes = PROBES if probes is None else probes
    built = _networks(NETWORKS if networks is None else networks, getattr(torch, device.dtype))
    with torch.inference_mode():
        operation_s, view_s, module_s = _overheads(clock)
        memory, fresh = _memory(clock), _fresh(clock)
        samples: dict[tuple[str, Sizes], list[float]] = {}
        take = Operands(getattr(torch, device.dtype))
        sequences: list[list[float]] = [[] for _ in built]
        rounds = 0
        while rounds < LEAST_ROUNDS or clock.now() - start < max_time:
            for place, probe in enumerate(probes):
                _round(probe, take, clock, samples, first=not rounds)
                gone = max((clock.now() - start) / max_time, (rounds + place / len(probes)) / LEAST_ROUNDS)
                progress(min(gone, 1.0))
            for times, (network, given) in zip(sequences, built, strict=True):
                if not rounds:
                    network(given)
                times += [clock.time(lambda: network(given)) for _ in range(_QUICK_SAMPLES)]  # noqa: B023
            rounds += 1
    alone = Calibration(
        device=device,
        threads=torch.get_num_threads(),
        default_threads=default_threads,
        measured_at=measured_at,
        duration_s=clock.now() - start,
        rounds=rounds,
        grids=[_grid(probe, samples, operation_s) for probe in probes],
        memory=memory,
        fresh_memory=fresh,
        operation_s=operation_s,
        view_s=view_s,
        module_s=module_s,
        in_sequence=1.0,
    )
    return _in_sequence(alone, built, [quantile(times, LOW) for times in sequences])


def _networks(makers: Sequence[Network], dtype: torch.dtype) -> list[tuple[torch.nn.Module, torch.Tensor]]:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        made = [make() for make in makers]
    return [(network.eval().to(dtype), given.to(dtype)) for network, given in made]


def _in_sequence(
    alone: Calibration, networks: Sequence[tuple[torch.nn.Module, torch.Tensor]], seconds: Sequence[float]
) -> Calibration:
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


def _round(
    probe: Probe, take: Operands, clock: Clock, samples: dict[tuple[str, Sizes], list[float]], *, first: bool
) -> None:
    """Run a probe at each of its sizes once, or a few times where that is quick."""
    for sizes in probe.sizes():
        if probe.within(sizes) != sizes:
            continue
        for _ in range(_QUICK_SAMPLES if prod(sizes) < _QUICK else 1):
            run = probe.make(take, *sizes)
            if first:
                run()
            take.touch()
            samples.setdefault((probe.kind, sizes), []).append(clock.time(run))


def _grid(probe: Probe, samples: dict[tuple[str, Sizes], list[float]], operation_s: float) -> Grid:
    """Rates from times, what any operation takes left out; of what takes nearly nothing beside that a tenth is left."""
    rates = []
    for sizes in map(probe.within, probe.sizes()):
        seconds = quantile(samples[probe.kind, sizes], LOW)
        rates.append(prod(sizes) / max(seconds - operation_s, seconds / 10))
    ticks = [list(axis) for axis in probe.ticks]
    return Grid(kind=probe.kind, axes=list(probe.axes), ticks=ticks, rates=rates, macs=probe.macs)


def _overheads(clock: Clock) -> tuple[float, float, float]:
    """Seconds that an operation takes, a view, and the call of a module, without the loop that they are called in."""
    tensor, module = torch.zeros(1, 8), torch.nn.Identity()

    def each(call: Callable[[], object]) -> float:
        call()
        return quantile([clock.time(call, _LOOP) for _ in range(_LOOPS)], LOW)

    loop = each(lambda: None)
    calls = (lambda: torch.neg(tensor), lambda: tensor.view(8), lambda: module(tensor))
    operation, view, called = (max(each(call) - loop, 1e-9) for call in calls)
    return operation, view, called


def _memory(clock: Clock) -> Grid:
    """Bytes a second at each working set."""
    rates = []
    for working_set in _MEMORY:
        source, target = (torch.zeros(working_set // 8) for _ in range(2))
        calls = max(1, (1 << 22) // working_set)
        target.copy_(source)
        times = [clock.time(lambda: target.copy_(source), calls) for _ in range(_LOOPS)]  # noqa: B023
        rates.append(working_set / quantile(times, LOW))
    return Grid(kind="memory", axes=["bytes"], ticks=[list(_MEMORY)], rates=rates)


def _fresh(clock: Clock) -> float:
    """Bytes a second that are written to new memory, less what writing them again takes."""
    count = _FRESH // 4
    first = quantile([clock.time(lambda: torch.empty(count).fill_(1)) for _ in range(_LOOPS)], LOW)
    kept = torch.zeros(count)
    again = quantile([clock.time(lambda: kept.fill_(1)) for _ in range(_LOOPS)], LOW)
    return _FRESH / max(first - again, again / 100)
