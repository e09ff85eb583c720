"""The computer that something was measured on, what else it did meanwhile, and the state of its graphics card."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil
import torch

from archprof.latency.processor import available_cpus, cpu_name
from archprof.latency.report import Gpu, Load, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def machine() -> Machine:
    """This computer. What the system does not tell is None."""
    return Machine(
        cpu=cpu_name(),
        cpus=available_cpus(),
        memory_bytes=psutil.virtual_memory().total,
        governor=_read(GOVERNOR),
        torch_build=_torch_build(),
        driver=_nvml(_driver),
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
    built_with = [name for name, there in libraries.items() if there]
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
            others=min(max(others / wall, 0.0), 1.0) if wall else None,
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


def gpu_state(device: torch.device) -> Gpu | None:
    """The state of a card, None for another device or where nvidia-ml-py is not installed."""
    return _nvml(lambda: _state(device)) if device.type == "cuda" else None


def _state(device: torch.device) -> Gpu:
    import pynvml

    uuid = torch.cuda.get_device_properties(device).uuid
    handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    reasons = pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
    prefix = "nvmlClocksThrottleReason"
    # None and idleness hold no clock down, and "All" is the mask of them all.
    names = {
        name.removeprefix(prefix): getattr(pynvml, name)
        for name in dir(pynvml)
        if name.startswith(prefix) and not name.endswith(("None", "All", "GpuIdle"))
    }
    return Gpu(
        driver=_driver(),
        clock_hz=pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM) * 10**6,
        max_clock_hz=pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM) * 10**6,
        temperature_c=pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
        throttled=sorted(name for name, bit in names.items() if reasons & bit),
    )


def _driver() -> str:
    import pynvml

    version = pynvml.nvmlSystemGetDriverVersion()
    return version if isinstance(version, str) else version.decode()


def _nvml(ask: Callable[[], T]) -> T | None:
    """What the driver answers, or None where it is not there or does not answer."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        try:
            return ask()
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None
