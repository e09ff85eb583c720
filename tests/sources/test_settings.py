from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archprof.errors import UsageError
from archprof.sources.reference import resolve
from archprof.sources.settings import apply, parse
from archprof.sources.spec import VariantSpec

if TYPE_CHECKING:
    from pathlib import Path


def variant(name: str) -> VariantSpec:
    spec = resolve(name)
    assert isinstance(spec, VariantSpec)
    return spec


def changed(name: str, **changes: Any) -> VariantSpec:
    spec = apply(variant(name), changes)
    assert isinstance(spec, VariantSpec)
    return spec


def test_values_are_yaml_literals() -> None:
    pairs = ["kpt_shape=[21,3]", "nc=6", "end2end=false", "activation=nn.ReLU()", "text = a=b", "nc=7"]
    assert parse(pairs) == {
        "kpt_shape": [21, 3],
        "nc": 7,
        "end2end": False,
        "activation": "nn.ReLU()",
        "text": "a=b",
    }


@pytest.mark.parametrize("pair", ["nc", "=3", "nc=", "nc= ", "a-b=3", "--nc=3", ""])
def test_another_form_is_refused(pair: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse([pair])
    assert str(caught.value) == f"--set {pair!r}: expected key=value\nfor example --set kpt_shape=[21,3]"


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        ("nc=[1", "not valid YAML: this [ is not closed"),
        ("nc=!!python/name:os.system", "tag 'tag:yaml.org,2002:python/name:os.system' is not allowed"),
        ("nc=#", "the file is empty"),
    ],
)
def test_what_is_no_literal_is_refused(pair: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse([pair])
    assert str(caught.value) == f"--set {pair!r}: the value is not a YAML literal: {reason}"


def test_a_value_of_the_file_is_changed_and_remembered() -> None:
    spec = changed("yolo11n-pose", nc=3, kpt_shape=[21, 3])
    assert (spec.values["nc"], spec.values["kpt_shape"]) == (3, [21, 3])
    assert spec.settings == {"nc": 3, "kpt_shape": [21, 3]}


def test_an_optional_value_need_not_be_in_the_file() -> None:
    assert changed("yolo11n", activation="nn.ReLU()", reg_max=8).values["reg_max"] == 8


def test_a_value_that_only_a_row_names_can_be_set(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("backbone: [[-1, 1, Conv, [features]]]")
    assert changed(str(path), features=32).values == {"features": 32}


def test_depth_and_width_of_a_file_without_scales_are_changed() -> None:
    spec = changed("yolov3", depth_multiple=0.5, width_multiple=2)
    assert (spec.factors.depth, spec.factors.width) == (0.5, 2.0)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("yolo11n", {"ncc": 3}, "unknown key 'ncc': yolo11.yaml has none, and no row names one\ndid you mean nc?"),
        (
            "yolo11n",
            {"kpt_shape": [17, 3]},
            "unknown key 'kpt_shape': yolo11.yaml has none, and no row names one\n",
        ),
        ("yolo11n", {"nc": 0}, "nc must be a whole number from 1 up, not 0"),
        ("yolo11n", {"nc": True}, "nc must be a whole number from 1 up, not True"),
        ("yolo11n", {"end2end": 2}, "end2end must be true or false, not 2"),
        ("yolo11n-pose", {"kpt_shape": [17]}, "kpt_shape must be two whole numbers, as [17, 3], not [17]"),
        (
            "yolo11n",
            {"width_multiple": 2},
            "width_multiple cannot be set: scale n of yolo11.yaml says what it is\navailable scales: n, s, m, l, x",
        ),
        ("yolo11n", {"scale": "s"}, "scale cannot be set: --scale chooses one"),
        ("yolo11n", {"head": []}, "head cannot be set: rows are changed in the file"),
        ("yolo11n", {"channels": 4}, "channels cannot be set: --channels sets them"),
        ("yolo11n", {"imgsz": 4}, "imgsz cannot be set: --imgsz sets it"),
    ],
)
def test_what_means_nothing_is_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        changed(name, **changes)
    assert str(caught.value).startswith(message)


def test_another_model_takes_them_as_its_arguments() -> None:
    assert apply(resolve("timm:resnet18"), {"nc": 3, "drop_rate": 0.1}).settings == {"nc": 3, "drop_rate": 0.1}
