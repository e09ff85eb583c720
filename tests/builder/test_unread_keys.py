"""A mistyped top-level key is told of, and a note of the file's own is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.builder.load import build
from archprof.sources import yaml_file

if TYPE_CHECKING:
    from pathlib import Path

DYNAMIC = """\
family: yolov13
{keys}
backbone:
  - [-1, 1, DynamicConv, [16, 3, 2]]
  - [-1, 1, Conv, [wide, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


def remarks(tmp_path: Path, keys: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_text(DYNAMIC.format(keys=f"nc: 2\nwide: 16\n{keys}"), encoding="utf-8")
    return [
        remark.removeprefix(f"{path}:") for remark in build(yaml_file.load(path)).remarks if "nothing reads" in remark
    ]


@pytest.mark.parametrize(
    ("keys", "meant"),
    [
        ("expert: 8", "experts"),
        ("exprets: 8", "experts"),
        ("rooter: mlp", "router"),
        ("chanels: 4", "channels"),
        ("inplce: False", "inplace"),
    ],
)
def test_a_key_that_is_nearly_another(tmp_path: Path, keys: str, meant: str) -> None:
    # After the family, nc and wide.
    assert remarks(tmp_path, keys) == [f"4: nothing reads {keys.partition(':')[0]!r}; did you mean {meant}?"]


@pytest.mark.parametrize(
    ("argument", "meant"),
    [("Fasle", "False"), ("Flase", "False"), ("Ture", "True"), ("Nnoe", "None"), ("nearest", None), ("wide", None)],
)
def test_an_argument_that_is_nearly_a_literal(tmp_path: Path, argument: str, meant: str | None) -> None:
    path = tmp_path / "mine.yaml"
    row = f"[-1, 1, C2f, [8, {argument}]]" if argument != "nearest" else "[-1, 1, nn.Upsample, [None, 2, nearest]]"
    path.write_text(f"nc: 2\nwide: 1\nbackbone:\n  - {row}\nhead:\n  - [-1, 1, Classify, [nc]]\n", encoding="utf-8")

    notes = [remark for remark in build(yaml_file.load(path)).remarks if "did you mean" in remark]

    expected = f"{path}:4: row 0 takes {argument!r} as a text; did you mean {meant}?"
    assert notes == ([expected] if meant else [])


@pytest.mark.parametrize(
    "keys",
    [
        "experts: 2\nrouter: mlp",
        "experts: 2\nexpert: me",  # what it is nearly is there
        "scales:\n  n: [0.5, 0.25, 1024]\nscale: n",  # as Ultralytics saves it
        "date: 2025-01-01\nauthors: [me]\nabout: mine\nsource: here\nnames: [a, b]",
        "rows_of_routers: 16",
    ],
)
def test_a_key_that_means_something_or_nothing_of_ours(tmp_path: Path, keys: str) -> None:
    assert remarks(tmp_path, keys) == []
