"""Rows and factors changed without the file: the model is the one that a changed file would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import archprof
from archprof.errors import UsageError
from archprof.sources.selection import find_specs

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.sources.spec import Spec

TEXT = """\
nc: 2
scales:
  n: [0.5, 1.0, 1024]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 2, C2f, [32, True]]
head:
  - [-1, 1, Classify, [nc]]
"""


def spec_of(folder: Path, text: str, name: str = "tiny.yaml") -> Spec:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (spec,) = find_specs(str(path))
    return spec


@pytest.mark.parametrize(
    ("name", "value", "before", "after"),
    [
        ("row 0 args[0]", 24, "[16, 3, 2]", "[24, 3, 2]"),
        ("row 1 args[1]", False, "[32, True]", "[32, False]"),
        ("row 1 repeats", 6, "2, C2f", "6, C2f"),
        ("row 1 module", "C3", "2, C2f", "2, C3"),
        ("width", 2.0, "[0.5, 1.0, 1024]", "[0.5, 2.0, 1024]"),
        ("depth", 2.0, "[0.5, 1.0, 1024]", "[2.0, 1.0, 1024]"),
        ("max_channels", 24, "[0.5, 1.0, 1024]", "[0.5, 1.0, 24]"),
    ],
)
def test_an_edit_is_what_the_changed_file_gives(tmp_path: Path, name: str, value: Any, before: str, after: str) -> None:
    assert before in TEXT
    edited = archprof.profile(spec_of(tmp_path, TEXT).edited(name, value), imgsz=64)
    written = archprof.profile(spec_of(tmp_path, TEXT.replace(before, after), "written.yaml"), imgsz=64)
    assert edited.totals == written.totals
    assert edited.totals != archprof.profile(spec_of(tmp_path, TEXT), imgsz=64).totals
    assert edited.variant.settings == {name: value}


def test_a_file_without_scales_has_the_factors_under_their_own_names(tmp_path: Path) -> None:
    text = TEXT.replace("scales:\n  n: [0.5, 1.0, 1024]\n", "depth_multiple: 0.5\nwidth_multiple: 1.0\n")
    spec = spec_of(tmp_path, text).edited("width", 2.0)
    assert spec.values["width_multiple"] == 2.0
    with pytest.raises(UsageError, match="has no scales, and so no max_channels"):
        spec.edited("max_channels", 24)


def test_what_is_cached_is_told_apart_by_edits(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, TEXT)
    keys = {spec.content_key, spec.edited("row 0 args[0]", 24).content_key, spec.edited("width", 2.0).content_key}
    assert len(keys) == 3
    assert None not in keys


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("row 9 args[0]", 1, "has no row 9"),
        ("row 0 args[7]", 1, r"row 0 \(Conv\) of tiny.yaml has no args\[7\]"),
        ("row 0 kernel", 1, "is no part of a row"),
        ("row 1 repeats", "many", "repeats of row 1"),
        ("row 1 module", 3, "must be the name of a block"),
        ("width", 0, "width must be a number above 0"),
    ],
)
def test_an_edit_that_makes_no_sense(tmp_path: Path, name: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        spec_of(tmp_path, TEXT).edited(name, value)


def test_a_model_without_rows_has_none_to_change() -> None:
    (spec,) = find_specs("timm:resnet18")
    with pytest.raises(UsageError, match="no YAML with rows"):
        spec.edited("row 0 args[0]", 8)
