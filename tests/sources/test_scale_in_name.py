"""Names are read as the installed Ultralytics reads them: its own functions run beside ours."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ultralytics.nn import tasks

from archprof.sources.scale_in_name import scale_of, without_scale

CASES = int(os.environ.get("ARCHPROF_FUZZ", "200"))
"""How many names are made up for each of the generated tests."""

NAMES = {
    "yolov8s_2x": "s",
    "yolov8n-4l": "n",
    "yolo11n_640m": "n",
    "yolov8sp2": "s",
    "yolov8s-v2n": "s",
    "yolov8n-exp3s": "n",
    "yolo11n-onlym": "n",
    "yoloe-11s-seg": "s",
    "YOLOv8s": None,
    "yolo_v8s": None,
    "yolov8-s": None,
    "yolov10b": None,
    "net2l": None,
    "resnet18s": None,
    "my-yolo26x": "x",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_scale_in_a_name(name: str) -> None:
    assert scale_of(name) == NAMES[name]
    assert tasks.guess_model_scale(f"models/{name}.yaml") == (NAMES[name] or "")


PARTS = ["yolo", "YOLO", "yoloe-", "v", "e-", "8", "11", "26", "0", "n", "s", "m", "l", "x", "b", "-", "_", "p2", "٣"]


@settings(max_examples=CASES)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join))
def test_any_name(name: str) -> None:
    assert (scale_of(name) or "") == tasks.guess_model_scale(f"{name}.yaml")


@settings(max_examples=CASES)
@given(st.from_regex(r"yolo(e-)?v?[0-9]{1,2}[nslmx][a-z0-9_-]{0,6}", fullmatch=True))
def test_the_file_without_the_scale_is_the_one_that_ultralytics_takes(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path(f"{without_scale(name)[0]}.yaml").write_text("nc: 1", encoding="utf-8")
        found = tasks.yaml_model_load(f"{name}.yaml")
    assert (found["nc"], found["scale"]) == (1, scale_of(name))


def test_where_there_is_no_scale_there_is_no_other_name() -> None:
    assert without_scale("net2l") == without_scale("yolo11") == []
    assert without_scale("yolov8n6") == ["yolov8-p6"]
    assert without_scale("yolov8x-p6") == ["yolov8-p6"]
