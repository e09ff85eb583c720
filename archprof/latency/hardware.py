"""The computer that something was measured on, what else it did meanwhile, and the state of its graphics card."""

from __future__ import annotations

import os
import time
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import psutil
import torch

from archprof.latency.processor import available_cpus, cpu_name
from archprof.records.latency import Gpu, Load, Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

LOOK_S = 0.1
"""Between two questions to a card's driver: each takes some microseconds, outside of every sample."""

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def machine() -> Machine:
    """This computer. What the system does not tell is None."""
    return Machine(
        cpu=cpu_name(),
        cpus=available_cpus(),
        memory_bytes=psutil.virtual_memory().total,
        governor=_read(GOVERNOR),
        torch_build=_torch_build(),
        driver=_query(_driver),
    )


def device_name(device: torch.device) -> str:
    """The processor's or the card's name."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_name()


def _torch_build() -> str:
    libraries = {
        "oneDNN": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "MKL": torch.backends.mkl.is_available(),  # type: ignore[no-untyped-call]
        "OpenMP": torch.backends.openmp.is_available(),  # type: ignore[no-untyped-call]
        f"CUDA {torch.version.cuda}": torch.version.cuda is not None,
    }
    built_with = [name for name, present in libraries.items() if present]
    return ", ".join([f"torch {torch.__version__}", torch.backends.cpu.get_cpu_capability(), *built_with])


class LoadWatch:
    """Watches what else the machine does, from its making until :meth:`load` is asked."""

    def __init__(self) -> None:
        self._before, self._wall = load_average(), time.perf_counter()
        self._busy, self._own = _busy_seconds(), time.process_time()

    def load(self) -> Load:
        """What it did."""
        wall = (time.perf_counter() - self._wall) * (os.cpu_count() or 1)
        others = (_busy_seconds() - self._busy) - (time.process_time() - self._own)
        return Load(
            before=self._before,
            after=load_average(),
            other_processes=min(max(others / wall, 0.0), 1.0) if wall else None,
        )


def load_average() -> float | None:
    """Processes that ran or waited for a processor, on average over the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _busy_seconds() -> float:
    """Seconds in which the processors did something, since the machine started, summed over all of them."""
    times = psutil.cpu_times()._asdict()
    counted_twice = {"guest", "guest_nice"}  # they are within user and nice
    idle = {"idle", "iowait"}
    return float(sum(seconds for name, seconds in times.items() if name not in counted_twice | idle))


class Reading(NamedTuple):
    """What a card's driver told at one moment: None for what it does not tell."""

    clock_hz: int | None
    temperature_c: int | None
    throttled: frozenset[str]


class GpuWatch:
    """Asks the driver of a graphics card, now and then, how fast the card runs and why no faster.

    It asks nothing about another device, nor where nvidia-ml-py is not installed.
    """

    def __init__(self, device: torch.device) -> None:
        self._card = _query(lambda nvml: _handle(nvml, device)) if device.type == "cuda" else None
        self._readings: list[Reading] = []
        self._next = time.perf_counter()

    def look(self) -> None:
        """Ask, unless that was done a moment ago; to be called between samples."""
        if self._card and time.perf_counter() >= self._next:
            self._readings.append(_reading(self._card))
            self._next = time.perf_counter() + LOOK_S

    def gpu(self) -> Gpu | None:
        """What it told so far; None where there is nobody to ask."""
        if not self._card or not (driver := _query(_driver)):
            return None
        highest = _query(lambda nvml: nvml.nvmlDeviceGetMaxClockInfo(self._card, nvml.NVML_CLOCK_SM) * 10**6)
        return gpu_of(driver, highest, self._readings)


def gpu_of(driver: str, max_clock_hz: int | None, readings: Sequence[Reading]) -> Gpu:
    """Readings of a card, in one."""
    clocks = [reading.clock_hz for reading in readings if reading.clock_hz is not None]
    temperatures = [reading.temperature_c for reading in readings if reading.temperature_c is not None]
    reasons = Counter(reason for reading in readings for reason in reading.throttled)
    return Gpu(
        driver=driver,
        readings=len(readings),
        clock_hz=round(median(clocks)) if clocks else None,
        lowest_clock_hz=min(clocks, default=None),
        max_clock_hz=max_clock_hz,
        temperature_c=max(temperatures, default=None),
        throttled={reason: count / len(readings) for reason, count in sorted(reasons.items())},
    )


def _handle(nvml: Any, device: torch.device) -> Any:
    return nvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")


def _reading(card: Any) -> Reading:
    clock = _query(lambda nvml: nvml.nvmlDeviceGetClockInfo(card, nvml.NVML_CLOCK_SM) * 10**6)
    temperature = _query(lambda nvml: nvml.nvmlDeviceGetTemperature(card, nvml.NVML_TEMPERATURE_GPU))
    return Reading(clock, temperature, _query(lambda nvml: _throttled(nvml, card)) or frozenset())


def _throttled(nvml: Any, card: Any) -> frozenset[str]:
    reasons, prefix = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(card), "nvmlClocksThrottleReason"
    # None and idleness hold no clock down, and "All" is the mask of them all.
    names = (name for name in dir(nvml) if name.startswith(prefix) and not name.endswith(("None", "All", "GpuIdle")))
    return frozenset(name.removeprefix(prefix) for name in names if reasons & getattr(nvml, name))


def _driver(nvml: Any) -> str:
    version = nvml.nvmlSystemGetDriverVersion()
    return version if isinstance(version, str) else str(version.decode())


@cache
def _nvml() -> Any:
    """NVIDIA's library, ready to be asked; None where it is not installed, or finds no driver."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def _query(ask: Callable[[Any], T]) -> T | None:
    """What the driver answers; None where it does not."""
    if (nvml := _nvml()) is None:
        return None
    try:
        return ask(nvml)
    except nvml.NVMLError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
