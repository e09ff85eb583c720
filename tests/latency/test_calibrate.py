"""Measuring, by a clock that gives every reading the same time, so that rates are known."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import pytest
import torch

from archprof.latency import work
from archprof.latency.calibrate import calibrate
from archprof.latency.calibrations import this_device
from archprof.latency.probes import POOL, PROBES, Operands, Probe
from archprof.latency.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.latency.calibration import Calibration

READING = 1e-3


class EvenClock:
    """Every call takes a millisecond, whatever it is."""

    name, least_s = "even", 0.0

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> float:
        return self.passed

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        call()
        self.passed += READING
        return READING


def measured(max_time: float = 0.001, probes: tuple[Probe, ...] = PROBES[2:3]) -> Calibration:
    few = tuple(Probe(one.kind, one.axes, tuple(axis[:2] for axis in one.ticks), one.make) for one in probes)
    clock, device = EvenClock(), this_device("float32")
    return calibrate(device, clock, max_time, probes=few, networks=[network], default_threads=4)


def network() -> tuple[torch.nn.Module, torch.Tensor]:
    return torch.nn.Conv2d(4, 16, 3), torch.zeros(1, 4, 9, 9)


@pytest.fixture(scope="module")
def take() -> Operands:
    return Operands(torch.float32)


def test_rates_are_work_over_time() -> None:
    calibration = measured()

    (grid,) = calibration.grids
    # A loop takes as long as nothing here, so that an operation takes the least there is, a nanosecond: all of the
    # reading is the kernel's.
    assert grid.kind == "3×3 convolution"
    assert grid.ticks == [[4, 16], [16, 64], [1], [9], [49, 400]]
    assert grid.rates[0] == pytest.approx(4 * 16 * 9 * 49 / READING, rel=1e-5)
    assert grid.rates[-1] == pytest.approx(16 * 64 * 9 * 400 / READING, rel=1e-5)
    # Reading a half and writing the other.
    assert calibration.memory.rates == [pytest.approx(size / READING, rel=1e-5) for size in calibration.memory.ticks[0]]
    assert calibration.default_threads == 4
    assert calibration.threads == torch.get_num_threads()


def test_rounds_go_on_until_the_time_is_up_and_everything_is_measured_once() -> None:
    # A round has 6 readings of overheads, 3 of the network, 3 of each of the 7 sizes below a million MACs and one of an
    # eighth, 3 of each of the 2 smallest working sets and one of the 3 others: 6 + 3 + 22 + 9 = 40. The second is cut
    # short after its third part, at 40 + 6 + 3 + 22 = 71 readings, or is done at 80.
    assert measured(READING).rounds == 1
    assert measured(71 * READING).rounds == 1
    assert measured(72 * READING).rounds == 2


def test_nothing_is_left_changed() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    measured()

    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert not torch.is_inference_mode_enabled()


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.kind)
def test_every_probe_runs_at_its_smallest_size(probe: Probe, take: Operands) -> None:
    run = probe.make(take, *(axis[0] for axis in probe.ticks))
    take.touch()

    with torch.inference_mode():
        assert isinstance(run(), torch.Tensor)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.kind)
def test_what_is_run_is_what_the_trace_calls_by_that_name(probe: Probe, take: Operands) -> None:
    from archprof.count.ledger import count
    from archprof.count.memory import measure
    from archprof.trace.run import trace_values

    sizes = tuple(axis[min(1, len(axis) - 1)] for axis in probe.ticks)
    run = probe.make(take, *sizes)

    class Model(torch.nn.Module):
        def forward(self) -> Any:
            return run()

    trace = trace_values(Model(), ())
    found = [one for one in work.works(count(trace), measure(trace).traffic) if one.kind == probe.kind]

    assert [(one.calls, prod(one.sizes)) for one in found] == [(1, pytest.approx(prod(sizes), rel=0.02))], found
    assert all(isinstance(one, Work) for one in found)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.kind)
def test_what_is_too_much_is_measured_on_less(probe: Probe) -> None:
    for sizes in probe.sizes():
        run = probe.within(sizes)
        assert prod(run) <= probe.limit
        assert all(less <= more and less in axis for less, more, axis in zip(run, sizes, probe.ticks, strict=True))
        assert (run == sizes) == (prod(sizes) <= probe.limit)


def test_operands_come_from_different_places_and_fit(take: Operands) -> None:
    first, second = take.cold(100), take.cold(100)
    whole = take.cold(POOL)

    assert first.data_ptr() != second.data_ptr()
    assert whole.numel() == POOL
