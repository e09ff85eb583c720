from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result


def explained(archprof: Callable[[str], Result], name: str) -> dict[str, dict[str, str]]:
    result = archprof(f"explain block {name} --format json")
    assert result.exit_code == 0, result.stderr
    return {entry["family"]: entry for entry in json.loads(result.stdout)}


def test_a_block_is_explained_with_arguments_rule_and_a_real_row(archprof: Callable[[str], Result]) -> None:
    entry = explained(archprof, "C3k2")["ultralytics"]
    assert entry["class"] == "ultralytics.nn.modules.block.C3k2"
    assert entry["takes"].startswith("C3k2(c1, c2, n=1, c3k=False")
    assert "the sizes m, l and x always use the inner C3k" in entry["rule"]
    path, _, line = entry["file"].rpartition(":")
    text = Path(path).read_text().splitlines()[int(line) - 1]
    assert entry["example"] in text.replace("  ", " ")


def test_a_block_of_several_families_is_explained_for_each(archprof: Callable[[str], Result]) -> None:
    families = explained(archprof, "DynamicConv")
    assert {"yolo26", "yolov10", "yolov13"} <= set(families)
    for family, entry in families.items():
        assert "the first argument is the output channels" in entry["rule"], family
        assert entry["file"] is None or f"/{family}/" in entry["file"]


def test_every_block_can_be_explained(archprof: Callable[[str], Result]) -> None:
    from archprof.builder.block_help import about, all_blocks, example, rule_of, takes

    blocks = all_blocks()
    assert len(blocks) > 200
    for block in blocks:
        assert takes(block).startswith("(")
        assert rule_of(block), block
        assert isinstance(about(block), str)
    # Each is in a YAML that Ultralytics ships.
    common = ("Conv", "SPPF", "Detect", "Concat", "nn.Upsample")
    assert all(example(block) for block in blocks if block.name in common and block.family == "ultralytics")


@pytest.mark.parametrize(("name", "near"), [("C3k3", "C3k2"), ("conv", "Conv"), ("nn.Conv2", "nn.Conv2d")])
def test_an_unknown_block_gets_the_nearest_names(archprof: Callable[[str], Result], name: str, near: str) -> None:
    result = archprof(f"explain block {name}")
    assert result.exit_code == 2
    assert f"there is no block {name!r}" in result.stderr
    assert near in result.stderr


def test_the_printed_explanation_fits_a_terminal(
    archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = archprof("explain block C3k2").stdout.splitlines()
    assert any(line.startswith("C3k2 (ultralytics)") for line in lines)


def test_the_first_sentence_of_a_block_is_whole(archprof: Callable[[str], Result]) -> None:
    # torch breaks it behind "several input".
    assert "over an input signal composed of several input planes.\n" in archprof("explain block nn.Conv2d").stdout
