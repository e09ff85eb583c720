from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
import torch

from archprof.latency import fit, hardware
from archprof.latency.clock import WallClock, overhead
from archprof.latency.fit import is_out_of_memory, too_large
from archprof.latency.hardware import Reading
from archprof.options import Options
from archprof.profiling import profile_spec
from archprof.variant.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.profiles import Profile


def test_the_machine_is_told() -> None:
    machine = hardware.machine()

    assert machine.cpu
    assert machine.cpus >= 1
    assert machine.memory_bytes is None or machine.memory_bytes > 10**8
    assert machine.torch_build.startswith(f"torch {torch.__version__}, ")
    assert hardware.device_name(torch.device("cpu")) == machine.cpu


def test_the_load_of_others_leaves_out_ones_own() -> None:
    watch = hardware.LoadWatch()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            while not watch.load().others:  # until the system's counters have seen it
                time.sleep(0.01)
        finally:
            other.kill()
    load = watch.load()
    assert load.others is not None
    assert 0 < load.others <= 1


def test_a_clock_tells_what_it_takes_itself() -> None:
    clock = WallClock()
    timer = overhead(clock)

    assert timer.name == "perf_counter_ns"
    assert timer.overhead_s > 0
    calls: list[int] = []
    assert clock.time(lambda: calls.append(1), 7) > 0
    assert len(calls) == 7


def test_a_card_s_readings_are_one_state() -> None:
    readings = [
        Reading(1_980_000_000, 50, frozenset()),
        Reading(1_200_000_000, 71, frozenset({"SwPowerCap", "HwThermalSlowdown"})),
        Reading(None, None, frozenset()),
        Reading(1_500_000_000, 64, frozenset({"SwPowerCap"})),
    ]

    gpu = hardware.gpu_of("580.1", 1_980_000_000, readings)

    assert (gpu.driver, gpu.readings, gpu.max_clock_hz) == ("580.1", 4, 1_980_000_000)
    assert (gpu.clock_hz, gpu.lowest_clock_hz, gpu.temperature_c) == (1_500_000_000, 1_200_000_000, 71)
    assert gpu.throttled == {"HwThermalSlowdown": 1 / 4, "SwPowerCap": 2 / 4}
    silent = hardware.gpu_of("580.1", None, [])
    assert (silent.readings, silent.clock_hz, silent.temperature_c, silent.throttled) == (0, None, None, {})


def test_of_a_processor_no_card_is_asked() -> None:
    watch = hardware.GpuWatch(torch.device("cpu"))
    watch.look()

    assert watch.gpu() is None


def profiled(batch: int) -> Profile:
    return profile_spec(resolve("timm:resnet18"), Options(batch=batch))


def test_a_batch_that_cannot_fit_is_refused_with_the_largest_that_does() -> None:
    assert too_large(profiled(1)) is None
    reason = too_large(profiled(10**9))
    assert reason is not None
    assert reason.startswith("a batch of 1000000000 does not fit on cpu: weights and activations take ")
    assert "worked out" in reason
    largest = int(reason.rpartition(" ")[2])
    assert too_large(profiled(largest // 2)) is None
    assert too_large(profiled(largest * 2)) is not None


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of a process")
def test_a_process_s_own_limit_is_what_is_free() -> None:
    import resource

    # Of ResNet-18 some megabytes an image are held at once.
    profile = profiled(100)
    needed = profile.totals.weight_bytes + profile.totals.peak_activation_bytes
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + needed // 2, before[1]))
    try:
        reason = too_large(profile)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)

    assert reason is not None
    assert 0 < int(reason.rpartition(" ")[2]) <= 50


def test_a_container_s_limit_is_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profiled(100)
    needed = profile.totals.weight_bytes + profile.totals.peak_activation_bytes
    (tmp_path / "memory.max").write_text(f"{psutil.Process().memory_info().rss + needed // 2}\n")
    monkeypatch.setattr(fit, "CONTAINER_LIMITS", (tmp_path / "memory.max", tmp_path / "none"))

    reason = too_large(profile)

    assert reason is not None
    assert 0 < int(reason.rpartition(" ")[2]) <= 50
    (tmp_path / "memory.max").write_text("max\n")
    assert too_large(profiled(1)) is None


def test_what_says_that_memory_has_run_out() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
