"""The project's own checks on GitHub are the sessions of the noxfile, with no more rights than reading takes."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
FILES = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))


def jobs(file: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"])


def sessions() -> tuple[set[str], set[str]]:
    """All sessions of the noxfile, and those that ``nox`` runs without being told."""
    tree = ast.parse((CHECKOUT / "noxfile.py").read_text(encoding="utf-8"))
    defined, default = set(), set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any("nox.session" in ast.unparse(one) for one in node.decorator_list):
            defined.add(node.name)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "nox.options.sessions":
            default = set(ast.literal_eval(node.value))
    return defined, default


def runs(job: dict[str, Any]) -> set[tuple[str, str]]:
    """The sessions of a job's matrix, each with its Python."""
    matrix = job["strategy"]["matrix"]
    product = {(session, python) for session in matrix["session"] for python in matrix["python"]}
    return product | {(one["session"], one["python"]) for one in matrix.get("include", [])}


def test_every_session_exists_and_every_default_session_runs() -> None:
    defined, default = sessions()
    by_job = {name: {session for session, _ in runs(job)} for name, job in jobs(FILES[0]).items()}

    assert [file.name for file in FILES] == ["ci.yml"]
    assert default == {"lint", "types", "docs", "tests"}
    assert default == by_job["check"]
    assert by_job["weekly"] == {"full"}
    assert set().union(*by_job.values()) <= defined


def test_the_tests_run_on_every_python_that_is_supported() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))

    assert versions
    assert {python for session, python in runs(jobs(FILES[0])["check"]) if session == "tests"} == set(versions)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_may_read_and_no_more(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))

    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "secrets." not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_and_no_expression_becomes_a_script(file: Path) -> None:
    for job in jobs(file).values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}
