"""On a graphics card; skipped, visibly, where there is none."""

from __future__ import annotations

from statistics import median
from typing import Any

import pytest
import torch

from archprof.builder.options import Options
from archprof.latency.backends.interface import Settings
from archprof.latency.calibration_run import calibrate
from archprof.latency.calibration_store import this_device
from archprof.latency.clock import CudaClock, KernelClock, clocks_of
from archprof.latency.experiment import Protocol, bench
from archprof.latency.measure import choose_targets
from archprof.latency.op_breakdown import break_down
from archprof.latency.prediction import predict
from archprof.latency.sampler import Plan
from archprof.pipeline import Request
from archprof.pipeline.counting import profile_spec
from archprof.pipeline.measuring import timed_model
from archprof.sources.reference import resolve

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here"),
]
PLAN = Plan(min_time=0, max_time=0.5)


CARD = torch.device("cuda:0")


def measured(
    options: Options, settings: Settings, backends: list[str], *, flush: bool = True, reference: str = "timm:resnet18"
) -> list[Any]:
    spec = resolve(reference)
    targets = choose_targets(["cuda"], backends, options, settings)
    protocol = Protocol(settings=settings, plan=PLAN, flush=flush)
    (latencies,) = bench(
        [timed_model(Request(spec, options), profile_spec(spec, Options()))], targets, protocol
    ).latencies
    return list(latencies)


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(cuda_graph=True), Settings(channels_last=True, autocast="float16")]
)
@pytest.mark.parametrize("flush", [True, False])
def test_a_model_is_measured_on_the_card(settings: Settings, flush: bool) -> None:
    (one,) = measured(Options(size=(64, 64)), settings, ["eager"], flush=flush)

    assert one.error is None
    assert one.device == "cuda:0"
    assert one.device_name == torch.cuda.get_device_name(0)
    assert min(one.samples_s) > 0
    assert one.timer.name == "CUDA events"
    assert one.agreement is None or one.agreement.holds
    assert ("L2 cache left alone" in one.options) == (not flush)


def test_a_batch_that_does_not_fit_is_a_row_with_the_largest_that_does() -> None:
    (one,) = measured(Options(size=(1024, 1024), batch=100_000), Settings(), ["eager"])

    assert one.samples_s == []
    assert one.error.startswith("a batch of 100000 does not fit on cuda:0")
    assert 0 < int(one.error.rpartition(" ")[2]) < 100_000


def test_events_time_what_the_card_does() -> None:
    clock = CudaClock(CARD, flush=True)
    matrix = torch.rand(4096, 4096, device=CARD)
    matrix @ matrix

    one, four = clock.time(lambda: matrix @ matrix), clock.time(lambda: [matrix @ matrix for _ in range(4)])

    assert 0 < one < four


def test_a_kernel_by_itself_does_not_wait_for_the_processor() -> None:
    small = torch.rand(8, device=CARD)
    waiting, held = CudaClock(CARD, flush=False), KernelClock(CARD)

    def slow_to_call() -> None:
        for _ in range(20):
            small.add_(1)

    slow_to_call()
    # Twenty calls take the processor longer than the card, which held until then runs them one after another.
    assert median(held.time(slow_to_call) for _ in range(9)) < median(waiting.time(slow_to_call) for _ in range(9))


def test_the_driver_is_asked_while_the_card_is_sampled() -> None:
    (one,) = measured(Options(size=(64, 64)), Settings(), ["eager"])

    assert one.gpu.driver
    assert one.gpu.readings >= 2
    assert 0 < one.gpu.lowest_clock_hz <= one.gpu.clock_hz <= one.gpu.max_clock_hz
    assert 0 < one.gpu.temperature_c < 120


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_card_is_calibrated_and_what_it_takes_is_predicted(dtype: str) -> None:
    device = this_device(dtype, "cuda:0")
    calibration = calibrate(device, CARD, clocks_of(CARD), 20.0, default_threads=1)
    profile = profile_spec(resolve("timm:resnet50"), Options(dtype=dtype, batch=32))
    (one,) = measured(Options(dtype=dtype, batch=32), Settings(), ["eager"], reference="timm:resnet50")
    said = predict(profile, calibration)

    assert device.name == torch.cuda.get_device_name(0)
    assert calibration.rounds >= 1
    assert all(grid.call_s > 0 for grid in calibration.grids)
    assert all(0.5 < ratio < 2 for ratio in calibration.networks), calibration.networks
    assert said.fresh_memory_s == 0
    assert 0.5 < said.seconds / one.median_s < 2, (said, one.median_s)


def test_the_time_of_rows_is_that_of_their_kernels() -> None:
    options = Options(size=(320, 320), batch=8)
    spec = resolve("yolo11n.yaml")
    found = break_down(timed_model(Request(spec, options), profile_spec(spec, options)), Settings(), "cuda:0")

    assert found.events == 0
    assert found.sum_s == pytest.approx(found.whole_s, rel=0.05)
    assert 0 < sum(part.seconds for part in found.parts) <= 1.05 * found.whole_s
    assert sum(part.seconds for part in found.parts) == pytest.approx(sum(part.seconds for part in found.operations))
