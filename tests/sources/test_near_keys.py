"""A key that is nearly one that changes what is built is refused, and a note of the file's own is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.errors import VariantError
from archprof.sources.near_keys import SUITS
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from pathlib import Path

ROWS = "backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n  - [-1, 1, Conv, [wide, 3, 2]]\nhead:\n  - [-1, 1, Classify, [2]]\n"

VALUES = {
    "nc": "2",
    "scales": "{n: [0.5, 0.25, 1024]}",
    "activation": "nn.ReLU()",
    "kpt_shape": "[17, 3]",
    "end2end": "true",
    "family": "yolov13",
    "task": "detect",
    "dynamic_convolutions": "{model.0.conv: 4}",
}
"""A value for each key; the others are numbers."""


def written(folder: Path, keys: str, rows: str = ROWS) -> Path:
    path = folder / "mine.yaml"
    path.write_text(f"wide: 16\n{keys}\n{rows}", encoding="utf-8")
    return path


def variations(key: str) -> list[str]:
    """A letter left out, doubled, swapped with the next, and capitals."""
    middle = len(key) // 2
    swapped = key[: middle - 1] + key[middle] + key[middle - 1] + key[middle + 1 :]
    return [key[:middle] + key[middle + 1 :], key[:middle] + key[middle] + key[middle:], swapped, key.capitalize()]


@pytest.mark.parametrize("key", sorted(SUITS.keys() - {"backbone", "head", "nc"}))
def test_every_key_that_changes_what_is_built(tmp_path: Path, key: str) -> None:
    for name in variations(key):
        path = written(tmp_path, f"{name}: {VALUES.get(key, 1)}")
        with pytest.raises(VariantError) as caught:
            load(path)
        assert (caught.value.message, caught.value.line) == (f"nothing reads {name!r}; did you mean {key}?", 2)


@pytest.mark.parametrize(
    ("keys", "meant"),
    [("scale: {n: [0.5, 0.25, 1024]}", "scales"), ("with_multiple: 0.5", "width_multiple"), ("cn: 2", "nc")],
)
def test_what_was_met(tmp_path: Path, keys: str, meant: str) -> None:
    with pytest.raises(VariantError, match=f"did you mean {meant}") as caught:
        load(written(tmp_path, keys))
    assert caught.value.line == 2


@pytest.mark.parametrize("name", ["bakbone", "backbones", "bakcbone", "Backbone"])
def test_backbone(tmp_path: Path, name: str) -> None:
    with pytest.raises(VariantError, match="no backbone: among the file's keys") as caught:
        load(written(tmp_path, "", ROWS.replace("backbone", name)))
    assert (caught.value.line, caught.value.hint) == (3, f"did you mean {name}?")


@pytest.mark.parametrize("name", ["haed", "heads", "Head", "hed"])
def test_head(tmp_path: Path, name: str) -> None:
    with pytest.raises(VariantError, match=f"{name!r} is not read; did you mean head") as caught:
        load(written(tmp_path, "", ROWS.replace("head", name)))
    assert caught.value.line == 6


@pytest.mark.parametrize(
    "keys",
    [
        "scale: n",  # as Ultralytics saves it
        "scale: {n: [1, 1, 8]}\nscales: {n: [0.5, 0.25, 1024]}",  # what it is nearly is there
        "depth_multiples: [0.33, 0.67]",  # no value of the other key
        "head_dim: 64\nheads_of_attention: 8\nnotes: mine\nversion: 2\nauthor: me",
    ],
)
def test_a_note_of_the_files_own(tmp_path: Path, keys: str) -> None:
    assert load(written(tmp_path, keys)).rows


def test_a_backbone_alone_may_have_any_number_of_heads(tmp_path: Path) -> None:
    rows = "heads: 8\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n"
    assert len(load(written(tmp_path, "", rows)).rows) == 1
