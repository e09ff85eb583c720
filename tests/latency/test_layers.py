"""Where the time goes: events that were made up, and a model that really runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
import torch

import archprof
from archprof.latency.backends.interface import Settings
from archprof.latency.breakdown import Breakdown, Part
from archprof.latency.layers import Event, break_down, times
from archprof.options import Options
from archprof.render.breakdown import parts, remarks
from archprof.trace.recorder import CALL
from archprof.variant.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.profiles import Profile

YAML = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


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


def test_on_a_card_the_rest_is_of_what_the_pass_took() -> None:
    root = Event("archprof:", 0.0, [operation("aten::relu", 2.0)])

    assert times(root, set(), whole=5.0).between == pytest.approx(3.0)


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
    spec, options = resolve(str(path)), Options(size=(64,))
    profile = archprof.profiling.profile_spec(spec, options)
    return profile, break_down(spec, profile, options, Settings(), "cpu")


def test_every_row_has_its_time_and_its_cost(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into

    assert [part.name for part in found.parts] == [*(layer.path for layer in profile.layers), ""]
    assert [part.macs for part in found.parts[:-1]] == [layer.macs for layer in profile.layers]
    assert all(part.seconds > 0 for part in found.parts[:-1])
    assert sum(part.macs for part in found.parts) == profile.totals.macs
    assert found.between_s > 0
    assert sum(part.seconds for part in found.parts) < found.sum_s


def test_every_operation_that_took_time_is_one_of_the_trace_s(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    known = {one.name: one.macs for one in profile.operations}

    assert {"aten.convolution", "aten.native_batch_norm", "aten.addmm"} <= {part.name for part in found.operations}
    assert all(part.macs == known.get(part.name, 0) for part in found.operations)
    assert found.operations == sorted(found.operations, key=lambda part: -part.seconds)


def test_modules_are_left_as_they_were(looked_into: tuple[Profile, Breakdown]) -> None:
    assert torch.nn.Module.__call__ is CALL


def test_modules_without_rows_have_what_is_theirs_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n"
        "def make():\n"
        "    inner = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.Sequential(nn.Conv2d(4, 8, 1, bias=False)))\n"
        "    return nn.Sequential(inner, nn.Conv2d(8, 2, 1, bias=False))\n",
        encoding="utf-8",
    )
    spec, options = resolve(f"{tmp_path / 'net.py'}:make"), Options(size=(10,))
    profile = archprof.profiling.profile_spec(spec, options)
    found = break_down(spec, profile, options, Settings(), "cpu")

    # 100 places of 3·4, 4·8 and 8·2 MACs; "0" itself has only what its two children have.
    macs = {part.name: part.macs for part in found.parts}
    assert macs == {"0": 0, "0.0": 1200, "0.1": 3200, "1": 1600, "": 0}


def test_parts_print_with_what_they_sum_to(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    table = parts(profile, found)

    assert [record[0] for record in table.records] == ["0 Conv", "1 Conv", "2 Classify", "(between operations)"]
    assert sum(record[1] for record in table.records) == pytest.approx(found.sum_s)
    assert sum(record[2] for record in table.records) == pytest.approx(1)


def test_a_sum_that_is_far_from_the_whole_is_said(looked_into: tuple[Profile, Breakdown]) -> None:
    profile, found = looked_into
    near, far = (msgspec.structs.replace(found, whole_s=found.sum_s * factor) for factor in (1.01, 1.5))

    assert not any("more than 5%" in said for said in remarks(profile, near))
    assert any("more than 5%" in said for said in remarks(profile, far))
