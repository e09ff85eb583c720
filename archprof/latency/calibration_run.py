"""Measures this device: every probe in rounds, so that what else the machine does meets all sizes alike.

A device that is slow at a type takes minutes for what another does in seconds. So a round goes from little work to
much, and what takes too long, or is not reached in time, has the rate of a smaller size.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from math import prod
from statistics import median
from typing import TYPE_CHECKING

import msgspec
import torch

from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.count.workload import demand
from archprof.latency.clock import overhead
from archprof.latency.held_out import HELD_OUT
from archprof.latency.networks import CARD_NETWORKS, NETWORKS, Built, Network
from archprof.latency.prediction import parts_of_pass, time_of_pass
from archprof.latency.probes import CARD_MEMORY, MEMORY, PROBES, Operands, Probe, Sizes
from archprof.latency.scaling_fit import Parts, fit, fit_queued
from archprof.latency.statistics import quantile
from archprof.records.calibration import Calibration, Grid
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archprof.latency.clock import Clock, Clocks
    from archprof.records.calibration import Device
    from archprof.records.workload import Demand

ENOUGH_ROUNDS = 3
"""What is measured fewer times may be something else's time."""

LOW = 0.25
"""The quantile of a size's samples that is taken: what else the machine does only ever adds to a time."""

_QUICK = 1_000_000
"""Work that is so quick that it is run several times in a round."""

_SAMPLES = 3

_FIRST = 1.25
"""How much longer the first round may take than all of them are to."""

_HELD_OUT_SHARE = 0.25
"""The share of the time in which models that nothing is fitted to are measured in a round; on a slow device not all of
them are, and the interval holds for a smaller share of models."""

_LONGEST = 0.5
"""Seconds of a call that is not repeated in a round; an operation that would take longer is not run at all."""

_FRESH = 1 << 26
"""Bytes that are had from the system at once: more than the allocator of the GNU C library keeps."""

_LOOP = 1000

_CALLS = 200
"""Calls at once of an operation whose call is timed: fewer than a card's queue holds."""

Key = tuple[str, Sizes]
Samples = dict[Key, list[float]]


def calibrate(
    device: Device,
    torch_device: torch.device,
    clocks: Clocks,
    max_time: float,
    *,
    probes: Sequence[Probe] | None = None,
    networks: Sequence[Network] | None = None,
    held_out: Mapping[str, Network] | None = None,
    default_threads: int,
) -> Calibration:
    """Measure a device, with the threads that torch is set to.

    Args:
        device: What it is.
        torch_device: Where it is.
        clocks: What times it.
        max_time: Seconds after which nothing is measured again. The first round may take a quarter longer, and what
            was not reached then has the rate of less work.
        probes: What to run; :data:`PROBES` where it is not given.
        networks: What to run in sequence; what is right for the device where it is not given.
        held_out: Models to find out with how far predictions are off, by name; :data:`HELD_OUT` where it is not given.
        default_threads: What torch would compute with if it were not told.
    """
    measured_at, now = datetime.now(UTC).isoformat(timespec="seconds"), clocks.calls.now
    dtype = getattr(torch, device.dtype)
    memory_probe = CARD_MEMORY if device.queued else MEMORY
    probes = (*(PROBES if probes is None else probes), memory_probe)
    held_out = HELD_OUT if held_out is None else held_out
    fitted = _networks(networks or (CARD_NETWORKS if device.queued else NETWORKS), torch_device, dtype)
    others = _networks(list(held_out.values()), torch_device, dtype)
    bench, rounds, start = _Bench(device, torch_device, clocks, Operands(dtype, torch_device)), 0, now()
    end = start + max_time
    share = _HELD_OUT_SHARE * max_time
    with torch.inference_mode():
        bench.models(others, share)
        if bench.round(probes, fitted, start + _FIRST * max_time):
            rounds = 1
            while now() < end and bench.round(probes, fitted, end):
                rounds += 1
                bench.models(others, min(share, end - now()))
    low = {key: quantile(times, LOW) for key, times in bench.samples.items()}
    operation, view, call = (max(low[name, ()] - low["loop", ()], 1e-9) for name in ("operation", "view", "call"))
    fresh_s, reused_s = (low.get((name, ()), 0.0) for name in ("fresh", "again"))
    # Of a kernel by itself the clock has its own reading, else what any operation takes.
    call_s = overhead(clocks.kernels).overhead_s if device.queued else operation
    *grids, memory = (_grid(probe, low, call_s) for probe in probes)
    alone = Calibration(
        device=device,
        threads=None if device.queued else torch.get_num_threads(),
        default_threads=None if device.queued else default_threads,
        measured_at=measured_at,
        duration_s=now() - start,
        rounds=rounds,
        grids=grids,
        memory=memory,
        fresh_memory=_FRESH / max(fresh_s - reused_s, reused_s / 100) if fresh_s else None,
        operation_s=operation,
        view_s=view,
        module_s=call,
        in_sequence=1.0,
    )
    calibration = _in_sequence(alone, fitted, [low["network", (number,)] for number in range(len(fitted))])
    # What a user measures is a median; the fit has the lower quartile, which other work on the machine moves less.
    ratios = {
        name: median(samples) / time_of_pass(_demand(network, given), calibration).whole
        for number, (name, (network, given)) in enumerate(zip(held_out, others, strict=True))
        if (samples := bench.samples.get(("model", (number,))))
    }
    return msgspec.structs.replace(calibration, held_out=ratios)


