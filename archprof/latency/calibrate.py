"""Measures this device: every probe in rounds, so that what else the machine does meets all sizes alike.

A device that is slow at a type takes minutes for what another does in seconds. So a round goes from little work to
much, and what takes too long, or is not reached in time, has the rate of a smaller size.
"""

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
    from collections.abc import Callable, Sequence

    from archprof.latency.calibration import Device
    from archprof.latency.clock import Clock

ENOUGH_ROUNDS = 3
"""What is measured fewer times may be something else's time."""

LOW = 0.25
"""The quantile of a size's samples that is taken: what else the machine does only ever adds to a time."""

_QUICK = 1_000_000
"""Work that is so quick that it is run several times in a round."""

_SAMPLES = 3

_FIRST = 1.25
"""How much longer the first round may take than all of them are to."""

_LONGEST = 0.5
"""Seconds of a call that is not repeated in a round; an operation that would take longer is not run at all."""

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
        max_time: Seconds after which nothing is measured again. The first round may take a quarter longer, and what
            was not reached then has the rate of less work.
        probes: What to run; :data:`PROBES` where it is not given.
        networks: What to run in sequence; :data:`NETWORKS` where it is not given.
        default_threads: What torch would compute with if it were not told.
    """
    measured_at, start = datetime.now(UTC).isoformat(timespec="seconds"), clock.now()
    dtype = getattr(torch, device.dtype)
    probes = (*(PROBES if probes is None else probes), MEMORY)
    built = _networks(NETWORKS if networks is None else networks, dtype)
    bench, rounds, end = _Bench(clock, Operands(dtype)), 0, start + max_time
    with torch.inference_mode():
        if bench.round(probes, built, start + _FIRST * max_time):
            rounds = 1
            while clock.now() < end and bench.round(probes, built, end):
                rounds += 1
    samples = bench.samples
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


class _Bench:
    """Takes the samples."""

    def __init__(self, clock: Clock, take: Operands) -> None:
        self.samples: Samples = {}
        self._clock, self._take = clock, take
        self._fastest: dict[str, float] = {}  # by kind, the least seconds that a unit of work took

    def round(self, probes: Sequence[Probe], networks: Sequence[Built], end: float) -> bool:
        """Measure everything once, and tell whether there was time for it.

        The overheads, the networks, the memory and the least of each probe are measured whatever the time.
        """
        self._overheads()
        for place, (network, given) in enumerate(networks):
            self._add(("network", (place,)), partial(network, given), times=_SAMPLES)
        work = sorted(((probe, sizes) for probe in probes for sizes in probe.runs()), key=lambda one: prod(one[1]))
        kinds = {probe.kind: (probe, sizes) for probe, sizes in reversed(work)}  # the least of each
        needed = [*kinds.values(), *(one for one in work if one[0] is MEMORY and one not in kinds.values())]
        for probe, sizes in needed:
            self._alone(probe, sizes)
        for probe, sizes in (one for one in work if one not in needed):
            if self._clock.now() >= end:
                return False
            if self._fastest[probe.kind] * prod(sizes) <= _LONGEST:
                self._alone(probe, sizes)
        return True

    def _overheads(self) -> None:
        for name, call in _overheads().items():
            self._add((name, ()), call, _LOOP)
        count = _FRESH // 4
        kept = torch.zeros(count)
        self._add(("fresh", ()), lambda: torch.empty(count).fill_(1))
        self._add(("again", ()), lambda: kept.fill_(1))

    def _alone(self, probe: Probe, sizes: Sizes) -> None:
        for _ in range(_SAMPLES if prod(sizes) < _QUICK else 1):
            run = probe.make(self._take, *sizes)
            self._take.touch()
            self._add((probe.kind, sizes), run)
            if self.samples[probe.kind, sizes][-1] > _LONGEST:
                break
        pace = self.samples[probe.kind, sizes][-1] / prod(sizes)
        self._fastest[probe.kind] = min(pace, self._fastest.get(probe.kind, pace))

    def _add(self, key: tuple[str, Sizes], call: Callable[[], object], calls: int = 1, times: int = 1) -> None:
        """Take samples of a call, which is made once before it is timed; one that takes long only once."""
        if key not in self.samples:
            call()
        kept = self.samples.setdefault(key, [])
        for _ in range(times):
            kept.append(self._clock.time(call, calls))
            if kept[-1] > _LONGEST:
                break


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
    for wanted in probe.sizes():
        sizes = probe.within(wanted, lambda some: (probe.kind, some) in low)
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
