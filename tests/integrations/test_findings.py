"""The scripts that show surprises in other libraries are made alike; they need the network, so nox runs them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

FINDINGS = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(path for path in FINDINGS.glob("*.sh") if path.name != "setup.sh")


def test_the_readme_names_every_script() -> None:
    names = re.findall(r"^\| \[([\w-]+)\]\(\1\.sh\) \|", (FINDINGS / "README.md").read_text(encoding="utf-8"), re.M)

    assert names == [path.stem for path in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_pins_what_it_installs_and_fails_when_that_changes(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    (packages,) = re.findall(r"^packages (.+)$", text, re.M)

    assert all(re.fullmatch(r"[\w-]+==[\d.]+(\.post\d+)?", requirement) for requirement in packages.split())
    assert "a good guess: " in text
    assert "the behaviour has changed" in text
    assert "archprof" not in text
    assert len(text.splitlines()) <= 70
    subprocess.run(["bash", "-n", script], check=True)


def test_an_interpreter_that_has_the_versions_is_used(tmp_path: Path) -> None:
    code = f'source "{FINDINGS / "setup.sh"}"; packages pytest=={version("pytest")}; echo "$python"; pwd'
    environment = {**os.environ, "FINDINGS_PYTHON": sys.executable, "TMPDIR": str(tmp_path)}
    done = subprocess.run(["bash", "-c", code], env=environment, capture_output=True, text=True, check=True)

    said, python, folder = done.stdout.splitlines()
    assert said == f"with pytest=={version('pytest')}"
    assert python == sys.executable
    assert Path(folder).parent == tmp_path
    assert list(tmp_path.iterdir()) == []  # it has gone
