"""On a graphics card; skipped, visibly, where there is none."""

from __future__ import annotations

import pytest
import torch

from archprof.batch import Task
from archprof.latency.backends.interface import Settings
from archprof.latency.bench import Protocol, bench
from archprof.latency.clock import CudaClock
from archprof.latency.measure import choose_targets
from archprof.latency.sampler import Plan
from archprof.options import Options
from archprof.profiling import profile_spec
from archprof.variant.reference import resolve

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA here"),
]
PLAN = Plan(min_time=0, max_time=0.5)


def measured(options: Options, settings: Settings, backends: list[str], *, flush: bool = True) -> list[object]:
    spec = resolve("timm:resnet18")
    targets = choose_targets(["cuda"], backends, options, settings)
    protocol = Protocol(settings=settings, plan=PLAN, flush=flush)
    (latencies,) = bench([Task(spec, options)], [profile_spec(spec, Options())], targets, protocol).latencies
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
    clock = CudaClock(torch.device("cuda:0"), flush=True)
    matrix = torch.rand(4096, 4096, device="cuda")
    matrix @ matrix

    one, four = clock.time(lambda: matrix @ matrix), clock.time(lambda: [matrix @ matrix for _ in range(4)])

    assert 0 < one < four
