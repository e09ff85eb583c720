from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# One row; what is in it does not matter where nothing is built.
YAML = "nc: 2\nscales: {n: [1.0, 1.0, 1024], s: [1.0, 2.0, 1024]}\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\nhead: []\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with two variants under ``models`` and one under ``models/old``."""
    for name in ("a", "b", "old/c"):
        path = tmp_path / "models" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(YAML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def budgets(folder: Path) -> Callable[[str], Path]:
    """Write ``archprof.toml``."""

    def write(text: str) -> Path:
        path = folder / "archprof.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
