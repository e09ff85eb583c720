"""What a project says once for every command: where it is read, what overrides it, what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

BLOCKS = """
from pathlib import Path
from torch import nn
from archprof import register

Path(__file__).with_name("ran").touch()

@register("Same")
class Same(nn.Identity):
    def __init__(self, *arguments):
        super().__init__()
"""

PYPROJECT = """\
[project]
name = "nets"

[tool.archprof]
imgsz = 64
nc = 3
plugins = "blocks.py"
"""


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a configuration, and the folder in it that one works in."""
    (folder / ".git").mkdir()
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (folder / "blocks.py").write_text(BLOCKS, encoding="utf-8")
    inner = folder / "models"
    inner.mkdir()
    (folder / "tiny.yaml").rename(inner / "tiny.yaml")
    monkeypatch.chdir(inner)
    return folder


def summary(archprof: Callable[[str], Result], options: str = "") -> dict[str, object]:
    result = archprof(f"summary tiny.yaml {options} --format json")
    assert result.exit_code == 0, result.stderr
    profile = json.loads(result.stdout)
    return {"size": profile["input"]["shapes"][0][2], "nc": profile["variant"]["nc"]}


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    archprof: Callable[[str], Result], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert summary(archprof) == {"size": 64, "nc": 3}
    assert (project / "ran").exists()
    monkeypatch.setenv("ARCHPROF_IMGSZ", "96")
    assert summary(archprof) == {"size": 96, "nc": 3}
    assert summary(archprof, "--imgsz 32 --nc 5") == {"size": 32, "nc": 5}


