"""The predicted time of a model as sums over its operations and calls, so that a limit on it is one on sums.

On a CPU the time of a pass is one sum. A graphics card takes the longer of two: of what the processor takes to call its
kernels, and of the kernels. Then both are limited. What it takes to have the activations' memory from the system
depends on their peak, which is no sum; see :func:`archprof.latency.prediction.predict`, which this follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof.count.ledger import by_call
from archprof.count.workload import key_of
from archprof.latency import calibration_store
from archprof.latency.prediction import predict, time_of
from archprof.records.workload import Work
from archprof.suggest.additive import LATENCY, PER_UNIT
from archprof.suggest.no_calibration import no_calibration

if TYPE_CHECKING:
    from archprof.count.ledger import Ledger
    from archprof.count.memory import Memory
    from archprof.records.calibration import Calibration
    from archprof.records.profile import Profile

CALLING, RUNNING = "latency_calling", "latency_running"
"""The two sums: the overheads of operations and calls, and what the operations' arithmetic or memory takes."""


@dataclass(frozen=True)
class Clock:
    """Times operations by a calibration.

    Attributes:
        calibration: What this computer was measured to do.
    """

    calibration: Calibration

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """The sums that are limited: both together, or each."""
        return ((CALLING,), (RUNNING,)) if self.calibration.device.queued else ((CALLING, RUNNING),)

    def by_call(self, ledger: Ledger, memory: Memory) -> list[dict[str, int]]:
        """Both sums of each call of a module with everything that it calls."""
        trace = ledger.trace
        times = []
        for entry, moved in zip(ledger.entries, memory.traffic, strict=True):
            kind, sizes = key_of(entry.operation, moved)
            work = Work(kind=kind, sizes=list(sizes), bytes=moved.read + moved.written, calls=1)
            time = time_of(work, self.calibration)
            times.append((_whole(time.overhead), _whole(max(time.computing, time.moving))))
        _, sums = by_call(trace, times)
        calls = [1 for _ in trace.calls]
        for index in range(len(calls) - 1, 0, -1):  # a call comes after the one that made it
            calls[trace.calls[index].parent] += calls[index]
        call = _whole(self.calibration.module_s)
        return [
            {CALLING: calling + call * number, RUNNING: running}
            for (calling, running), number in zip(sums, calls, strict=True)
        ]

    def predicted(self, profile: Profile) -> tuple[int, int]:
        """The predicted time of a profile, and what of it is the time to have memory: in whole parts of a second."""
        prediction = predict(profile, self.calibration)
        return (_whole(prediction.seconds), _whole(prediction.fresh_memory_s)) if prediction else (0, 0)


def clock_of(dtype: str, device: str) -> Clock:
    """The clock of this computer.

    Args:
        dtype: What is computed in.
        device: The device.

    Raises:
        UsageError: Where it was not calibrated.
    """
    target = calibration_store.this_device(dtype, device)
    calibration = calibration_store.find(target)
    if calibration is None:
        reason = calibration_store.reason_for_none(target) or "this computer was not calibrated"
        raise no_calibration(reason, dtype, device)
    return Clock(calibration)


def _whole(seconds: float) -> int:
    """A time in the whole parts of a second that budgets count in."""
    return round(seconds * PER_UNIT[LATENCY.unit])
