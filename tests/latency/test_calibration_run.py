"""Measuring, by a clock that gives every reading the same time, so that rates are known."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import torch

from archprof.count import workload
from archprof.latency.calibration_run import calibrate
from archprof.latency.calibration_store import this_device
from archprof.latency.clock import Clocks
from archprof.latency.held_out import HELD_OUT
from archprof.latency.networks import NETWORKS
from archprof.latency.probes import CARD_MEMORY, CARD_POOL, MEMORY, POOL, PROBES, Operands, Probe
from archprof.records.workload import Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.records.calibration import Calibration

READING = 2.0**-10
CPU = torch.device("cpu")


class EvenClock:
    """Every call takes as long, whatever it is."""

    name, least_s = "even", 0.0

    def __init__(self, reading: float = READING) -> None:
        self.passed, self.reading = 0.0, reading

    def now(self) -> float:
        return self.passed

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        call()
        self.passed += self.reading
        return self.reading


def measured(max_time: float = 40 * READING, probes: tuple[Probe, ...] = PROBES[2:3]) -> Calibration:
    few = tuple(Probe(one.kind, one.axes, tuple(axis[:2] for axis in one.ticks), one.make) for one in probes)
    return calibrate(
        this_device("float32"),
        CPU,
        Clocks.of_one(EvenClock()),
        max_time,
        probes=few,
        networks=[network],
        held_out={},
        default_threads=4,
    )


def network() -> tuple[torch.nn.Module, torch.Tensor]:
    return torch.nn.Conv2d(4, 16, 3), torch.zeros(1, 4, 9, 9)


@pytest.fixture(scope="module")
def take() -> Operands:
    return Operands(torch.float32, CPU)


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


@pytest.mark.parametrize(("readings", "rounds"), [(2, 0), (31, 0), (32, 1), (40, 1), (79, 1), (80, 2)])
def test_rounds_go_on_until_the_time_is_up(readings: int, rounds: int) -> None:
    # A round has 6 readings of overheads, 3 of the network, 3 of each of the 2 smallest working sets and one of the 3
    # others, and 3 of the least of the 8 sizes, which are taken in any case: 6 + 3 + 9 + 3 = 21. Then 3 of each of the
    # 6 other sizes below a million MACs, 39, and one of an eighth: 40 in all. The eighth of the first round is begun
    # before the end of a quarter longer: 1.25 · 31 = 38.75, 1.25 · 32 = 40. A second one is over at 80, its
    # eighth begun at 79.
    assert measured(readings * READING).rounds == rounds


def test_what_was_not_reached_has_the_rate_of_less() -> None:
    calibration = measured(READING)

    # 4·16·9·49 MACs are the least.
    assert calibration.grids[0].rates == [pytest.approx(4 * 16 * 9 * 49 / READING, rel=1e-5)] * 8
    assert calibration.memory.rates == [pytest.approx(size / READING, rel=1e-5) for size in calibration.memory.ticks[0]]


def test_a_slow_device_is_spared_what_would_take_too_long() -> None:
    # Each reading takes a second, so one is enough, and whatever is more work than the least would take longer.
    clock = EvenClock(1.0)
    few = Probe(PROBES[2].kind, PROBES[2].axes, tuple(axis[:2] for axis in PROBES[2].ticks), PROBES[2].make)
    calibration = calibrate(
        this_device("float32"),
        CPU,
        Clocks.of_one(clock),
        1.0,
        probes=[few],
        networks=[network],
        held_out={},
        default_threads=4,
    )

    # 6 readings of overheads, one of the network, the 5 working sets and the least size.
    assert calibration.duration_s == 6 + 1 + 5 + 1
    assert calibration.rounds == 0


class CallClock(EvenClock):
    """A loop of nothing takes one reading, whatever computes something three."""

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        self.passed += self.reading
        return self.reading * (1 if call() is None else 3)


def test_of_a_card_kernels_and_their_calls_are_measured_apart() -> None:
    # What is done on a card, done on the processor: a kernel takes 2^-10 s by a clock that reads as much of nothing,
    # the call of an operation 3 - 1 times 2^-20 s, and a network 2^-8 s.
    clocks = Clocks(EvenClock(READING), CallClock(2.0**-20), EvenClock(2.0**-8))
    device = msgspec.structs.replace(this_device("float32"), device="cuda", host="a processor")
    few = Probe(PROBES[2].kind, PROBES[2].axes, tuple(axis[:1] for axis in PROBES[2].ticks), PROBES[2].make)
    calibration = calibrate(
        device, CPU, clocks, 2.0**-16, probes=[few], networks=[network], held_out={}, default_threads=4
    )

    (grid,) = calibration.grids
    # All of the reading is the clock's own, so that a tenth of it is taken for the kernel.
    assert grid.rates == [pytest.approx(4 * 16 * 9 * 49 / (READING / 10))]
    # The network's 2^-8 s are more than its kernels take, so that it waits for the processor, whose calls are stretched
    # until they last as long.
    assert calibration.networks == [pytest.approx(1.0)]
    assert grid.call_s == pytest.approx(calibration.operation_s)
    assert calibration.operation_s == calibration.view_s == calibration.module_s
    assert (calibration.threads, calibration.default_threads, calibration.fresh_memory) == (None, None, None)


def test_models_that_nothing_is_fitted_to_say_how_far_predictions_are_off() -> None:
    def twice() -> tuple[torch.nn.Module, torch.Tensor]:
        """The network that is fitted to, two times over."""
        first, image = network()
        return torch.nn.Sequential(first, torch.nn.ZeroPad2d(1), torch.nn.Conv2d(16, 4, 3)), image

    few = Probe(PROBES[2].kind, PROBES[2].axes, tuple(axis[:1] for axis in PROBES[2].ticks), PROBES[2].make)
    calibration, alone = (
        calibrate(
            this_device("float32"), CPU, Clocks.of_one(EvenClock()), 40 * READING, probes=[few], networks=[network],
            held_out=held_out, default_threads=4,
        )
        for held_out in ({"the same": network, "twice": twice}, {})
    )  # fmt: skip

    # Everything takes one reading: the network that is fitted to, and so any that does the same. What does more takes
    # the reading, too, and is predicted to take longer.
    (fitted,) = calibration.networks
    assert calibration.held_out["the same"] == pytest.approx(1 / fitted)
    assert calibration.held_out["twice"] < calibration.held_out["the same"]
    assert calibration.coverage == pytest.approx(2 / 3)
    # They change nothing that is predicted.
    assert (calibration.in_sequence, calibration.operation_s) == (alone.in_sequence, alone.operation_s)
    assert (alone.error, alone.coverage) == (None, None)


def test_of_a_slow_device_only_those_that_there_is_time_for_are_held_out() -> None:
    few = Probe(PROBES[2].kind, PROBES[2].axes, tuple(axis[:1] for axis in PROBES[2].ticks), PROBES[2].make)
    models = {str(number): network for number in range(9)}
    calibration = calibrate(
        this_device("float32"), CPU, Clocks.of_one(EvenClock(1.0)), 8.0, probes=[few], networks=[network],
        held_out=models, default_threads=4,
    )  # fmt: skip

    # A quarter of the time are two seconds, one for each model. Overheads, the network, the memory and the least size
    # take 6 + 1 + 5 + 1 seconds more, so there is no second round.
    assert list(calibration.held_out) == ["0", "1"]
    assert calibration.coverage == pytest.approx(2 / 3)


@pytest.mark.parametrize("reference", HELD_OUT)
def test_every_held_out_model_runs(reference: str) -> None:
    module, image = HELD_OUT[reference]()

    with torch.inference_mode():
        module(image)
    assert not module.training


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
    found = [one for one in workload.works(count(trace), measure(trace).traffic) if one.kind == probe.kind]

    assert [(one.calls, prod(one.sizes)) for one in found] == [(1, pytest.approx(prod(sizes), rel=0.02))], found
    assert all(isinstance(one, Work) for one in found)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.kind)
def test_what_is_too_much_is_measured_on_less(probe: Probe) -> None:
    runs = probe.runs()

    assert all(prod(sizes) <= probe.limit for sizes in runs)
    for sizes in probe.sizes():
        run = probe.within(sizes, runs.__contains__)
        assert run in runs
        assert all(less <= more and less in axis for less, more, axis in zip(run, sizes, probe.ticks, strict=True))
        assert (run == sizes) == (prod(sizes) <= probe.limit)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float64"])
def test_every_type_is_measured(dtype: str) -> None:
    least = [Probe(one.kind, one.axes, tuple(axis[:1] for axis in one.ticks), one.make) for one in PROBES]

    calibration = calibrate(
        this_device(dtype),
        CPU,
        Clocks.of_one(EvenClock()),
        READING,
        probes=least,
        networks=NETWORKS[-1:],
        held_out={},
        default_threads=4,
    )

    assert calibration.device.dtype == dtype
    assert [grid.kind for grid in calibration.grids] == [probe.kind for probe in PROBES]


def test_operands_come_from_different_places_and_fit(take: Operands) -> None:
    first, second = take.cold(100), take.cold(100)
    whole = take.cold(POOL)

    assert first.data_ptr() != second.data_ptr()
    assert whole.numel() == POOL


@pytest.mark.parametrize(
    ("probes", "pool", "on_card"),
    [((*PROBES, MEMORY), POOL, False), ((*PROBES, CARD_MEMORY), CARD_POOL, True)],
    ids=["cpu", "card"],
)
def test_no_operand_is_larger_than_what_operands_are_taken_from(
    probes: tuple[Probe, ...], pool: int, on_card: bool
) -> None:
    asked: list[int] = []

    class Take:
        itemsize = 4

        def cold(self, *shape: int) -> torch.Tensor:
            asked.append(prod(shape))
            return torch.empty(shape, device="meta")

        warm = cold

    for probe in probes:
        for sizes in probe.runs(on_card=on_card):
            probe.make(Take(), *sizes)
    assert max(asked) <= pool
