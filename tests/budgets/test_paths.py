from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.budgets.paths import folder_in, repository_root

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_root_is_the_top_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    below = tmp_path / "models" / "own"
    below.mkdir(parents=True)
    # A submodule's and a worktree's is a file.
    if kind == "folder":
        (tmp_path / ".git").mkdir()
    else:
        (tmp_path / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    monkeypatch.chdir(below)
    root = repository_root(below)
    assert root == tmp_path.resolve()
    assert folder_in(root) == "models/own"


def test_without_a_repository_it_is_the_budget_file_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert repository_root(tmp_path) == tmp_path.resolve()
    assert folder_in(tmp_path.resolve()) == "here"


def test_a_check_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("repository", "elsewhere"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert folder_in(repository_root(tmp_path / "repository")) == "../elsewhere"
