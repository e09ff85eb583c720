"""How long a forward pass should take on a device that was calibrated, from the trace alone.

The roofline model (Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for multicore
architectures", CACM 52(4), 2009) with a ceiling for each kind of kernel and an overhead for each operation: an
operation takes its overhead, and then the longer of its work over the rate that its kind reaches at its sizes and its
bytes over the rate of the memory at that working set. On a card, whose queue the processor fills meanwhile, a pass
takes the longer of all overheads and all kernels. Nothing here needs torch.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from archprof.count.workload import NOTHING
from archprof.records.prediction import Prediction
from archprof.records.workload import Demand

if TYPE_CHECKING:
    from archprof.records.calibration import Calibration
    from archprof.records.profile import Profile
    from archprof.records.workload import Work


class Time(NamedTuple):
    """What one operation takes: its overhead, then the longer of the two others, in seconds."""

    overhead: float
    computing: float
    moving: float

    @property
    def whole(self) -> float:
        """All of it."""
        return self.overhead + max(self.computing, self.moving)


class PassTime(NamedTuple):
    """What a pass takes in parts that add up, in seconds; an operation is in ``computing`` or in ``moving``.

    On a card the processor works at the overheads while the card works at the kernels, so that they do not add up;
    :meth:`queued` is what the card takes then.
    """

    overhead: float
    computing: float
    moving: float
    fresh_memory: float

    @property
    def whole(self) -> float:
        """All of it."""
        return sum(self)

    def queued(self) -> PassTime:
        """The same where the processor runs ahead: of the overheads only the time in which the device waits for it."""
        return self._replace(overhead=max(0.0, self.overhead - self.computing - self.moving))


def predict(profile: Profile, calibration: Calibration) -> Prediction | None:
    """What the forward pass of a profile should take; None where it was profiled with what was not calibrated.

    The memory of the activations is taken to go back to the system after a pass, as that of the GNU C library does, so
    that their peak is had anew in each.
    """
    if reason_for_none(profile, calibration) or not profile.work:
        return None
    time = time_of_pass(demand_of(profile), calibration)
    twin = profile.parameternet and profile.parameternet.model.static_demand
    by_bytes: Counter[str] = Counter()
    for work in profile.work:
        if work.kind != NOTHING and calibration.grid(work.kind) is None:
            by_bytes[work.kind] += work.calls
    error = calibration.error
    fastest = max((max(grid.rates) for grid in calibration.grids if grid.macs), default=0.0)
    return Prediction(
        device=calibration.device,
        threads=calibration.threads,
        calibrated_at=calibration.measured_at,
        seconds=time.whole,
        interval_s=(time.whole / error, time.whole * error) if error else None,
        coverage=calibration.coverage,
        overhead_s=time.overhead,
        computing_s=time.computing,
        moving_s=time.moving,
        fresh_memory_s=time.fresh_memory,
        static_s=time_of_pass(twin, calibration).whole if twin else None,
        ridge=2 * fastest / calibration.memory.rates[-1],
        peak_flops_per_s=2 * fastest,
        peak_bytes_per_s=calibration.memory.rates[-1],
        by_bytes=dict(by_bytes),
    )


def reason_for_none(profile: Profile, calibration: Calibration) -> str | None:
    """Why a profile has no prediction by a calibration of its device; None where nothing is in the way."""
    if profile.backward:
        return "a training step is not predicted, only inference"
    if profile.file is not None and not profile.work:
        return "PyTorch's operations are predicted, not those of an ONNX file; `archprof bench` measures it"
    if profile.input.dtype not in (calibration.device.dtype, "int64"):
        return f"calibrated in {calibration.device.dtype}, not in {profile.input.dtype}"
    return None


def demand_of(profile: Profile) -> Demand:
    """What the forward pass of a profile asks for."""
    called = sum(module.calls for module in profile.modules)
    peak = profile.totals.peak_activation_bytes
    return Demand(work=profile.work, module_calls=called, peak_activation_bytes=peak)


def time_of_pass(demand: Demand, calibration: Calibration) -> PassTime:
    """What a forward pass should take, in parts that add up."""
    parts = parts_of_pass(demand, calibration)
    return parts.queued() if calibration.device.queued else parts


def parts_of_pass(demand: Demand, calibration: Calibration) -> PassTime:
    """What a forward pass should take the processor and the device, each by itself."""
    times = [(work.calls, time_of(work, calibration)) for work in demand.work]
    return PassTime(
        overhead=demand.module_calls * calibration.module_s + sum(calls * time.overhead for calls, time in times),
        computing=sum(calls * time.computing for calls, time in times if time.computing >= time.moving),
        moving=sum(calls * time.moving for calls, time in times if time.computing < time.moving),
        fresh_memory=demand.peak_activation_bytes / calibration.fresh_memory if calibration.fresh_memory else 0.0,
    )


def time_of(work: Work, calibration: Calibration) -> Time:
    """What one operation should take."""
    if work.kind == NOTHING:
        return Time(calibration.view_s, 0.0, 0.0)
    grid = calibration.grid(work.kind)
    return Time(
        overhead=calibration.operation_s if grid is None or grid.call_s is None else grid.call_s,
        computing=calibration.in_sequence * prod(work.sizes) / grid.rate(work.sizes) if grid else 0.0,
        moving=calibration.in_sequence * work.bytes / calibration.memory.rate([work.bytes]),
    )
