from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
import torch

from archprof.builder.options import Options
from archprof.latency import hardware, memory_limits
from archprof.latency.clock import WallClock, overhead
from archprof.latency.hardware import Reading
from archprof.latency.memory_limits import is_out_of_memory, too_large
from archprof.pipeline import Request
from archprof.pipeline.counting import profile_spec
from archprof.pipeline.measuring import timed_model
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
            while not watch.load().other_processes:  # until the system's counters have seen it
                time.sleep(0.01)
        finally:
            other.kill()
    load = watch.load()
    assert load.other_processes is not None
    assert 0 < load.other_processes <= 1


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


SPEC = resolve("timm:resnet18")


def refused(batch: int) -> str | None:
    """Why ResNet-18 is not run at a batch."""
    options = Options(batch=batch)
    return too_large(timed_model(Request(SPEC, options), profile_spec(SPEC, options)))


def largest_of(reason: str | None) -> int:
    assert reason is not None
    return int(reason.rpartition(" ")[2])


def test_a_batch_that_cannot_fit_is_refused_with_the_largest_that_should() -> None:
    assert refused(1) is None
    reason = refused(10**9)
    assert reason is not None
    assert reason.startswith("a batch of 1000000000 does not fit on cpu: by a batch of ")
    largest = largest_of(reason)
    # What is free, and what a batch takes, are measured anew each time.
    assert refused(largest // 3) is None


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets this process have so many bytes more than it has."""

    def limit(more: int) -> None:
        (tmp_path / "memory.max").write_text(f"{psutil.Process().memory_info().rss + more}\n")

    monkeypatch.setattr(memory_limits, "CONTAINER_LIMITS", (tmp_path / "memory.max", tmp_path / "none"))
    return limit


def test_the_largest_batch_that_should_fit_does(container: Callable[[int], None], peak_kib: str) -> None:
    free = 600_000_000
    container(free)
    largest = largest_of(refused(10_000))
    used = memory_of(largest, peak_kib)

    # ResNet-18 has 46.8 MB of weights, and at 224×224 an image's tensors take 2 · 64 · 112² · 4 B = 6.4 MB at once, so
    # that no more than (600 - 46.8) / 6.4 = 86 images fit; kernels take a few times as much.
    assert 10 <= largest <= 86
    assert used <= 1.25 * free


def memory_of(batch: int, peak_kib: str) -> int:
    """The memory that a process of its own takes to build and run ResNet-18, over what it has after a single image."""
    run = f"""
import psutil, torch
from archprof.builder.options import Options
from archprof.pipeline.counting import prepare
from archprof.sources.reference import resolve

def run(batch):
    built, inputs = prepare(resolve("timm:resnet18"), Options(batch=batch, device="cpu"))
    with torch.inference_mode():
        built.module(*inputs)

run(1)
before = psutil.Process().memory_info().rss
run({batch})
print({peak_kib} * 1024 - before)
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", run], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_where_nothing_can_be_measured_tensors_alone_say_what_fits(
    container: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory_limits, "_PEAK_RESET", tmp_path / "none")
    refused(1)  # what the first model of a process imports is no part of what a batch takes
    container(600_000_000)
    reason = refused(10_000)

    assert reason is not None
    assert "by its tensors alone it takes" in reason
    assert "the largest that could is" in reason
    # 600 MB less 46.8 MB of weights hold 78 times the peak of 6.4 MB and an image of 0.6 MB; and what else it took.
    assert 72 <= largest_of(reason) <= 84
    assert refused(60) is None


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of a process")
def test_a_process_s_own_limit_is_what_is_free() -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 600_000_000, before[1]))
    try:
        reason = refused(10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)

    assert 0 < largest_of(reason) <= 90


def test_a_container_without_a_limit_has_what_the_system_has(container: Callable[[int], None], tmp_path: Path) -> None:
    container(10_000_000)
    assert refused(1) is not None
    (tmp_path / "memory.max").write_text("max\n")
    assert refused(1) is None


def test_what_says_that_memory_has_run_out() -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
