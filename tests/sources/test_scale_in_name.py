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

from archprof.errors import UnknownReferenceError
from archprof.sources.reference import resolve
from archprof.sources.scale_in_name import scale_of, without_scale
from archprof.sources.spec import VariantSpec

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


@pytest.mark.parametrize(
    "name", ["yolov5nu", "yolov5u", "yolov3u", "yolov3-tinyu", "yolov5x-p6u", "yolov8n6", "yolov5x6"]
)
def test_an_ultralytics_name_is_its_own_file(name: str) -> None:
    theirs = tasks.yaml_model_load(f"{name}.yaml")  # with the u of its weights left out, by check_yolov5u_filename
    spec = resolve(name)
    assert isinstance(spec, VariantSpec)
    rows = [[row.module, list(row.arguments)] for row in spec.rows]
    assert rows == [[module, arguments] for _, _, module, arguments in (*theirs["backbone"], *theirs["head"])]
    assert spec.scale_assumed or (spec.size or "") == theirs["scale"]


@pytest.mark.parametrize(("name", "scale"), [("yolov8-p2s", "s"), ("yolo26-p6x", "x"), ("rtdetr-resnet50s", "l")])
def test_a_scale_that_is_not_read_is_said(name: str, scale: str) -> None:
    theirs = tasks.yaml_model_load(f"{name}.yaml")  # leaves the letter out, and does not see a scale in it
    first = next(iter(theirs["scales"]))
    assert theirs["scale"] == ""
    with pytest.raises(UnknownReferenceError) as caught:
        resolve(name)
    assert f"it takes {name[:-1]} at scale {first}" in caught.value.message
    assert caught.value.hint == f"type {name[:-1]} --scale {scale}"
