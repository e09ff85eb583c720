from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema

from archprof.records.latency import VERDICTS
from archprof.records.profile import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

DYNAMIC = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, DynamicConv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""

IDLE = """\
from torch import nn

import archprof


class Idle(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 8, 3)

    def dynamic_layer(self):
        return archprof.DynamicDeclaration(experts=4, in_channels=3, out_channels=8, kernel=(3, 3))
"""


def test_a_layer_in_every_format(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "yolov13-own.yaml").write_text(DYNAMIC, encoding="utf-8")
    command = "parameternet yolov13-own.yaml --imgsz 64"

    result = archprof(f"{command} --format json")
    assert result.exit_code == 0, result.stderr
    (layer,) = json.loads(result.stdout)["parameternet"]["layers"]
    # Router 16·4 + 4 = 68; kernels 4 · 32·16·9 = 18,432; plain 4608.
    assert layer["parameters"] == {"static": 4608, "as_built": 18_500, "measured": 18_500}
    # Router 64, mixing 18,432, 16·16 places of 4608.
    assert layer["macs"] == {"static": 1_179_648, "as_built": 1_198_144, "measured": 1_198_144}

    text = archprof(command)
    # The twin, as it was built and run, differs in this layer alone.
    model = json.loads(result.stdout)["parameternet"]["model"]
    assert model["dynamic"]["parameters"] - model["static"]["parameters"] == 18_500 - 4608
    assert model["dynamic"]["macs"] - model["static"]["macs"] == 1_198_144 - 1_179_648
    assert model["remarks"] == []
    assert "analytical and measured counts match exactly in every layer" in text.stdout
    lines = archprof(f"{command} --format csv").stdout.splitlines()
    assert len(lines) == 2
    assert "| model.1.conv.0 | 4 | 16 | 32 |" in archprof(f"{command} --format markdown").stdout
    assert "1 convolution · 4 experts" in archprof("summary yolov13-own.yaml --imgsz 64").stdout


def test_a_model_without_says_so(archprof: Callable[[str], Result]) -> None:
    result = archprof("parameternet tiny.yaml --imgsz 32")

    assert result.exit_code == 0
    assert "no dynamic layers: no layer computes its weights from its input" in result.stdout


def test_a_block_that_says_what_it_is_not(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "idle.py").write_text(IDLE, encoding="utf-8")
    remark = "the model declares a dynamic layer in dynamic_layer(), and none was found in it"

    result = archprof("parameternet idle.py:Idle --imgsz 32 --format json")
    assert result.exit_code == 0
    assert remark in result.stderr.replace("\n", " ")
    text = json.loads(result.stdout)
    assert (text["parameternet"], text["environment"]["remarks"]) == (None, [remark])


def test_all_scales_at_once_are_refused(archprof: Callable[[str], Result]) -> None:
    result = archprof("parameternet tiny.yaml --scale all")

    assert result.exit_code == 2
    assert "one scale" in result.stderr


def test_the_static_twin(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "yolov13-own.yaml").write_text(DYNAMIC, encoding="utf-8")

    result = archprof("summary yolov13-own.yaml --imgsz 64 --static --format json")
    twin = json.loads(result.stdout)
    assert twin["variant"]["static"] is True
    # The dynamic convolution's 18,500 parameters are 4608 in the plain one.
    total = json.loads(archprof("summary yolov13-own.yaml --imgsz 64 --format json").stdout)
    assert total["totals"]["parameters"] - twin["totals"]["parameters"] == 18_500 - 4608
    assert "not fused · static equivalent" in archprof("summary yolov13-own.yaml --imgsz 64 --static").stdout.replace(
        "\n ", ""
    )


def test_the_time_of_both_is_measured(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "yolov13-own.yaml").write_text(DYNAMIC, encoding="utf-8")
    command = "parameternet yolov13-own.yaml --imgsz 32 --latency --threads 1 --min-time 0 --max-time 0.2 --seed 3"

    result = archprof(f"{command} -o - -o both.json")

    assert result.exit_code == 0, result.stderr
    output = json.loads((folder / "both.json").read_text(encoding="utf-8"))
    schema = json_schema() | {"$ref": "#/$defs/ParameterNet"}
    jsonschema.Draft202012Validator({key: schema[key] for key in ("$ref", "$defs")}).validate(output["parameternet"])
    outcomes = output["parameternet"]["model"]["latency"]
    own, reference = outcomes["dynamic"], outcomes["static"]
    actual = outcomes["comparison"]
    assert (actual["base"], actual["model"], actual["device"], actual["backend"]) == (0, 1, "cpu", "eager")
    # Both were called as often, in the same blocks.
    assert len(own["samples_s"]) == len(reference["samples_s"]) == actual["blocks"] * own["samples_per_block"]
    assert (own["threads"], reference["threads"]) == (1, 1)
    assert actual["result"]["verdict"] in VERDICTS
    assert output["environment"]["machine"]["cpus"] >= 1
    text = result.stdout.replace("\n  ", " ")
    (row,) = [line for line in result.stdout.splitlines() if line.startswith("measured latency")]
    assert row.split()[-1] == f"×{actual['result']['ratio']:,.3f}"
    assert "measured (cpu, eager, 1 thread): " in text
    assert "its static equivalent: ×" in text
    assert f"{actual['blocks']} block" in text


