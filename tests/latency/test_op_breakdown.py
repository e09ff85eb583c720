"""Where the time goes: events that were made up, and a model that really runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import EventList, FunctionEvent

import archprof
from archprof.builder.options import Options
from archprof.latency.backends.interface import Settings
from archprof.latency.events import Event, times
from archprof.latency.op_breakdown import break_down, event_of, joined
from archprof.pipeline import Request
from archprof.pipeline.measuring import timed_model
from archprof.records.breakdown import Breakdown, Part
from archprof.records.calibration import Device
from archprof.records.prediction import Prediction
from archprof.render.breakdown import parts, remarks
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.records.profile import Profile

CALLS = torch.nn.Module.__call__, torch.nn.Module._call_impl
"""What torch calls modules with."""

YAML = """\
nc: 1000
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


TAKE_TIME = {"aten.convolution", "aten.native_batch_norm", "aten.addmm"}
"""Operations of this model that are no views."""


def operation(name: str, seconds: float, *children: Event) -> Event:
    return Event(name, seconds, children)


def test_an_operation_belongs_to_the_innermost_part_and_goes_by_the_trace_s_name() -> None:
    convolution = operation("aten::conv2d", 5.0, operation("aten::convolution", 4.5, operation("aten::mkldnn", 4.0)))
    linear = operation("aten::linear", 3.0, operation("aten::t", 0.5), operation("aten::addmm", 2.0))
    inner = Event("archprof:model.0.cv1", 6.0, [convolution])
    outer = Event("archprof:model.0", 9.5, [inner, linear])
    unheard_of = operation("mine::own", 1.0, operation("aten::empty", 0.5))
    root = Event("archprof:", 12.0, [outer, unheard_of])

    found = times(root, {"aten.convolution", "aten.addmm", "aten.t"})

    assert found.parts == {"model.0.cv1": 5.0, "model.0": 3.0, "": 1.0}
    assert found.operations == {"aten.convolution": 5.0, "aten.addmm": 3.0, "mine.own": 1.0}
    # 12 s in all, 9 s of them in operations.
    assert found.between == pytest.approx(3.0)


def test_what_noting_took_is_taken_out_of_what_an_event_is_in() -> None:
    convolution = operation("aten::conv2d", 5.0, operation("aten::convolution", 4.5, operation("aten::mkldnn", 4.0)))
    cheap = operation("aten::t", 0.25, operation("aten::transpose", 0.125))
    root = Event("archprof:", 12.0, [Event("archprof:model.0", 8.0, [convolution, cheap])])
    assert root.noted == 6

    found = times(root, {"aten.conv2d", "aten.t"}, noting_s=0.5)

    # Two events in the first operation, 5 - 2 * 0.5; one in the other, whose 0.25 - 0.5 is no time. The pass has six.
    assert found.parts == {"model.0": 4.0}
    assert found.operations == {"aten.conv2d": 4.0}
    assert found.between == pytest.approx(12 - 6 * 0.5 - 4)


def test_on_a_card_the_rest_is_of_what_the_pass_took() -> None:
    root = Event("archprof:", 0.0, [operation("aten::relu", 2.0)])

    assert times(root, set(), pass_s=5.0).between == pytest.approx(3.0)


def test_of_a_card_the_profiler_s_events_give_kernels_times() -> None:
    def event(number: int, name: str, start: int, end: int) -> FunctionEvent:
        return FunctionEvent(
            id=number, name=name, thread=1, start_us=start, end_us=end, device_type=DeviceType.CPU, use_device="cuda"
        )

    # What the processor took to call them is in none of the times: 55 µs for the part, whose kernel takes 300.
    root, part, convolution = (
        event(0, "archprof:", 0, 100),
        event(1, "archprof:0", 5, 60),
        event(2, "aten::conv", 9, 50),
    )
    kernel, relu = event(3, "aten::cudnn_convolution", 12, 40), event(4, "aten::relu", 70, 80)
    kernel.append_kernel("implicit_gemm", 0, 300)
    relu.append_kernel("vectorized_elementwise_kernel", 0, 20)
    EventList([root, part, convolution, kernel, relu], use_device="cuda")._build_tree()

    found = times(event_of(root, on_card=True), {"aten.cudnn_convolution", "aten.relu"}, pass_s=400e-6)

    assert found.parts == pytest.approx({"0": 300e-6, "": 20e-6})
    assert found.operations == pytest.approx({"aten.cudnn_convolution": 300e-6, "aten.relu": 20e-6})
    assert found.between == pytest.approx(80e-6)


