from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from archprof.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

# Three rows; only `nc` and the scales are ever changed.
TINY = """\
nc: 2
scales:
  n: [1.0, 1.0, 1024]
  s: [1.0, 2.0, 1024]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with ``tiny.yaml`` in it; nothing that another test counted is kept."""
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for variable in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture
def archprof(folder: Path) -> Callable[..., Result]:
    """Run a command line in this process, in the working folder."""

    def run(line: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, line.split(), input=stdin, prog_name="archprof")

    return run
