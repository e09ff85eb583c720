from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof import cache
from archprof.cache.store import ROWS, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.usefixtures("as_new")

SUMMARY = "summary tiny.yaml --scale n --imgsz 32"


def stored() -> int:
    return Store(cache.folder()).usage()[0]


def test_a_folder_that_cannot_be_used_is_told(
    archprof: Callable[[str], Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other commands count anew and say nothing: whatever is wrong with a cache, there is a result."""
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    for folder in (file, file / "below"):
        monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(folder))
        result = archprof("cache")
        assert result.exit_code == 2
        assert result.stdout.startswith("0 results, 0 B of at most 256.00 MB")
        assert f"error: {folder / 'results'}: cannot be used: Not a directory\n" in result.stderr
        assert "ARCHPROF_CACHE_DIR=FOLDER" in result.stderr
        result = archprof("cache --clear")
        assert (result.exit_code, result.stdout) == (2, "")
        assert archprof(SUMMARY).exit_code == 0
    file.unlink()
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "results").write_text("", encoding="utf-8")  # a file in its place
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(tmp_path / "cache"))
    assert "cannot be used: Not a directory" in archprof("cache").stderr


def test_what_is_kept_is_shown_and_deleted(archprof: Callable[[str], Result]) -> None:
    assert archprof("cache").stdout == f"0 results, 0 B of at most 256.00 MB, in {cache.folder() / 'results'}\n"
    archprof(SUMMARY)
    files = list((cache.folder() / "results").iterdir())
    size = sum(file.stat().st_size for file in files)
    assert files
    assert archprof("cache").stdout.startswith(f"{len(files)} results, {size / 1000:.2f} kB of ")
    rows = [file for file in files if file.name.startswith(ROWS)]
    records = f"({len(rows)} records of rows, {sum(file.stat().st_size for file in rows) / 1000:.2f} kB)"
    # Of each of the three rows there is a record, and one of what it gives at the size that thop looks at.
    assert len(rows) >= 6
    assert f" of at most 256.00 MB {records}, in " in archprof("cache").stdout
    assert archprof("cache --clear").stdout.startswith(f"deleted {len(files)} results, ")
    assert stored() == 0


def test_a_command_that_is_called_from_python_keeps_results_for_itself_alone(
    archprof: Callable[[str], Result],
) -> None:
    archprof(SUMMARY)
    assert stored() > 0
    assert not cache.enabled
    archprof("summary nowhere.yaml")
    assert not cache.enabled


@pytest.mark.parametrize("form", ["text", "json", "markdown", "csv"])
def test_a_kept_answer_is_the_fresh_one_byte_for_byte(archprof: Callable[[str], Result], form: str) -> None:
    line = f"{SUMMARY} --format {form} --detail modules --convention fvcore"
    fresh, second, anew = archprof(line), archprof(line), archprof(f"{line} --no-cache")

    assert fresh.exit_code == 0
    assert (second.stdout, second.stderr) == (fresh.stdout, fresh.stderr)
    assert (anew.stdout, anew.stderr) == (fresh.stdout, fresh.stderr)


@pytest.mark.parametrize("line", [f"{SUMMARY} --no-cache", f"--no-cache {SUMMARY}"])
def test_nothing_is_kept_where_that_is_not_wanted(archprof: Callable[[str], Result], line: str) -> None:
    assert archprof(line).exit_code == 0
    assert stored() == 0


def test_the_environment_may_forbid_it(archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHPROF_NO_CACHE", "1")
    assert archprof(SUMMARY).exit_code == 0
    assert stored() == 0


def test_a_cache_that_cannot_be_written_is_no_matter(
    archprof: Callable[[str], Result], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHPROF_CACHE_DIR", str(folder / "tiny.yaml"))
    result = archprof(SUMMARY)

    assert (result.exit_code, result.stderr) == (0, "")


def test_an_unchanged_variant_costs_no_import_of_torch(folder: Path) -> None:
    code = (
        "import sys\n"
        "from archprof.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print(*{'torch', 'ultralytics', 'numpy'} & set(sys.modules), file=sys.stderr)"
    )

    def run() -> tuple[str, set[str]]:
        line = [sys.executable, "-c", code, *SUMMARY.split(), "--format", "json", "--quiet"]
        ended = subprocess.run(line, cwd=folder, env=os.environ, capture_output=True, text=True, check=True)
        return ended.stdout, set(ended.stderr.split())

    (fresh, counting), (second, reading) = run(), run()
    assert "torch" in counting
    assert reading == set()
    assert second == fresh
    assert json.loads(second)["totals"]["parameters"] == 51_218
