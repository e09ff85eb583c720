"""``archprof summary --backward``; tiny.yaml's forward pass is worked out in test_summary."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from archprof.records.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

# On two images of 64×64: MACs of the convolutions of rows 0, 1 and 2, and of the Linear.
FORWARD = [2 * 442_368, 2 * 1_179_648, 2 * 10_485_760, 2 * 2_560]
# Both gradients of each but the first, whose image needs none.
BACKWARD = [FORWARD[0], 2 * FORWARD[1], 2 * FORWARD[2] + 2 * FORWARD[3]]


def test_the_step_by_row(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --backward --batch 2 --imgsz 64 --format json")
    assert result.exit_code == 0, result.output
    profile = Profile.from_json(result.stdout)
    assert profile.totals.macs == sum(FORWARD)
    assert profile.backward is not None
    assert profile.backward.macs == sum(BACKWARD)
    assert profile.backward.flops == 2 * sum(BACKWARD)
    assert [layer.backward_macs for layer in profile.layers] == BACKWARD
    assert all(module.own_backward_macs is not None for module in profile.modules)
    assert profile.backward.peak_activation_bytes > profile.totals.peak_activation_bytes
    assert {entry.phase for entry in profile.operations} == {"forward", "backward"}


def test_columns_of_csv(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --backward --batch 2 --imgsz 64 --format csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [int(row["backward_macs"]) for row in rows] == BACKWARD
    # FLOPs of both kinds over what is moved.
    for row in rows:
        traffic = int(row["bytes_read"]) + int(row["bytes_written"])
        flops = int(row["flops"]) + int(row["elementwise_flops"])
        assert float(row["flops_per_byte"]) == flops / traffic


def test_text_tells_the_passes_apart(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --backward --batch 2 --imgsz 64 --detail ops")
    # 2 · 47,374,336 and 2 · (24,219,648 + 47,374,336) FLOPs.
    forward, backward = 2 * sum(FORWARD), 2 * sum(BACKWARD)
    assert f"backward    {backward / 1e6:.2f} MFLOPs" in result.stdout
    assert f"{(forward + backward) / 1e9:.2f} GFLOPs per training step" in result.stdout
    assert "· training" in result.stdout.splitlines()[0] + result.stdout.splitlines()[1]
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["aten.convolution_backward", "backward", "counted", "3"] in [line[:4] for line in lines]


def test_without_it_there_is_no_backward_pass(archprof: Callable[[str], Result]) -> None:
    profile = json.loads(archprof("summary tiny.yaml --imgsz 64 --format json").stdout)
    assert profile["backward"] is None
    parts = [*profile["layers"], *profile["modules"]]
    assert parts
    assert {part[key] for part in parts for key in part if "backward" in key} == {None}
    assert {entry["phase"] for entry in profile["operations"]} == {"forward"}
    assert "pass" not in archprof("summary tiny.yaml --imgsz 64 --detail ops").stdout.split()


def test_a_fused_model_is_not_trained(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --backward --fuse")
    assert result.exit_code == 2
    assert "--fuse is for inference, --backward for training" in result.output
