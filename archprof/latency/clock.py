"""Clocks: what a sampler measures with. A test gives it one that it made up."""

from __future__ import annotations

from statistics import median
from time import perf_counter, perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from archprof.records.latency import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

READINGS = 101
"""How often nothing is timed to find out what the clock itself takes."""

FLUSHED_BYTES = 256 * 2**20
"""What is overwritten to empty a graphics card's cache; the largest L2 cache sold holds 128 MiB."""


HELD_CYCLES = 1_000_000
"""For how many of its cycles a card is held: about half a millisecond, in which a processor makes several calls."""


class Clock(Protocol):
    """Times calls, and tells how long an experiment has been going on.

    Attributes:
        name: What it is, in words.
        least_s: The shortest time that is worth a reading; what is shorter is called several times for one.
    """

    name: str
    least_s: float

    def now(self) -> float:
        """Seconds since some moment, on the wall."""
        ...

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        """The mean seconds of one call, of so many in a row."""
        ...


class WallClock:
    """The monotonic clock of the system: for what has ended when it returns."""

    name = "perf_counter_ns"

    def __init__(self) -> None:
        self.least_s = 0.0
        self.least_s = 1000 * overhead(self).overhead_s  # so that a reading is right to a thousandth

    def now(self) -> float:
        """Seconds since some moment."""
        return perf_counter()

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        """The mean seconds of one call."""
        start = perf_counter_ns()
        for _ in range(calls):
            call()
        return (perf_counter_ns() - start) / calls / 1e9


class CudaClock:
    """A graphics card's own events, which the card itself stamps as it comes to them in its queue.

    The card has nothing to do when a call begins: what the processor takes to put operations into the queue is in the
    time, as far as the card waits for it.

    Args:
        device: The card.
        flush: Whether to overwrite the card's cache before each sample, so that weights come from its memory as they
            do in a program that does something else in between.
    """

    name = "CUDA events"
    least_s = 0.0  # one call a sample: only the first would find the cache empty

    def __init__(self, device: torch.device, *, flush: bool) -> None:
        import torch

        with torch.cuda.device(device):
            self._start, self._end = (
                torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
                for _ in range(2)
            )
            self._stream = torch.cuda.current_stream(device)
        self._cache = torch.empty(FLUSHED_BYTES, dtype=torch.int8, device=device) if flush else None

    def now(self) -> float:
        """Seconds since some moment."""
        return perf_counter()

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        """The mean seconds of one call, on the card."""
        self._begin()
        self._start.record(self._stream)
        for _ in range(calls):
            call()
        self._end.record(self._stream)
        self._end.synchronize()
        milliseconds: float = self._start.elapsed_time(self._end)
        return milliseconds / calls / 1e3

    def _begin(self) -> None:
        if self._cache is not None:
            self._cache.zero_()
        self._stream.synchronize()  # else the queue would fill while the cache is being overwritten


class KernelClock(CudaClock):
    """The same events around kernels that wait for nothing: the card is held until the calls lie in its queue.

    Args:
        device: The card.
    """

    name = "CUDA events around a full queue"

    def __init__(self, device: torch.device) -> None:
        super().__init__(device, flush=False)
        self._device = device

    def _begin(self) -> None:
        import torch

        with torch.cuda.device(self._device):
            torch.cuda._sleep(HELD_CYCLES)  # type: ignore[no-untyped-call]


class Clocks(NamedTuple):
    """What times the parts of a calibration: a kernel, what a call takes the processor, and a whole forward pass."""

    kernels: Clock
    calls: Clock
    networks: Clock

    @classmethod
    def of_one(cls, clock: Clock) -> Clocks:
        """One clock for everything: on a CPU a call is over when its kernel is."""
        return cls(clock, clock, clock)


def clock_of(device: torch.device, *, flush: bool) -> Clock:
    """The clock of forward passes on a device.

    Args:
        device: Where they run.
        flush: Whether to overwrite a card's cache before each sample.
    """
    return CudaClock(device, flush=flush) if device.type == "cuda" else WallClock()


def clocks_of(device: torch.device) -> Clocks:
    """The clocks to calibrate a device with."""
    networks = clock_of(device, flush=True)
    return Clocks(KernelClock(device), WallClock(), networks) if device.type == "cuda" else Clocks.of_one(networks)


def overhead(clock: Clock) -> Timer:
    """What a clock measures of nothing: the median of readings back to back."""
    return Timer(name=clock.name, overhead_s=median(clock.time(_nothing) for _ in range(READINGS)))


def _nothing() -> None:
    pass