class _Bench:
    """Takes the samples."""

    def __init__(self, device: Device, torch_device: torch.device, clocks: Clocks, take: Operands) -> None:
        self.samples: Samples = {}
        self._queued, self._place, self._clocks, self._take = device.queued, torch_device, clocks, take
        self._fastest: dict[str, float] = {}  # by kind, the least seconds that a unit of work took

    def round(self, probes: Sequence[Probe], networks: Sequence[Built], end: float) -> bool:
        """Measure everything once, and tell whether there was time for it.

        The overheads, the networks, the memory and the least of each probe are measured whatever the time.
        """
        self._overheads()
        for number, (network, given) in enumerate(networks):
            self._add(self._clocks.networks, ("network", (number,)), partial(network, given), times=_SAMPLES)
        work = sorted(
            ((probe, sizes) for probe in probes for sizes in probe.runs(on_card=self._queued)),
            key=lambda run: prod(run[1]),
        )
        kinds = {probe.kind: (probe, sizes) for probe, sizes in reversed(work)}  # the least of each
        needed = [*kinds.values(), *(run for run in work if run[0].kind == MEMORY.kind and run not in kinds.values())]
        for probe, sizes in needed:
            self._alone(probe, sizes)
        for probe, sizes in kinds.values() if self._queued else ():
            self._call(probe, sizes)
        for probe, sizes in (run for run in work if run not in needed):
            if self._clocks.calls.now() >= end:
                return False
            if self._fastest[probe.kind] * prod(sizes) <= _LONGEST:
                self._alone(probe, sizes)
        return True

    def models(self, models: Sequence[Built], seconds: float) -> None:
        """Measure models that nothing is fitted to, one after another, until so many seconds are over."""
        end = self._clocks.calls.now() + seconds
        for number, (model, given) in enumerate(models):
            if self._clocks.calls.now() >= end:
                return
            self._add(self._clocks.networks, ("model", (number,)), partial(model, given), times=_SAMPLES)

    def _overheads(self) -> None:
        for name, call in _overheads(self._place).items():
            self._add(self._clocks.calls, (name, ()), call, _LOOP)
        if self._queued:  # torch keeps a card's memory
            return
        count = _FRESH // 4
        tensor = torch.zeros(count)
        self._add(self._clocks.kernels, ("fresh", ()), lambda: torch.empty(count).fill_(1))
        self._add(self._clocks.kernels, ("again", ()), lambda: tensor.fill_(1))

    def _alone(self, probe: Probe, sizes: Sizes) -> None:
        for _ in range(_SAMPLES if prod(sizes) < _QUICK else 1):
            run = probe.make(self._take, *sizes)
            self._take.touch()
            self._add(self._clocks.kernels, (probe.kind, sizes), run)
            if self.samples[probe.kind, sizes][-1] > _LONGEST:
                break
        pace = self.samples[probe.kind, sizes][-1] / prod(sizes)
        self._fastest[probe.kind] = min(pace, self._fastest.get(probe.kind, pace))

    def _call(self, probe: Probe, sizes: Sizes) -> None:
        """What it takes the processor to call an operation: at its least size, whose kernel is not waited for."""
        run = probe.make(self._take, *sizes)
        self._take.touch()
        self._add(self._clocks.calls, _call_of(probe.kind), run, _CALLS)

    def _add(self, clock: Clock, key: Key, call: Callable[[], object], calls: int = 1, times: int = 1) -> None:
        """Take samples of a call, which is made once before it is timed; one that takes long only once."""
        if key not in self.samples:
            call()
        samples = self.samples.setdefault(key, [])
        for _ in range(times):
            samples.append(clock.time(call, calls))
            if samples[-1] > _LONGEST:
                break


