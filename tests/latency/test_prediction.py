"""The roofline by hand, on a device whose figures are round."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import onnx
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import archprof
from archprof.latency.prediction import predict, reason_for_none, time_of
from archprof.records.calibration import Calibration, Device, Grid
from archprof.records.workload import Work

CALIBRATION = Calibration(
    device=Device(device="cpu", name="made up", cpus=2, dtype="float32", torch="2.0"),
    threads=2,
    default_threads=2,
    measured_at="2026-01-02T03:04:05+00:00",
    duration_s=1.0,
    rounds=3,
    grids=[],
    memory=Grid(kind="memory", axes=["bytes"], ticks=[[1]], rates=[1e9]),
    fresh_memory=None,
    operation_s=0.0,
    view_s=0.0,
    module_s=0.0,
    in_sequence=1.0,
)


def test_an_operation_takes_its_overhead_and_the_longer_of_its_two_limits(round_figures: Calibration) -> None:
    # 8 * 4 * 1 * 9 * 100 = 28,800 MACs at 1e9 a second: 28.8 µs. 4,000 bytes at 1e9 a second: 4 µs.
    computing = Work(kind="3×3 convolution", sizes=[8, 4, 1, 9, 100], bytes=4_000, calls=1)
    # The same work on 90,000 bytes, which take 90 µs.
    moving = msgspec.structs.replace(computing, bytes=90_000)

    assert time_of(computing, round_figures) == pytest.approx((5e-6, 28.8e-6, 4e-6))
    assert time_of(computing, round_figures).whole == pytest.approx(33.8e-6)
    assert time_of(moving, round_figures).whole == pytest.approx(95e-6)


def test_a_view_takes_what_a_view_takes(round_figures: Calibration) -> None:
    assert time_of(Work(kind="nothing", sizes=[], bytes=0, calls=7), round_figures) == (1e-6, 0, 0)


def test_kernels_take_longer_in_a_network_and_overheads_are_of_one_already(round_figures: Calibration) -> None:
    slower = msgspec.structs.replace(round_figures, in_sequence=1.5)
    work = Work(kind="3×3 convolution", sizes=[8, 4, 1, 9, 100], bytes=4_000, calls=1)

    assert time_of(work, slower) == pytest.approx((5e-6, 43.2e-6, 6e-6))


def test_a_network_is_the_sum_of_its_operations(round_figures: Calibration) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3, padding=1, bias=False), torch.nn.Flatten()).eval()
    prediction = predict(archprof.profile(model, torch.zeros(1, 4, 10, 10)), round_figures)

    assert prediction is not None
    # One convolution of 8 * 4 * 9 * 100 MACs at 1e9 a second, one view, three calls of modules at 2 µs.
    assert prediction.computing_s == pytest.approx(28.8e-6)
    assert prediction.moving_s == 0
    assert prediction.overhead_s == pytest.approx(5e-6 + 1e-6 + 3 * 2e-6)
    # The result takes 4 * 800 bytes, had anew at 1e8 a second; the input is there already.
    assert prediction.fresh_memory_s == pytest.approx(32e-6)
    assert prediction.seconds == pytest.approx(28.8e-6 + 12e-6 + 32e-6)
    assert prediction.by_bytes == {}


def test_the_interval_is_as_wide_as_the_largest_error_of_a_held_out_model(round_figures: Calibration) -> None:
    # One took half as long again as predicted, one four fifths: of errors like these, three with the next model's own,
    # each is as likely to be the largest, so two of three models lie within 1.5 times.
    calibration = msgspec.structs.replace(round_figures, held_out={"a": 1.5, "b": 0.8})
    profile = archprof.profile(torch.nn.Linear(4, 4), torch.zeros(1, 4))
    prediction, without = predict(profile, calibration), predict(profile, round_figures)

    assert prediction is not None
    assert prediction.coverage == pytest.approx(2 / 3)
    assert prediction.interval_s == pytest.approx((prediction.seconds / 1.5, prediction.seconds * 1.5))
    # A model that took two fifths of the time is further off than one that took twice of it.
    faster = msgspec.structs.replace(round_figures, held_out={"a": 2.0, "b": 0.4})
    assert faster.error == pytest.approx(2.5)
    assert without is not None
    assert (without.interval_s, without.coverage) == (None, None)


@given(st.lists(st.floats(-1, 1), min_size=10, max_size=10, unique=True))
def test_of_ten_models_nine_lie_in_the_interval_that_the_others_give(logarithms: list[float]) -> None:
    # Whichever of the ten is left out: only the one with the largest error is beyond what the nine others allow.
    ratios = [math.exp(logarithm) for logarithm in logarithms]
    assume(len({max(ratio, 1 / ratio) for ratio in ratios}) == len(ratios))
    held = 0
    for index, ratio in enumerate(ratios):
        others = {str(other): value for other, value in enumerate(ratios) if other != index}
        error = msgspec.structs.replace(CALIBRATION, held_out=others).error
        held += 1 / error <= ratio <= error
    assert held == 9


@pytest.fixture
def card(round_figures: Calibration) -> Calibration:
    """The same figures of a card, whose convolutions take the processor 10 µs to call."""
    (grid,) = round_figures.grids
    return msgspec.structs.replace(
        round_figures,
        device=msgspec.structs.replace(round_figures.device, device="cuda"),
        threads=None,
        default_threads=None,
        fresh_memory=None,
        grids=[msgspec.structs.replace(grid, call_s=10e-6)],
    )


@pytest.mark.parametrize(
    ("side", "waiting"),
    [
        # 8 * 4 * 9 * 100 MACs at 1e9 a second are 28.8 µs. The processor takes 10 µs for the convolution, 1 µs for the
        # view, and 2 µs for each of three modules: 17 µs, which are over before the card is ready.
        (10, 0.0),
        # A quarter of the places: 7.2 µs, and the card waits for the rest of the 17.
        (5, 9.8e-6),
    ],
)
def test_a_card_waits_only_for_what_the_processor_takes_longer(card: Calibration, side: int, waiting: float) -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3, padding=1, bias=False), torch.nn.Flatten()).eval()
    prediction = predict(archprof.profile(model, torch.zeros(1, 4, side, side)), card)

    assert prediction is not None
    assert prediction.threads is None
    assert prediction.computing_s == pytest.approx(8 * 4 * 9 * side * side / 1e9)
    assert prediction.overhead_s == pytest.approx(waiting)
    assert prediction.fresh_memory_s == 0
    assert prediction.seconds == pytest.approx(max(28.8e-6 * side * side / 100, 17e-6))


def test_what_has_no_grid_goes_by_its_bytes_and_is_named(round_figures: Calibration) -> None:
    class Cumulative(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values.cumsum(0)

    prediction = predict(archprof.profile(Cumulative(), torch.zeros(1000)), round_figures)

    assert prediction is not None
    assert prediction.by_bytes == {"cumsum": 1}
    # 4,000 bytes read and as many written, at 1e9 a second.
    assert prediction.moving_s == pytest.approx(8e-6)


def test_there_is_no_prediction_of_training_or_of_another_type(round_figures: Calibration) -> None:
    model = torch.nn.Linear(4, 4)

    assert predict(archprof.profile(model, torch.zeros(1, 4), backward=True), round_figures) is None
    assert predict(archprof.profile(model.double(), torch.zeros(1, 4).double()), round_figures) is None


def test_an_onnx_file_has_no_prediction_and_says_what_measures_it(round_figures: Calibration) -> None:
    file = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / "light_bvlc_alexnet.onnx"
    profile = archprof.profile(str(file))
    assert predict(profile, round_figures) is None
    reason = reason_for_none(profile, round_figures)
    assert reason is not None
    assert reason.endswith("not those of an ONNX file; `archprof bench` measures it")


def test_a_prediction_is_saved_with_the_profile(round_figures: Calibration) -> None:
    profile = archprof.profile(torch.nn.Linear(4, 4), torch.zeros(1, 4))
    profile = msgspec.structs.replace(profile, prediction=predict(profile, round_figures))

    assert profile.prediction is not None
    assert archprof.Profile.from_json(profile.to_json()).prediction == profile.prediction


def test_the_static_twin_is_predicted_beside_a_dynamic_model(round_figures: Calibration) -> None:
    class Dynamic(torch.nn.Module):
        """Two kernels of 4×4×3×3 that a router weighs."""

        def __init__(self) -> None:
            super().__init__()
            self.bank = torch.nn.Parameter(torch.zeros(2, 4 * 4 * 9))
            self.router = torch.nn.Linear(4, 2)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            weights = self.router(image.mean((2, 3))).softmax(1)
            return torch.nn.functional.conv2d(image, (weights @ self.bank).view(4, 4, 3, 3), padding=1)

    profile = archprof.profile(torch.nn.Sequential(Dynamic()), torch.zeros(1, 4, 10, 10))
    prediction = predict(profile, round_figures)

    assert profile.parameternet is not None
    assert prediction is not None
    # The twin: one convolution of 4 * 4 * 9 * 100 MACs at 1e9 a second, 5 µs before it, two calls of modules at 2 µs,
    # and the result's 4 * 400 bytes anew at 1e8 a second.
    assert prediction.static_s == pytest.approx(14.4e-6 + 5e-6 + 4e-6 + 16e-6)
    assert prediction.static_s < prediction.seconds
