"""``archprof bench``, with models so small that a measurement takes a moment. No test says how long anything takes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import jsonschema
import pytest
import torch

from archprof.latency import statistics
from archprof.records.benchmark import json_schema
from archprof.records.latency import VERDICTS
from archprof.records.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

QUICK = "--imgsz 32 --threads 1 --min-time 0 --max-time 0.2"

WAYWARD = """\
import torch
from torch import nn


class Wayward(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution, self.calls = nn.Conv2d(3, 4, 3), 0

    def forward(self, x):
        self.calls += 1
        return self.convolution(x)[:, :, : 1 + self.calls % 3]
"""


def test_one_model_is_measured_and_saved_as_its_profile(archprof: Callable[[str], Result]) -> None:
    result = archprof(f"bench tiny.yaml {QUICK} --format json")

    assert result.exit_code == 0, result.stderr
    profile = Profile.from_json(result.stdout)
    (latency,) = profile.latency
    assert (latency.device, latency.backend, latency.threads, latency.batch) == ("cpu", "eager", 1, 1)
    assert latency.samples_s
    assert min(latency.samples_s) > 0
    assert latency.median_s == statistics.quantile(latency.samples_s, 0.5)
    assert latency.ci95_s == statistics.median_interval(latency.samples_s)
    assert latency.timer is not None
    assert latency.timer.overhead_s > 0
    assert latency.load is not None
    assert latency.load.other_processes is None or 0 <= latency.load.other_processes <= 1
    machine = profile.environment.machine
    assert machine is not None
    assert machine.cpus >= 1
    assert torch.__version__ in machine.torch_build
    assert profile.totals.macs > 0


def test_text_says_what_one_must_know_to_quote_it(archprof: Callable[[str], Result]) -> None:
    result = archprof(f"bench tiny.yaml {QUICK} --batch 2")

    assert result.exit_code == 0, result.stderr
    assert "2×3×32×32 · float32 · not fused" in result.stdout
    assert "timed       forward pass only (excludes input transfer and postprocessing)" in result.stdout
    assert "clock       perf_counter_ns" in result.stdout
    for title in ("median", "95 % interval", "p90", "p99", "MAD", "samples", "outliers", "per image", "images/s"):
        assert title in result.stdout


def test_csv_has_a_line_for_each_place_in_seconds(archprof: Callable[[str], Result]) -> None:
    result = archprof(f"bench tiny.yaml {QUICK} --batch 2 --backend eager,torchscript --format csv")

    assert result.exit_code == 0, result.stderr
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [line["backend"] for line in lines] == ["eager", "torchscript"]
    for line in lines:
        assert float(line["latency_ci95_low_s"]) <= float(line["latency_s"]) <= float(line["latency_ci95_high_s"])
        assert float(line["latency_per_image_s"]) == pytest.approx(float(line["latency_s"]) / 2)
        assert float(line["images_per_s"]) == pytest.approx(2 / float(line["latency_s"]))


def test_models_are_compared_with_the_first(archprof: Callable[[str], Result], folder: Path) -> None:
    wide = (folder / "tiny.yaml").read_text(encoding="utf-8").replace("[32, 3, 2]", "[512, 3, 1]")
    (folder / "wide.yaml").write_text(wide, encoding="utf-8")
    line = f"bench tiny.yaml wide.yaml tiny.yaml {QUICK} --max-time 60 --seed 5"

    result = archprof(f"{line} --format json -o several.json -o -")

    assert result.exit_code == 0, result.stderr
    saved = json.loads((folder / "several.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(json_schema()).validate(saved)
    assert saved["seed"] == 5
    names = [profile["variant"]["name"] for profile in saved["profiles"]]
    assert names == ["tiny", "wide", "tiny"]
    wide_one, unchanged = saved["comparisons"]
    assert (wide_one["base"], wide_one["model"], unchanged["base"], unchanged["model"]) == (0, 1, 0, 2)
    # 16 times the channels at four times the pixels: tens of times the work.
    assert wide_one["result"]["verdict"] == "slower"
    assert unchanged["result"]["verdict"] in VERDICTS
    latencies = [profile["latency"][0] for profile in saved["profiles"]]
    per_block = latencies[0]["samples_per_block"]
    assert {len(entry["samples_s"]) for entry in latencies} == {per_block * wide_one["blocks"]}
    assert result.stdout == (folder / "several.json").read_text(encoding="utf-8")


def test_text_gives_the_verdict(archprof: Callable[[str], Result]) -> None:
    result = archprof(f"bench tiny.yaml tiny.yaml {QUICK} --format markdown")

    assert result.exit_code == 0, result.stderr
    assert "(1)" not in result.stdout
    assert "tiny #2" in result.stdout
    assert " in random order" in result.stdout


def test_a_model_beside_its_static_twin(archprof: Callable[[str], Result], folder: Path) -> None:
    dynamic = (folder / "tiny.yaml").read_text(encoding="utf-8").replace("Conv, [32", "DynamicConv, [32")
    (folder / "yolov13-own.yaml").write_text(dynamic, encoding="utf-8")
    line = f"bench yolov13-own.yaml yolov13-own.yaml --static {QUICK}"

    saved = json.loads(archprof(f"{line} --format json").stdout)
    assert [profile["variant"]["static"] for profile in saved["profiles"]] == [False, True]
    model, twin = (profile["totals"]["parameters"] for profile in saved["profiles"])
    # Router 16·4 + 4 and kernels 4 · 32·16·9 are 32·16·9 in the twin.
    assert model - twin == 68 + 4 * 4608 - 4608
    text = archprof(line).stdout
    assert "yolov13-own (static equivalent)" in text
    assert " in random order" in text.replace("\n  ", " ")


@pytest.mark.parametrize("backend", ["eager", "torchscript"])
def test_a_detectors_boxes_are_timed_where_that_is_asked_for(archprof: Callable[[str], Result], backend: str) -> None:
    result = archprof(f"bench yolov8n.yaml {QUICK} --postprocess --backend {backend} --format json")

    assert result.exit_code == 0, result.stderr
    (latency,) = Profile.from_json(result.stdout).latency
    assert "non-maximum suppression" in latency.scope
    assert latency.samples_s


def test_summary_measures_too(archprof: Callable[[str], Result]) -> None:
    result = archprof("summary tiny.yaml --imgsz 32 --latency --threads 1 --format json")

    assert result.exit_code == 0, result.stderr
    profile = Profile.from_json(result.stdout)
    assert [entry.backend for entry in profile.latency] == ["eager"]
    plain = archprof("summary tiny.yaml --imgsz 32 --format json")
    assert Profile.from_json(plain.stdout).totals == profile.totals


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("bench tiny.yaml --device cuda:99", "there is no device 'cuda:99' here", "there is cpu"),
        ("bench tiny.yaml --device gpux", "unknown device 'gpux'", "a device is auto, cpu, cuda, cuda:N or meta"),
        ("bench tiny.yaml --device meta", "nothing runs on the meta device", "name cpu or cuda"),
        ("bench tiny.yaml --backend eagr", "unknown backend 'eagr'", "did you mean eager?"),
        ("bench tiny.yaml --backend ,", "--backend is empty", ""),
        ("bench tiny.yaml --backend onnxruntime --dtype bfloat16", "takes float32 or float16, not bfloat16", ""),
        ("bench tiny.yaml --backend openvino --channels-last", "it has no channels_last", ""),
        ("bench tiny.yaml --device cpu --cuda-graph", "a CUDA graph needs CUDA", ""),
        ("bench tiny.yaml --precision 5", "invalid percentage: --precision '5'", "as 1%"),
        ("bench tiny.yaml --margin 1%%", "invalid percentage: --margin '1%%'", ""),
        ("bench tiny.yaml --precision nan", "invalid percentage: --precision 'nan'", ""),
        ("bench tiny.yaml --min-time 5 --max-time 2", "--min-time 5 is longer than --max-time 2", ""),
        (f"bench tiny.yaml {QUICK} --postprocess", "--postprocess is for detectors with Ultralytics' heads", ""),
        ("summary tiny.yaml --latency --scale all", "--latency is of one model's inference, at one scale", "bench"),
        ("summary tiny.yaml --latency --device meta", "nothing runs on the meta device", ""),
        (
            f"bench tiny.yaml {QUICK} --batch 999999999",
            "a batch of 999999999 does not fit on cpu",
            "the largest that should is ",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_message(
    archprof: Callable[[str], Result], line: str, message: str, hint: str
) -> None:
    result = archprof(line)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert hint in result.stderr
    assert "Traceback" not in result.stderr


def test_a_device_to_run_on_is_never_the_one_that_runs_nothing(archprof: Callable[[str], Result]) -> None:
    for command in ("bench", "summary --latency"):
        result = archprof(f"{command} tiny.yaml --device cuda:99")
        assert "there is cpu" in result.stderr
        assert "meta" not in result.stderr


def test_of_several_models_the_one_that_does_not_fit_is_named(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "wide.yaml").write_text((folder / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    result = archprof(f"bench tiny.yaml wide.yaml tiny.yaml --static {QUICK} --batch 999999999")

    assert result.exit_code == 2
    text = result.stderr.splitlines()
    assert [line.partition(": a batch of 999999999 does not fit")[0] for line in text if "does not fit" in line] == [
        "error: not measured: tiny.yaml, cpu, eager",
        "not measured: wide.yaml, cpu, eager",
        "not measured: tiny.yaml, static equivalent, cpu, eager",
    ]


def test_a_model_of_changing_shapes_has_no_latency(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "wayward.py").write_text(WAYWARD, encoding="utf-8")

    result = archprof(f"bench wayward.py:Wayward {QUICK}")

    # The first three calls return 2, 3 and 1 of the 30 lines.
    assert result.exit_code == 2
    assert "the model returns other shapes each time: 1×4×2×30, then 1×4×3×30" in result.stderr


def test_what_fails_at_one_place_is_a_row_and_the_others_are_measured(
    archprof: Callable[[str], Result], folder: Path
) -> None:
    code = WAYWARD.replace("[:, :, : 1 + self.calls % 3]", "if not torch.jit.is_tracing() else self.no_such_thing")
    (folder / "untraceable.py").write_text(code, encoding="utf-8")

    result = archprof(f"bench untraceable.py:Wayward {QUICK} --backend torchscript,eager --format json")

    rows = Profile.from_json(result.stdout).latency
    assert [(entry.backend, entry.error is None) for entry in rows] == [("torchscript", False), ("eager", True)]
    assert result.exit_code == 2
    assert "not measured: cpu, torchscript: AttributeError" in result.stderr
    assert "no_such_thing" in result.stderr


UNEXPORTABLE = """\
import ctypes, os
import torch
from torch import nn

print("printed when it is imported")

@torch.library.custom_op("archprof_tests::doubled", mutates_args=())
def doubled(x: torch.Tensor) -> torch.Tensor:
    return 2 * x

@doubled.register_fake
def _(x):
    return torch.empty_like(x)

class Unexportable(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        print("printed when it is built")
        os.write(1, b"written past Python\\n")
        ctypes.CDLL(None).printf(b"written by the C library, which holds it until the end\\n")

    def forward(self, x):
        return doubled(self.convolution(x))
"""


def test_of_a_backend_that_fails_stdout_holds_a_row_with_its_reason_and_the_others_results(folder: Path) -> None:
    (folder / "unexportable.py").write_text(UNEXPORTABLE, encoding="utf-8")

    line = f"bench unexportable.py:Unexportable {QUICK} --device cpu --backend onnxruntime,eager,openvino --format json"
    done = subprocess.run([sys.executable, "-m", "archprof", *line.split()], capture_output=True, text=True)

    rows = Profile.from_json(done.stdout).latency
    assert [(row.backend, row.error is None) for row in rows] == [
        ("onnxruntime", False), ("eager", True), ("openvino", False),
    ]  # fmt: skip
    assert rows[1].median_s
    assert done.returncode == 2
    for text in ("by the exporter torchscript: ", "by the exporter dynamo: "):
        assert text in rows[0].error
        assert text in rows[2].error
    said = [line for line in done.stderr.splitlines() if "not measured: " not in line]
    assert set(said) == {
        "printed when it is imported",
        "printed when it is built",
        "written past Python",
        "written by the C library, which holds it until the end",
    }


def test_the_exporter_is_named(archprof: Callable[[str], Result], folder: Path) -> None:
    code = "import torch\nclass Transposed(torch.nn.Module):\n    def forward(self, x):\n        return x.mT @ x\n"
    (folder / "transposed.py").write_text(code, encoding="utf-8")
    line = f"bench transposed.py:Transposed {QUICK} --device cpu --backend eager,onnxruntime"

    rows = Profile.from_json(archprof(f"{line} --format json").stdout).latency
    assert [row.exporter for row in rows] == [None, "dynamo"]
    assert [row["exporter"] for row in csv.DictReader(io.StringIO(archprof(f"{line} --format csv").stdout))] == [
        "", "dynamo",
    ]  # fmt: skip
    text = archprof(line)
    assert "cpu, onnxruntime (ONNX by torch's dynamo exporter): outputs agree" in text.stdout.replace("\n  ", " ")
    assert text.stderr == ""


def test_layers_say_where_the_time_goes(archprof: Callable[[str], Result]) -> None:
    result = archprof("bench tiny.yaml --imgsz 32 --max-time 0.2 --min-time 0 --layers")

    assert result.exit_code == 0, result.output
    for text in ("0 Conv", "2 Classify", "(between operations)", "aten.convolution", "under torch's profiler"):
        assert text in result.stdout


def test_torch_s_profiler_says_nothing_of_its_own() -> None:
    # A name of timm's loads torch before anything is counted. What torch says it writes past Python's own stderr.
    line = "bench timm:resnet18 --imgsz 32 --device cpu --max-time 0.2 --min-time 0 --layers --quiet"
    process = subprocess.run(
        [sys.executable, "-m", "archprof", *line.split()], capture_output=True, text=True, check=True
    )

    assert "layer1" in process.stdout
    assert process.stderr == ""


def test_layers_look_into_eager_only(archprof: Callable[[str], Result]) -> None:
    result = archprof("bench tiny.yaml --backend torchscript --layers")

    assert result.exit_code == 2
    assert "--layers looks into eager PyTorch" in result.stderr