def test_rates_are_of_the_part_s_own_time() -> None:
    # 2 * 3e9 + 1e9 FLOPs in half a second; 2e9 bytes.
    part = Part(name="model.0", seconds=0.5, macs=3 * 10**9, elementwise_flops=10**9, bytes=2 * 10**9)

    assert part.flops_per_s == pytest.approx(14e9)
    assert part.bytes_per_s == pytest.approx(4e9)
    assert part.intensity == pytest.approx(3.5)


@pytest.fixture(scope="module")
def looked_into(tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, Breakdown]:
    path: Path = tmp_path_factory.mktemp("layers") / "tiny.yaml"
    path.write_text(YAML, encoding="utf-8")
    spec, options = resolve(str(path)), Options(size=(320,))
    profile = archprof.pipeline.counting.profile_spec(spec, options)
    looks = (break_down(timed_model(Request(spec, options), profile), Settings(), "cpu") for _ in range(20))
    # On a busy machine passes with the profiler may seem so much longer that nothing is left of short operations.
    return profile, next(found for found in looks if {part.name for part in found.operations} >= TAKE_TIME)


def test_every_row_has_its_time_and_its_cost(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into

    assert [part.name for part in found.parts] == [*(layer.path for layer in profile.layers), ""]
    assert [part.macs for part in found.parts[:-1]] == [layer.macs for layer in profile.layers]
    assert max(part.seconds for part in found.parts) > 0
    assert sum(part.macs for part in found.parts) == profile.totals.macs
    assert sum(part.seconds for part in found.parts) <= found.sum_s


def test_every_operation_that_took_time_is_one_of_the_trace_s(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    known = {one.name: one.macs for one in profile.operations}

    assert {part.name for part in found.operations} >= TAKE_TIME
    assert all(part.macs == known.get(part.name, 0) for part in found.operations)
    assert found.operations == sorted(found.operations, key=lambda part: -part.seconds)


def test_modules_are_left_as_they_were(looked_into: tuple[Profile, Breakdown]) -> None:
    assert (torch.nn.Module.__call__, torch.nn.Module._call_impl) == CALLS


def test_modules_without_rows_have_what_is_theirs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    inner = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.Sequential(nn.Conv2d(4, 8, 1, bias=False)))\n"
        "    return nn.Sequential(inner, nn.Conv2d(8, 2, 1, bias=False))\n",
        encoding="utf-8",
    )
    spec, options = resolve(f"{tmp_path / 'net.py'}:make"), Options(size=(10,))
    profile = archprof.pipeline.counting.profile_spec(spec, options)
    found = break_down(timed_model(Request(spec, options), profile), Settings(), "cpu")

    # 100 places of 3·4, 4·8 and 8·2 MACs; "0" itself has only what its two children have.
    macs = {part.name: part.macs for part in found.parts}
    assert macs == {"0": 0, "0.0": 1200, "0.1": 3200, "1": 1600, "": 0}