def test_the_time_of_what_is_not_there_is_not_measured(archprof: Callable[[str], Result]) -> None:
    result = archprof("parameternet tiny.yaml --imgsz 32 --latency")
    assert result.exit_code == 0, result.stderr
    assert "no dynamic layers: no layer computes its weights from its input" in result.stdout
    for more, message in {
        "--experts 1,2": "--latency measures the model itself",
        "--what-if all": "--latency measures the model itself",
        "--device meta": "nothing runs on the meta device",
        "--min-time 3 --max-time 2": "--min-time 3 is longer than --max-time 2",
        "--margin 2": "invalid percentage: --margin '2'",
    }.items():
        result = archprof(f"parameternet tiny.yaml --imgsz 32 --latency {more}")
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr


def test_a_twin_of_what_is_static_already(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --imgsz 32 --static")

    assert result.exit_code == 0
    assert "the static equivalent is the model itself" in result.stderr


def test_other_numbers_of_experts(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "yolov13-own.yaml").write_text(DYNAMIC, encoding="utf-8")
    command = "parameternet yolov13-own.yaml --imgsz 64 --experts 2,4"

    result = archprof(f"{command} --format json")
    assert result.exit_code == 0, result.stderr
    curve = json.loads(result.stdout)["curve"]
    # A kernel has 4608 parameters, and costs the router 16 + 1 more: in all 2 · 4625 and 4 · 4625 against 4608.
    static = curve["static"]["parameters"] - 4608
    assert [point["measured"]["parameters"] - static for point in curve["points"]] == [2 * 4625, 4 * 4625]
    text = archprof(command).stdout.splitlines()
    assert [line.split()[0] for line in text[-3:]] == ["static", "2", "4"]
    assert len(archprof(f"{command} --format csv").stdout.splitlines()) == 4
    assert "| static |" in archprof(f"{command} --format markdown").stdout


def test_numbers_of_experts_that_are_none(archprof: Callable[[str], Result]) -> None:
    for wrong in ("0", "two", "1,,2", "-1"):
        result = archprof(f"parameternet tiny.yaml --experts={wrong}")
        assert result.exit_code == 2
        assert "invalid number of experts: --experts" in result.stderr
    result = archprof("parameternet tiny.yaml --imgsz 32 --experts 2")
    assert result.exit_code == 0
    assert "no dynamic layers" in result.stdout


def test_what_if_convolutions_were_dynamic(archprof: Callable[[str], Result]) -> None:
    command = "parameternet tiny.yaml --imgsz 32 --what-if model.1.* --experts 2"

    result = archprof(f"{command} --format json")
    assert result.exit_code == 0, result.stderr
    (entry,) = json.loads(result.stdout)["what_if"]["candidates"]
    # One kernel of 32·16·9 more, and a router of 16·2 + 2.
    assert entry["parameters"] == {"predicted": 4642, "measured": 4642}
    text = archprof(command).stdout
    assert "what if 1 convolution had 2 experts" in text
    assert "predicted and measured counts match exactly for every convolution" in text
    assert len(archprof(f"{command} --format csv").stdout.splitlines()) == 2
    assert "| model.1.conv | 16 | 32 |" in archprof(f"{command} --format markdown").stdout


def test_what_if_nothing_is_chosen(archprof: Callable[[str], Result]) -> None:
    result = archprof("parameternet tiny.yaml --imgsz 32 --what-if model.1.cnv")
    assert result.exit_code == 2
    assert "did you mean model.1.conv" in result.stderr
    result = archprof("parameternet tiny.yaml --imgsz 32 --what-if all --experts 2,4")
    assert result.exit_code == 2
    assert "one number of experts" in result.stderr
