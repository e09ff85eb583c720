"""Blocks that only another repository has are named as that repository's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.builder.load import build
from archprof.errors import BuildError
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("row", "repository"),
    [("[-1, 1, MP, []]", "YOLOv7"), ("[-1, 1, SPPCSPC, [8]]", "YOLOv7"), ("[[0], 1, DDetect, [nc]]", "YOLOv9")],
)
def test_a_block_of_another_repository(tmp_path: Path, row: str, repository: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(f"nc: 3\nbackbone:\n  - [-1, 1, Conv, [8, 3, 2]]\n  - {row}\n", encoding="utf-8")
    with pytest.raises(BuildError, match="unknown block") as caught:
        build(load(path))
    assert f"is a block of {repository}'s own repository, which archprof does not have" in (caught.value.hint or "")