def _call_of(kind: str) -> Key:
    return f"the call of {kind}", ()


def _overheads(torch_device: torch.device) -> dict[str, Callable[[], object]]:
    """An operation on nearly nothing, a view, and the call of a module; and the loop that they are called in."""
    tensor, module = torch.zeros(1, 8, device=torch_device), torch.nn.Identity()
    return {
        "loop": lambda: None,
        "operation": lambda: torch.neg(tensor),
        "view": lambda: tensor.view(8),
        "call": lambda: module(tensor),
    }


def _grid(probe: Probe, low: dict[Key, float], call_s: float) -> Grid:
    """Rates from times, what is beside the kernel left out; of what takes nearly nothing but that a tenth is left."""
    rates = []
    for grid_sizes in probe.sizes():
        sizes = probe.within(grid_sizes, lambda some: (probe.kind, some) in low)
        seconds = low[probe.kind, sizes]
        rates.append(prod(sizes) / max(seconds - call_s, seconds / 10))
    ticks = [list(axis) for axis in probe.ticks]
    call = low.get(_call_of(probe.kind))
    calls = None if call is None else max(call - low["loop", ()], 1e-9)
    return Grid(kind=probe.kind, axes=list(probe.axes), ticks=ticks, rates=rates, macs=probe.macs, call_s=calls)


def _networks(makers: Sequence[Network], torch_device: torch.device, dtype: torch.dtype) -> list[Built]:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        made = [make() for make in makers]
    return [(network.eval().to(torch_device, dtype), given.to(torch_device, dtype)) for network, given in made]


def _in_sequence(alone: Calibration, networks: Sequence[Built], seconds: Sequence[float]) -> Calibration:
    """The calibration with what networks take more than their operations by themselves."""
    demands = [_demand(network, given) for network, given in networks]
    pass_times = [parts_of_pass(part, alone) for part in demands]
    parts = [
        Parts(part.computing + part.moving, part.overhead, part.fresh_memory, measured)
        for part, measured in zip(pass_times, seconds, strict=True)
    ]
    kernels, overheads = (fit_queued if alone.device.queued else fit)(parts)
    fitted = msgspec.structs.replace(
        alone,
        in_sequence=kernels,
        operation_s=alone.operation_s * overheads,
        view_s=alone.view_s * overheads,
        module_s=alone.module_s * overheads,
        grids=[
            grid if grid.call_s is None else msgspec.structs.replace(grid, call_s=grid.call_s * overheads)
            for grid in alone.grids
        ],
    )
    predicted = [time_of_pass(part, fitted).whole for part in demands]
    return msgspec.structs.replace(
        fitted, networks=[pass_times / measured for pass_times, measured in zip(predicted, seconds, strict=True)]
    )


def _demand(network: torch.nn.Module, given: torch.Tensor) -> Demand:
    ledger = count(trace(network, (given,)))
    return demand(ledger, measure(ledger.trace))
