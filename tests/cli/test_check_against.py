from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

BUDGETS = '[[budgets]]\nvariants = "*.yaml"\nimgsz = 64\nflops = { max_increase = 0 }\n'


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def changed_repository(folder: Path) -> Path:
    """A repository with the budgets and the variant, whose row 1 has since lost its stride; see test_check.py."""
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "first")
    path = folder / "tiny.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("[32, 3, 2]", "[32, 3, 1]"), encoding="utf-8")
    return folder


def test_a_git_revision(changed_repository: Path, archprof: Callable[[str], Result]) -> None:
    (changed_repository / "new.yaml").write_text(
        (changed_repository / "tiny.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    result = archprof("check --against main --format json")
    assert result.exit_code == 1
    new, old = json.loads(result.stdout)["cases"]
    assert (new["variant"], new["results"][0]["state"]) == ("new.yaml", "no_baseline")
    (rule_result,) = old["results"]
    assert (rule_result["baseline"], rule_result["actual"], rule_result["excess"]) == (
        24_220_672,
        94_213_120,
        69_992_448,
    )
    assert tuple(rule_result["attribution"][key] for key in ("row", "reason", "line")) == (1, "changed", 7)
    assert "note: no baseline in main, growth could not be evaluated: new.yaml\n" in result.stderr
    text = archprof("check --against main").stdout
    assert "  to accept   change flops.max_increase in archprof.toml:4\n" in text


def test_a_git_revision_from_a_folder_below(
    changed_repository: Path, archprof: Callable[[str], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    below = changed_repository / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    result = archprof("check --against main --format concise")
    assert result.exit_code == 1
    assert result.stdout.startswith("../tiny.yaml:7: error: tiny.yaml · scale n · imgsz 64: flops: 94.21 MFLOPs")


def test_a_saved_profile(changed_repository: Path, archprof: Callable[[str], Result]) -> None:
    path = changed_repository / "tiny.yaml"
    after = path.read_text(encoding="utf-8")
    path.write_text(after.replace("[32, 3, 1]", "[32, 3, 2]"), encoding="utf-8")
    for size in (64, 32):
        assert archprof(f"summary tiny.yaml --imgsz {size} -o before{size}.json").exit_code == 0
    path.write_text(after, encoding="utf-8")

    result = archprof("check --against before64.json --format json")
    (rule_result,) = json.loads(result.stdout)["cases"][0]["results"]
    assert (result.exit_code, rule_result["baseline"], rule_result["actual"]) == (1, 24_220_672, 94_213_120)
    # Of another size, it is not of this case.
    another_model = archprof("check --against before32.json")
    assert another_model.exit_code == 0
    assert "note: no baseline in before32.json, growth could not be evaluated: tiny.yaml\n" in another_model.stderr


def test_another_lock_file(changed_repository: Path, archprof: Callable[[str], Result]) -> None:
    assert archprof("check --update-lock").exit_code == 0
    (changed_repository / "archprof.lock.json").rename(changed_repository / "agreed.json")
    result = archprof("check --against agreed.json")
    assert (result.exit_code, result.stderr) == (0, "note: 1 case: 1 within budget\n")


@pytest.mark.parametrize(
    ("against", "message"),
    [
        ("mian", "no git revision 'mian'\ndid you mean main?"),
        ("tiny.yaml", "tiny.yaml:1: neither a saved profile, a benchmark nor a lock file"),
        ("archprof.toml", "archprof.toml:1: neither a saved profile, a benchmark nor a lock file"),
    ],
)
def test_what_cannot_be_compared_with_is_two(
    changed_repository: Path, archprof: Callable[[str], Result], against: str, message: str
) -> None:
    result = archprof(f"check --against {against}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_no_repository(folder: Path, archprof: Callable[[str], Result]) -> None:
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    result = archprof("check --against HEAD")
    assert result.exit_code == 2
    assert "git: not a git repository" in result.stderr
