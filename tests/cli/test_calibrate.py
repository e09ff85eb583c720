"""From the command line: what is measured is printed, kept, and predicted with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Fewer sizes of fewer kinds, measured for real; and a cache folder of the test's own."""
    from archprof.latency import calibration_run, held_out, networks
    from archprof.latency.probes import PROBES, Probe

    few = [Probe(entry.kind, entry.axes, tuple(axis[:1] for axis in entry.ticks), entry.make) for entry in PROBES]
    monkeypatch.setattr(calibration_run, "PROBES", few)
    monkeypatch.setattr(calibration_run, "NETWORKS", networks.NETWORKS[-1:])
    monkeypatch.setattr(calibration_run, "HELD_OUT", {"timm:resnet18": held_out.HELD_OUT["timm:resnet18"]})
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_what_was_measured_is_kept_and_predicted_with(archprof: Callable[[str], Result], quick: Path) -> None:
    before = archprof("summary tiny.yaml --format json")
    measured = archprof("calibrate --max-time 1")
    after = archprof("summary tiny.yaml --format json")
    text = archprof("summary tiny.yaml --detail none")

    assert measured.exit_code == 0, measured.output
    assert "3×3 convolution" in measured.stdout
    assert len(list((quick / "calibrations").iterdir())) == 1
    assert json.loads(before.stdout)["prediction"] is None
    predicted = json.loads(after.stdout)["prediction"]
    parts = ("overhead_s", "computing_s", "moving_s", "fresh_memory_s")
    assert predicted["seconds"] == pytest.approx(sum(predicted[part] for part in parts))
    assert predicted["device"]["dtype"] == "float32"
    # One held-out model says where one of two lies.
    (ratio,) = json.loads(next((quick / "calibrations").iterdir()).read_text())["held_out"].values()
    assert predicted["coverage"] == 0.5
    assert predicted["interval_s"] == [
        pytest.approx(predicted["seconds"] / max(ratio, 1 / ratio)),
        pytest.approx(predicted["seconds"] * max(ratio, 1 / ratio)),
    ]
    assert "50 % interval [" in text.stdout
    assert "predicted" in text.stdout
    # Everything else is what it was.
    assert {**json.loads(after.stdout), "prediction": None} == json.loads(before.stdout)


def test_the_time_of_a_model_and_of_its_static_twin(archprof: Callable[[str], Result], quick: Path) -> None:
    Path("yolov13-own.yaml").write_text(
        "nc: 2\nbackbone:\n  - [-1, 1, DynamicConv, [16, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n", encoding="utf-8"
    )
    before = archprof("parameternet yolov13-own.yaml --imgsz 32")
    archprof("calibrate --max-time 1")
    after = archprof("parameternet yolov13-own.yaml --imgsz 32")

    assert "after `archprof calibrate` it is predicted" in before.stdout.replace("\n  ", " ")
    assert after.exit_code == 0, after.output
    assert "predicted latency" in after.stdout
    text = json.loads(archprof("parameternet yolov13-own.yaml --imgsz 32 --format json").stdout)
    # Six operations fewer, at least: the twin has no router and mixes nothing.
    assert 0 < text["static_prediction"]["overhead_s"] < text["prediction"]["overhead_s"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            "--dtype bfloat16",
            "calibrated in float32, not in bfloat16; `archprof calibrate --dtype bfloat16` measures that",
        ),
        ("--threads 7", "not 7; `archprof calibrate --threads 7` measures that"),
        ("--backward --batch 2", "a training step is not predicted, only inference"),
    ],
)
def test_what_was_not_calibrated_is_not_predicted_and_says_why(
    archprof: Callable[[str], Result], quick: Path, options: str, reason: str
) -> None:
    archprof("calibrate --max-time 1")

    profile = json.loads(archprof(f"summary tiny.yaml --format json {options}").stdout)
    assert profile["prediction"] is None
    assert reason in profile["prediction_absent"]
    text = archprof(f"summary tiny.yaml --detail none {options}").stdout
    assert reason in " ".join(text.split())


def test_a_comparison_has_the_predictions_of_both(archprof: Callable[[str], Result], quick: Path) -> None:
    Path("wide.yaml").write_text(
        Path("tiny.yaml").read_text(encoding="utf-8").replace("[32,", "[320,"), encoding="utf-8"
    )
    archprof("calibrate --max-time 1")

    sides = json.loads(archprof("compare tiny.yaml wide.yaml --format json").stdout)["models"]
    text = archprof("compare tiny.yaml wide.yaml").stdout
    other = archprof("compare tiny.yaml wide.yaml --dtype bfloat16").stdout

    for side in sides:
        low, high = side["prediction"]["interval_s"]
        assert low <= side["prediction"]["seconds"] <= high
    assert sides[0]["prediction"]["seconds"] < sides[1]["prediction"]["seconds"]
    assert "predicted   tiny.yaml: cpu " in text
    assert "wide.yaml: cpu " in text
    assert text.count("50 % interval [") == 2
    assert other.count("not known: calibrated in float32, not in bfloat16") == 1  # of both the same


def test_where_nothing_was_calibrated_nothing_is_said_of_it(archprof: Callable[[str], Result], quick: Path) -> None:
    for line in ("summary tiny.yaml --detail none", "compare tiny.yaml tiny.yaml"):
        assert "predict" not in archprof(line).output


def test_json_is_what_is_kept(archprof: Callable[[str], Result], quick: Path) -> None:
    result = archprof("calibrate --max-time 1 --format json --quiet")

    (path,) = (quick / "calibrations").iterdir()
    assert json.loads(result.stdout) == json.loads(path.read_text())
    assert result.stderr == ""


def test_a_type_that_is_not_measured_is_said(archprof: Callable[[str], Result]) -> None:
    result = archprof("calibrate --dtype int8")

    assert result.exit_code == 2
    assert "'int8'" in result.stderr
    assert "float32, float16, bfloat16" in result.stderr


@pytest.mark.parametrize(
    ("device", "message", "hint"),
    [
        ("cuda:99", "there is no device 'cuda:99' here", "there is cpu"),
        ("meta", "unknown device 'meta'", "a device is cpu, cuda or cuda:N"),
        ("auto", "unknown device 'auto'", "a device is cpu, cuda or cuda:N"),
    ],
)
def test_a_device_that_cannot_be_measured_is_said(
    archprof: Callable[[str], Result], device: str, message: str, hint: str
) -> None:
    result = archprof(f"calibrate --device {device}")

    assert result.exit_code == 2
    assert message in result.stderr
    assert hint in result.stderr
    assert result.stdout == ""


def test_a_folder_that_cannot_be_is_said_before_anything_is_measured(
    archprof: Callable[[str], Result], quick: Path
) -> None:
    quick.write_text("a file")
    result = archprof("calibrate")

    assert result.exit_code == 2
    assert "cannot be kept" in result.stderr
    assert result.stdout == ""