def test_parts_print_with_what_they_sum_to(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    table = parts(profile, found)

    assert [record[0] for record in table.records] == ["0 Conv", "1 Conv", "2 Classify", "(between operations)"]
    assert sum(record[1] for record in table.records) == pytest.approx(found.sum_s)
    assert sum(record[2] for record in table.records) == pytest.approx(1)


@pytest.mark.parametrize(
    ("gflops", "gigabytes", "bound"),
    [
        (50, 1, "compute"),  # half of the arithmetic
        (2, 5, "memory"),  # half of the memory
        (10.1, 0.1, "compute"),  # a tenth of the arithmetic, and more
        (0.1, 1.01, "memory"),
        (9.9, 0.1, "overhead"),  # less than a tenth, and a hundredth of the memory
        (0.1, 0.99, "overhead"),
    ],
)
def test_what_a_part_is_slow_for(
    looked_into: tuple[Profile, Breakdown], gflops: float, gigabytes: float, bound: str
) -> None:
    profile, found = looked_into
    part = Part(
        name="model.0", seconds=1.0, macs=round(gflops / 2 * 1e9), elementwise_flops=0, bytes=round(gigabytes * 1e9)
    )
    limits = Prediction(
        device=Device(device="cpu", name="made up", cpus=2, dtype="float32", torch="2.0"),
        threads=1,
        calibrated_at="2026-01-01",
        seconds=1.0,
        overhead_s=0.0,
        computing_s=1.0,
        moving_s=0.0,
        fresh_memory_s=0.0,
        ridge=10.0,  # 100 GFLOP/s over 10 GB/s
        peak_flops_per_s=100e9,
        peak_bytes_per_s=10e9,
    )
    table = parts(msgspec.structs.replace(profile, prediction=limits), msgspec.structs.replace(found, parts=[part]))
    assert table.records[0][-1] == bound


def passes(seconds: list[float]) -> list[Event]:
    """One operation in the first row, with one more in it, and some hundredths of a second beside it."""
    inner = operation("aten::mkldnn_convolution", 0.5)
    return [
        Event(
            "archprof:", lasted, [Event("archprof:model.0", lasted, [operation("aten::conv2d", lasted - 0.05, inner)])]
        )
        for lasted in seconds
    ]


def test_the_fastest_passes_count_and_the_profiler_is_taken_out(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, _ = looked_into
    paths = [layer.path for layer in profile.layers]
    # Eight of fifteen are kept; the seven others, which something disturbed, are as long as they like.
    plain, noted = [1.0] * 8 + [9.0] * 7, passes([7.0] * 7 + [1.03] * 8)

    found = joined(profile, paths, "cpu", 1, plain, noted)

    assert (found.passes, found.passes_used, found.whole_s) == (15, 8, 1)
    # Three events: 0.01 s each. One of them is in the operation: 1.03 - 0.05 - 0.01. The other two are in the rest.
    assert (found.events, found.noting_s) == (3, pytest.approx(0.01))
    assert found.profiler_s == pytest.approx(0.03)
    assert {part.name: part.seconds for part in found.parts if part.seconds} == {paths[0]: pytest.approx(0.97)}
    assert found.sum_s == pytest.approx(found.whole_s)


def test_the_profiler_takes_no_more_than_there_is_between_operations(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, _ = looked_into

    found = joined(profile, [layer.path for layer in profile.layers], "cpu", 1, [1.0] * 15, passes([1.4] * 15))

    # 0.4 s longer, but the two events outside of the operation left 0.05 s: no more than 0.025 s for each of three.
    assert found.noting_s == pytest.approx(0.025)
    assert found.between_s == pytest.approx(0)
    assert any("+32.5% from the whole" in said for said in remarks(profile, found))


def test_what_is_shorter_than_the_profiler_takes_leaves_time_between_operations(
    looked_into: tuple[Profile, Breakdown],
) -> None:
    profile, _ = looked_into
    below = [operation("aten::empty", 0.0)] * 4
    root = Event("archprof:", 10.0, [operation("aten::conv2d", 6.0, *below[:2]), operation("aten::view", 0.1, *below)])
    found = joined(profile, [], "cpu", 1, [0.0], [root])

    # Of 8 events each takes n. The first operation is left with 6 - 2 n, the second, from n = 0.025, with nothing, so
    # between them there is 10 - 8 n - (6 - 2 n) = 4 - 6 n: n is at most 2 / 3, and no less than 0.9 of that.
    assert 0.6 <= found.noting_s <= 2 / 3
    assert found.between_s == pytest.approx(4 - 6 * found.noting_s)


def test_a_profiler_that_seems_to_save_time_is_a_machine_that_changed(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, _ = looked_into

    found = joined(profile, [layer.path for layer in profile.layers], "cpu", 1, [1.0] * 15, passes([0.9] * 15))

    assert found.noting_s == 0
    assert found.sum_s == pytest.approx(0.9)
    assert any("-10.0% from the whole" in said for said in remarks(profile, found))


def test_a_sum_that_is_far_from_the_whole_is_said(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    near, far = (msgspec.structs.replace(found, whole_s=found.sum_s / factor) for factor in (1.01, 1.5))

    assert not any("from the whole" in said for said in remarks(profile, near))
    assert any("+50.0% from the whole" in said for said in remarks(profile, far))


def test_what_the_profiler_took_is_said(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    little, much = (
        list(remarks(profile, msgspec.structs.replace(found, whole_s=1.0, events=1000, noting_s=each)))
        for each in (1e-5, 1e-4)
    )

    assert "the profiler made a pass 10.0 ms (1.0%) longer, 10.0 µs for each of 1,000 events" in little[1]
    assert "imprecise" not in little[1]
    assert "(10.0%) longer" in much[1]
    assert "imprecise" in much[1]