def test_config_tells_the_file_the_values_and_what_overrides_them(
    archprof: Callable[[str], Result], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHPROF_IMGSZ", "96")
    told = json.loads(archprof("config --format json").stdout)
    assert told["file"] == "../pyproject.toml"
    assert [(value["key"], value["value"], value["line"], value["overridden_by"]) for value in told["values"]] == [
        ("imgsz", "64", 5, "ARCHPROF_IMGSZ=96"),
        ("nc", "3", 6, None),
        ("plugins", ["../blocks.py"], 7, None),
    ]
    assert not (project / "ran").exists()
    assert "../pyproject.toml:5" in archprof("config").stdout


@pytest.mark.parametrize(
    "command", ["summary", "compare tiny.yaml", "audit --counter fvcore", "bench", "parameternet", "check"]
)
def test_no_plugins_holds(archprof: Callable[[str], Result], project: Path, command: str) -> None:
    budgets = '[[tool.archprof.budgets]]\nvariants = "models/tiny.yaml"\nflops = {max = "1 G"}\n'
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(budgets)
    name = "" if command == "check" else " tiny.yaml"
    result = archprof(f"{command}{name} --no-plugins")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: --no-plugins refuses to run ../blocks.py" in result.stderr
    assert not (project / "ran").exists()


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("imgzs = 64", "pyproject.toml:5: imgzs: unknown key", "did you mean imgsz?"),
        ("imgsz = true", "pyproject.toml:5: imgsz: must be a side", ""),
        ("nc = 0", "pyproject.toml:5: nc: must be a whole number from 1 up, not 0", ""),
        ("plugins = [1]", "pyproject.toml:5: plugins: must be text, or a list of it", ""),
        ('families = {"*.yaml" = 3}', "pyproject.toml:5: families: '*.yaml' must be the name of a family", ""),
        ('families = "yolov13"', "pyproject.toml:5: families: must be a table", ""),
        ("set = 3", "pyproject.toml:5: set: must be a table", ""),
        ("imgsz = ", "pyproject.toml:5:9: not valid TOML", ""),
    ],
)
def test_a_mistake_is_one_message_with_its_line(
    archprof: Callable[[str], Result], project: Path, line: str, message: str, hint: str
) -> None:
    text = f'[project]\nname = "nets"\n\n[tool.archprof]\n{line}\n'
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    for command in ("summary tiny.yaml", "config"):
        result = archprof(command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr
        assert hint in result.stderr
    assert archprof("summary --help").exit_code == 0


def test_what_lies_above_the_repository_is_not_the_projects(
    archprof: Callable[[str], Result], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody put into a folder above, as ``/tmp``, names no code that runs here."""
    (project / ".git").rmdir()
    assert json.loads(archprof("config --format json").stdout) == {"file": None, "values": []}
    assert summary(archprof, "--imgsz 32") == {"size": 32, "nc": 2}
    assert not (project / "ran").exists()
    monkeypatch.chdir(project)
    assert json.loads(archprof("config --format json").stdout)["file"] == "pyproject.toml"


def test_budgets_may_be_in_another_file(archprof: Callable[[str], Result], project: Path) -> None:
    budgets = '[[budgets]]\nvariants = "models/tiny.yaml"\nimgsz = 32\nflops = {max = "1 G"}\n'
    (project / "archprof.toml").write_text(budgets, encoding="utf-8")
    result = archprof("check --format json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["cases"][0]["shapes"][0][2] == 32


def configure(project: Path, *lines: str) -> None:
    text = "\n".join(("[tool.archprof]", *lines, ""))
    (project / "pyproject.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "options", "origin"),
    [
        ("imgsz = 100", "", "imgsz is set in ../pyproject.toml:2 ([tool.archprof])"),
        ('dtype = "float23"', "", "dtype is set in ../pyproject.toml:2 ([tool.archprof])"),
        ('scale = "z"', "", "scale is set in ../pyproject.toml:2 ([tool.archprof])"),
        ("imgsz = 100", "--imgsz 101", ""),
        ("imgsz = 64", "--nc 0", ""),
    ],
)
def test_an_error_names_the_line_that_its_value_came_from(
    archprof: Callable[[str], Result], project: Path, line: str, options: str, origin: str
) -> None:
    configure(project, line)
    result = archprof(f"summary yolo11n {options}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")
    assert (origin in result.stderr) if origin else ("is set in" not in result.stderr)


def names(result: Result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    profiles = json.loads(result.stdout)
    return [profile["variant"]["path"] for profile in (profiles if isinstance(profiles, list) else [profiles])]


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["old"], ["a.yaml", "b-draft.yaml"]),
        (["models/old"], ["a.yaml", "b-draft.yaml"]),
        (["*-draft.yaml"], ["a.yaml", "old/c.yaml"]),
        (["models/*.yaml"], []),
        (["./models/old/", "*draft*"], ["a.yaml"]),
    ],
)
def test_folders_and_patterns_leave_out_what_is_excluded(
    archprof: Callable[[str], Result], project: Path, patterns: list[str], left: list[str]
) -> None:
    tiny = project / "models" / "tiny.yaml"
    (project / "models" / "old").mkdir()
    for name in ("a.yaml", "b-draft.yaml", "old/c.yaml"):
        (project / "models" / name).write_text(tiny.read_text(encoding="utf-8"), encoding="utf-8")
    tiny.unlink()
    budget = '[[tool.archprof.budgets]]\nvariants = "models/**/*.yaml"\nflops = {max = "1 T"}'
    configure(project, f"exclude = {json.dumps(patterns)}", "imgsz = 32", budget)
    result, check = archprof("summary **/*.yaml --format json"), archprof("check --format json")
    if left:
        assert names(result) == left
        cases = json.loads(check.stdout)["cases"]
        assert [case["variant"] for case in cases] == [f"models/{name}" for name in left]
    else:
        assert (result.exit_code, check.exit_code) == (2, 2)
        assert "error: no model in '**/*.yaml': the project excludes 3 files of it\n" in result.stderr
        assert "exclude is set in ../pyproject.toml:2 ([tool.archprof])" in result.stderr
    # What is named by itself is meant.
    assert names(archprof("summary a.yaml old/c.yaml --format json")) == ["a.yaml", "old/c.yaml"]


def test_a_project_gives_its_files_their_families(archprof: Callable[[str], Result], project: Path) -> None:
    def family(name: str) -> str:
        family: str = json.loads(archprof(f"summary {name} --imgsz 32 --format json").stdout)["variant"]["family"]
        return family

    configure(project)
    assert family("tiny.yaml") == "ultralytics"
    configure(project, 'families = {"other/*" = "yolo11", "models/*" = "yolov13"}')
    assert family("tiny.yaml") == "yolov13"
    text = (project / "models" / "tiny.yaml").read_text(encoding="utf-8")
    (project / "models" / "own.yaml").write_text(f"family: yolo11\n{text}", encoding="utf-8")
    assert family("own.yaml") == "yolo11"  # what the file says goes before
    told = json.loads(archprof("config --format json").stdout)["values"]
    assert [value["value"] for value in told] == [["other/* = yolo11", "models/* = yolov13"]]
