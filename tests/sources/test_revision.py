from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from archprof.errors import ArchprofError, UnknownReferenceError, VariantError
from archprof.sources.reference import resolve, scales
from archprof.sources.spec import VariantSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINE = """\
scales: {n: [0.33, 0.25, 1024], l: [1, 1, 512]}
backbone: [[-1, 1, Conv, [64]]]
"""


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """An empty repository, which is the working folder; what a git command prints there."""
    monkeypatch.chdir(tmp_path)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]

    def run(*arguments: str) -> str:
        return subprocess.run(["git", *who, *arguments], check=True, capture_output=True, text=True).stdout

    run("init")
    return run


@pytest.fixture
def repository(git: Callable[..., str], tmp_path: Path) -> Path:
    """Two commits: ``models/yolo1.yaml`` has 64 channels in the first and 32 in the second."""
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "yolo1.yaml"
    for text in (MINE, MINE.replace("64", "32")):
        file.write_text(text, encoding="utf-8")
        git("add", ".")
        git("commit", "-m", "one")
    return tmp_path


def variant(text: str, scale: str | None = None) -> VariantSpec:
    spec = resolve(text, scale=scale)
    assert isinstance(spec, VariantSpec)
    return spec


@pytest.mark.parametrize(
    ("text", "channels", "scale"),
    [
        ("HEAD~1:models/yolo1.yaml", 64, "n"),
        ("main:models/yolo1.yaml", 32, "n"),
        ("HEAD~1:models/yolo1l.yaml", 64, "l"),
        ("HEAD~1:./models/yolo1.yaml", 64, "n"),
    ],
)
def test_a_file_at_a_revision(repository: Path, text: str, channels: int, scale: str) -> None:
    (repository / "models" / "yolo1.yaml").write_text("not: [what, is, read", encoding="utf-8")
    spec = variant(text)
    assert (spec.rows[0].arguments, spec.scale, spec.name, spec.reference) == ((channels,), scale, "yolo1", text)
    assert scales(text) == ("n", "l")


def test_in_a_folder_of_the_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "models")
    assert variant("HEAD:./yolo1.yaml").rows == variant("HEAD:models/yolo1.yaml").rows
    assert variant("HEAD:../models/yolo1.yaml", "l").scale == "l"
    with pytest.raises(UnknownReferenceError, match=r"no file 'yolo1\.yaml' in git revision 'HEAD'") as caught:
        resolve("HEAD:yolo1.yaml")
    assert caught.value.hint == "paths begin at the repository's top, or with ./ in this folder"


def test_a_scale_asked_for_goes_before_one_in_the_name(repository: Path) -> None:
    assert variant("HEAD:models/yolo1l.yaml", "n").scale == "n"


def test_a_file_of_that_very_name_goes_first(repository: Path) -> None:
    (repository / "HEAD:models").mkdir()
    (repository / "HEAD:models" / "yolo1.yaml").write_text(MINE.replace("64", "16"), encoding="utf-8")
    assert variant("HEAD:models/yolo1.yaml").rows[0].arguments == (16,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HEAD~9:models/yolo1.yaml", "no git revision 'HEAD~9'\nHEAD does not go back that far"),
        ("mian:models/yolo1.yaml", "no git revision 'mian'\ndid you mean main?"),
        ("--output=x:models/yolo1.yaml", "no git revision '--output=x'\nrevisions: HEAD, main"),
        (
            "HEAD:models/yolo2.yaml",
            "no file 'models/yolo2.yaml' in git revision 'HEAD'\ndid you mean HEAD:models/yolo1.yaml?",
        ),
        (
            "HEAD:other/yolo1.yaml",
            "no file 'other/yolo1.yaml' in git revision 'HEAD'\n"
            "paths begin at the repository's top; HEAD:./other/yolo1.yaml begins in this folder",
        ),
        (
            "HEAD:models/mine/.yaml",
            "no file 'models/mine/.yaml' in git revision 'HEAD'\n"
            "paths begin at the repository's top; HEAD:./models/mine/.yaml begins in this folder",
        ),
        (
            "HEAD~1:runs/best.onnx",
            "'HEAD~1:runs/best.onnx': only a YAML is read at a git revision\n"
            "`git show 'HEAD~1:runs/best.onnx' > before-best.onnx`, and name that file",
        ),
    ],
)
def test_what_is_not_there(repository: Path, text: str, message: str) -> None:
    with pytest.raises(UnknownReferenceError) as caught:
        resolve(text)
    assert str(caught.value) == message


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UnknownReferenceError, match="git: not a git repository"):
        resolve("HEAD:my.yaml")


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnknownReferenceError, match="git is not installed"):
        resolve("HEAD:my.yaml")


def test_a_mistake_in_the_file_says_where_it_stands(repository: Path, git: Callable[..., str]) -> None:
    (repository / "bad.yaml").write_text("backbone:\n  - [-1, 1, Conv]\n", encoding="utf-8")
    (repository / "large.yaml").write_text("#" * (1 << 20) + "\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-m", "bad")
    with pytest.raises(ArchprofError, match=r"^HEAD:bad\.yaml:2:5: row 0 must be"):
        resolve("HEAD:bad.yaml")
    with pytest.raises(VariantError, match=r"^HEAD:large\.yaml: larger than 1,048,576 bytes"):
        resolve("HEAD:large.yaml")


def test_nothing_is_written(repository: Path) -> None:
    def state() -> dict[Path, tuple[int, int]]:
        return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in repository.rglob("*")}

    before = state()
    resolve("HEAD~1:models/yolo1.yaml")
    assert state() == before


def test_what_a_shallow_clone_lacks(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path_factory.mktemp("clone")
    git("clone", "--quiet", "--depth", "1", f"file://{repository}", str(clone))
    monkeypatch.chdir(clone)
    with pytest.raises(ArchprofError, match="this clone is shallow: `git fetch --unshallow`, or fetch-depth: 0"):
        resolve("HEAD~1:models/yolo1.yaml")
