"""Figures of what was timed: shares of rows, and ParameterNet's ratios of latency."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec
import pytest

from archprof.cli.plot import choose
from archprof.records.benchmark import Benchmark
from archprof.records.breakdown import Breakdown, Part
from archprof.records.calibration import Device
from archprof.records.dynamic_report import DynamicReport
from archprof.records.latency import Latency
from archprof.records.parameternet import (
    DynamicLayer,
    Figures,
    MeasuredTotals,
    ModelTotals,
    ParameterNet,
    Ratio,
)
from archprof.records.prediction import Prediction
from archprof.render.figures import figures_of

if TYPE_CHECKING:
    from archprof.records.profile import Profile

RATIO = Ratio(paper=4.1, paper_approximation=4.0, as_built=4.0, measured=4.0)
TOTALS = MeasuredTotals(parameters=100, macs=1000, elementwise_flops=10, weight_bytes=400, activation_bytes=50,
                        bytes_read=600, bytes_written=200)  # fmt: skip
STATIC = msgspec.structs.replace(TOTALS, parameters=25, bytes_read=300, bytes_written=100)

# The plain layer: 2 × 1,000 FLOPs and 400 B; the dynamic one: 2 × 1,100 FLOPs and 1,600 B.
LAYER = DynamicLayer(
    module="model.1.conv", type="DynamicConv", kind="convolution", in_channels=4, out_channels=4, kernel=[1, 1],
    groups=1, stride=[1, 1], output_size=[4, 4], batch=1, experts=4,
    parameters=Figures(static=25, as_built=100, measured=100), macs=Figures(static=1000, as_built=1100, measured=1100),
    parameters_ratio=RATIO, flops_ratio=RATIO, mixing_bytes=1000, moved_bytes=1600, static_bytes=400,
)  # fmt: skip
ANALYSIS = ParameterNet(
    layers=[LAYER],
    model=ModelTotals(
        parameters=LAYER.parameters, macs=LAYER.macs, parameters_ratio=RATIO, flops_ratio=RATIO, dynamic=TOTALS,
        static=STATIC,
    ),
)  # fmt: skip


def prediction(seconds: float, flops_per_s: float, bytes_per_s: float) -> Prediction:
    return Prediction(
        device=Device(device="cpu", name="A processor", cpus=2, dtype="float32", torch="2.6.0"), threads=1,
        calibrated_at="2026-01-02T03:04:05+00:00", seconds=seconds, overhead_s=0.0, computing_s=seconds, moving_s=0.0,
        fresh_memory_s=0.0, ridge=flops_per_s / bytes_per_s, peak_flops_per_s=flops_per_s,
        peak_bytes_per_s=bytes_per_s,
    )  # fmt: skip


def timed(profile: Profile, seconds: tuple[float, float], median_s: float, *, static: bool = False) -> Profile:
    """The profile with times of its first two rows, of which only the second is dynamic."""
    latency = Latency(device="cpu", device_name="A", backend="eager", dtype="float32", batch=1, threads=1,
                      scope="forward pass", samples_s=[median_s], median_s=median_s)  # fmt: skip
    parts = [
        Part(name=f"model.{index}", seconds=time, macs=macs, elementwise_flops=0, bytes=100)
        for index, (time, macs) in enumerate(zip(seconds, (300, 100), strict=True))
    ]
    breakdown = Breakdown(device="cpu", threads=1, passes=3, passes_used=2, whole_s=median_s, parts=parts,
                          operations=parts, between_s=0.0)  # fmt: skip
    return msgspec.structs.replace(
        profile,
        variant=msgspec.structs.replace(profile.variant, static=static),
        parameternet=None if static else ANALYSIS,
        latency=[latency],
        breakdowns=[breakdown],
    )


def test_time_stands_beside_flops(profile: Profile) -> None:
    (figure,) = figures_of([Benchmark(profiles=[timed(profile, (0.001, 0.003), 0.004)])], "shares")
    shares = {(bar["row"], bar["kind"]): bar["share"] for bar in figure.spec["data"]["values"]}
    # 1 and 3 of 4 ms; 300 and 100 of 400 MACs.
    assert shares == {(0, "time"): 0.25, (1, "time"): 0.75, (0, "FLOPs"): 0.75, (1, "FLOPs"): 0.25}
    assert figure.text.startswith("1 A_block_with_a_very_long_name takes 75.0% of the time (3.00 ms) for 25.0%")
    assert "archprof bench tiny-variant.yaml --scale n" in figure.command
    assert "--layers -o bench.json" in figure.command


@pytest.mark.parametrize(
    ("flops_per_s", "bytes_per_s", "expected"),
    [
        (1e9, 1e12, 1.1),  # arithmetic limits both: 1,100 / 1,000 MACs
        (1e12, 1e9, 4.0),  # memory limits both: 1,600 / 400 B
        (1e9, 2.5e8, 3.2),  # the plain layer takes 2 µs for its arithmetic, the dynamic one 6.4 µs for its memory
    ],
)
def test_a_layer_s_latency_is_predicted_by_the_roofline(
    profile: Profile, flops_per_s: float, bytes_per_s: float, expected: float
) -> None:
    dynamic, static = (prediction(seconds, flops_per_s, bytes_per_s) for seconds in (0.006, 0.004))
    result = msgspec.structs.replace(
        DynamicReport.of(msgspec.structs.replace(profile, parameternet=ANALYSIS, prediction=dynamic)),
        static_prediction=static,
    )
    (figure,) = figures_of([DynamicReport.from_json(result.to_json())], "ratios")
    ratios = {(p["layer"], p["quantity"], p["kind"]): p["ratio"] for p in figure.spec["data"]["values"]}
    assert ratios["model.1.conv", "latency", "predicted"] == pytest.approx(expected)
    assert ratios["model.1.conv", "memory traffic", "measured"] == 4.0
    assert ratios["model.1.conv", "parameters", "predicted"] == 4.1
    assert ratios["the whole model", "latency", "predicted"] == pytest.approx(1.5)  # 6 / 4 ms
    assert ratios["the whole model", "memory traffic", "measured"] == 2.0  # 800 / 400 B


def test_one_of_several_figures_is_drawn_again_by_its_title(profile: Profile) -> None:
    models = [timed(profile, (0.001, 0.003), 0.004, static=static) for static in (False, True)]
    for kind in ("shares", "roofline"):
        figures = figures_of([Benchmark(profiles=models)], kind)
        assert len({figure.title for figure in figures}) == 2
        for figure in figures:
            plot = shlex.split(figure.command.splitlines()[-1])
            assert plot[:4] == ["archprof", "plot", kind, "bench.json"]
            assert choose(figures, plot[plot.index("--select") + 1]) is figure


def test_rows_with_dynamic_layers_are_timed_against_the_static_equivalent(profile: Profile) -> None:
    dynamic = timed(profile, (0.001, 0.006), 0.008)
    static = timed(profile, (0.001, 0.002), 0.004, static=True)
    (figure,) = figures_of([Benchmark(profiles=[dynamic, static])], "ratios")
    latencies = {
        point["layer"]: point["ratio"] for point in figure.spec["data"]["values"] if point["quantity"] == "latency"
    }
    # 8 / 4 ms, and 6 / 2 ms of row 1; row 0 has no dynamic layer.
    assert latencies == {"the whole model": 2.0, "row 1 A_block_with_a_very_long_name": pytest.approx(3.0)}
    assert "tiny-variant.yaml tiny-variant.yaml" in figure.command
    assert "--static" in figure.command
