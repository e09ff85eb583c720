"""What runs in other people's repositories, run as it is run there: the action's steps, and the hook's command."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

BUDGETS = '[[budgets]]\nvariants = "nets/*.yaml"\nimgsz = 64\nparameters = { max = "52 K", max_increase = 0 }\n'


@pytest.fixture
def repository(tmp_path: Path, tiny: str) -> Path:
    """A repository whose last commit holds its budgets, and its working tree too."""
    folder = tmp_path / "repository"
    (folder / "nets").mkdir(parents=True)
    (folder / "nets" / "tiny.yaml").write_text(tiny, encoding="utf-8")
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for line in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *identity, *line], cwd=folder, check=True)
    return folder


@pytest.fixture
def example(checkout: Path, tmp_path: Path) -> Path:
    """The example of the documentation as a repository of its own, on its main branch."""
    folder = tmp_path / "example"
    shutil.copytree(checkout / "docs" / "examples" / "ci", folder)
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    for line in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *identity, *line], cwd=folder, check=True)
    return folder


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"]))
    return {**os.environ, "PATH": path, **more}


def run_action(checkout: Path, repository: Path, **inputs: str) -> tuple[int, str, str]:
    """Run every step as GitHub does: its expressions filled in, in bash that stops at the first error.

    Returns:
        The exit code, what is printed, and the step's summary.
    """
    action = yaml.safe_load((checkout / ".github/actions/check/action.yml").read_text(encoding="utf-8"))
    values = {f"inputs.{name}": one["default"] for name, one in action["inputs"].items()}
    values |= {f"inputs.{name.replace('_', '-')}": value for name, value in inputs.items()}
    values["github.action_path"] = str(checkout / ".github/actions/check")
    values |= {"runner.temp": str(repository.parent), "runner.os": "Linux"}
    summary = repository.parent / "summary.md"
    summary.touch()

    def filled(text: str) -> str:
        return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda match: values[match[1]], text)

    printed = ""
    for step in action["runs"]["steps"]:
        if "uses" in step:  # GitHub's own: keeps a folder between runs
            assert re.fullmatch(r"actions/cache@v\d+", step["uses"])
            assert step["with"]["path"] == "${{ runner.temp }}/archprof-cache"
            continue
        assert "${{" not in step["run"]  # what somebody else writes never becomes a part of a script
        run = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=repository / filled(step.get("working-directory", ".")),
            env=environment(
                GITHUB_STEP_SUMMARY=str(summary), **{key: filled(value) for key, value in step.get("env", {}).items()}
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed += run.stdout
        if run.returncode:
            break
    return run.returncode, printed, summary.read_text(encoding="utf-8")


def test_the_action_passes_what_holds_and_fails_what_has_grown(checkout: Path, repository: Path, tiny: str) -> None:
    code, printed, summary = run_action(checkout, repository, arguments="--against main", working_directory="nets")
    assert code == 0, printed
    assert "::error" not in printed
    assert summary.startswith("### Within budget\n")

    path = repository / "nets" / "tiny.yaml"
    path.write_text(tiny.replace("nc: 2", "nc: 3"), encoding="utf-8")
    code, printed, summary = run_action(checkout, repository, arguments="--against main")
    # A class more is a row of the classifier's matrix more, 1,280 weights and a bias.
    assert code == 1, printed
    assert "OVER BUDGET" in printed
    assert (
        "\n::error file=nets/tiny.yaml,line=1,title=nets/tiny.yaml · imgsz 64%3A parameters::52,499, baseline 51,218"
        in printed
    )
    assert summary.startswith("### Over budget\n")


def test_the_action_runs_no_argument_as_a_command(checkout: Path, repository: Path) -> None:
    code, printed, _ = run_action(checkout, repository, arguments="$(touch leaked) ; touch leaked")
    assert code == 2, printed
    assert not (repository / "leaked").exists()


def test_the_hook_runs_its_command_when_a_model_or_a_budget_changes(checkout: Path, repository: Path) -> None:
    hook, system = yaml.safe_load((checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    for name in (
        "nets/tiny.yaml",
        "nets/b.yml",
        "blocks.py",
        "archprof.toml",
        "sub/pyproject.toml",
        "archprof.lock.json",
    ):
        assert re.search(hook["files"], name), name
    for name in ("README.md", "data.json", "poetry.toml"):
        assert not re.search(hook["files"], name), name

    assert {**system, **{key: hook[key] for key in ("id", "description", "language")}} == hook
    assert system["language"] == "system"
    command = shlex.split(hook["entry"])
    assert hook["pass_filenames"] is False
    good = subprocess.run(command, cwd=repository, env=environment(), capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    (repository / "archprof.toml").write_text(BUDGETS.replace("52 K", "51 K"), encoding="utf-8")
    bad = subprocess.run(command, cwd=repository, env=environment(), capture_output=True, text=True)
    assert bad.returncode == 1, bad.stderr
    assert "nets/tiny.yaml · imgsz 64 · parameters   OVER BUDGET\n" in bad.stdout


@pytest.mark.parametrize(
    ("change", "code", "title", "before_and_after"),
    [
        # Row 3 is a 3×3 convolution of 64 channels: with 256 of them it has 192 · 9 · 64 weights and 2 · 192 of its
        # normalisation more, and the head's 1×1 convolution to 1280 channels 192 · 1280. 110,592 + 384 + 245,760.
        ("over-budget", 1, "Over budget", ["parameters | 157,178 | 513,914 | +226.96 %"]),
        # A class is a row of the classifier more: 1280 weights and a bias.
        ("fine", 0, "Within budget", ["parameters | 157,178 | 158,459 | +0.81 %"]),
        # 8 channels more: 8 · (9 · 64 + 2 + 1280) parameters, of which the lock file that comes with them has the sum.
        ("accepted", 0, "Within budget", []),
    ],
)
def test_the_example_repository(
    checkout: Path, example: Path, change: str, code: int, title: str, before_and_after: list[str]
) -> None:
    subprocess.run(["git", "apply", f"changes/{change}.patch"], cwd=example, check=True)
    actual, printed, summary = run_action(checkout, example, sarif="archprof.sarif", comment="comment.md")
    assert actual == code, printed
    assert summary.startswith(f"### {title}\n")
    assert (example / "comment.md").read_text(encoding="utf-8") == summary
    assert ("Changed since archprof.lock.json" in summary) == bool(before_and_after)
    for line in before_and_after:
        assert f"| models/net.yaml · imgsz 64 | {line} |" in summary
    (run,) = json.loads((example / "archprof.sarif").read_text(encoding="utf-8"))["runs"]
    lines = {
        (place["artifactLocation"]["uri"], place["region"]["startLine"])
        for result in run["results"]
        for place in (location["physicalLocation"] for location in result["locations"])
    }
    assert lines == ({("models/net.yaml", 6)} if code else set())


def test_what_the_example_accepts_is_refused_without_its_lock(checkout: Path, example: Path) -> None:
    subprocess.run(["git", "apply", "changes/accepted.patch"], cwd=example, check=True)
    subprocess.run(["git", "checkout", "-q", "archprof.lock.json"], cwd=example, check=True)
    code, printed, _ = run_action(checkout, example)
    assert code == 1, printed
    # 157,178 + 8 · 1,858
    assert "172,042" in printed


def test_the_examples_own_files_name_what_there_is(checkout: Path, example: Path) -> None:
    workflow = yaml.safe_load((example / ".github/workflows/budgets.yml").read_text(encoding="utf-8"))
    action = yaml.safe_load((checkout / ".github/actions/check/action.yml").read_text(encoding="utf-8"))
    (step,) = [step for step in workflow["jobs"]["budgets"]["steps"] if "archprof" in step.get("uses", "")]
    assert step["with"].keys() <= action["inputs"].keys()
    (hook,) = yaml.safe_load((example / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert hook["id"] in (checkout / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    gitlab = yaml.safe_load((example / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    command = gitlab["budgets"]["script"][-1]
    assert subprocess.run(shlex.split(command), cwd=example, env=environment(), check=False).returncode == 0
    for report in gitlab["budgets"]["artifacts"]["reports"].values():
        assert (example / report).stat().st_size
