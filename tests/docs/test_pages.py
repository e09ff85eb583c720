"""The commands in the documentation, run as a reader would, in an empty folder with the page's own files.

A fenced block with a ``title`` is a file of the reader's. In a ``console`` block a line that begins with ``$`` is a
command, and what follows is what it prints; a line of ``...`` stands for any lines.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
FENCE = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.M | re.S)


def commands(page: Path) -> list[tuple[str, str]]:
    """The commands of a page, each with what it prints."""
    found = []
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["language"] == "console":
            for part in re.split(r"^\$ ", block["text"], flags=re.M)[1:]:
                command, _, output = part.partition("\n")
                found.append((command, output))
    return found


def write_files(page: Path, folder: Path) -> None:
    for block in FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["title"]:
            (folder / block["title"]).write_text(block["text"], encoding="utf-8")


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=str(page.relative_to(CHECKOUT))) for page in PAGES if commands(page)],
)
def test_commands_print_what_the_page_says(page: Path, tmp_path: Path) -> None:
    write_files(page, tmp_path)
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"]))
    for command, expected in commands(page):
        run = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wanted = re.sub(r"^\.\.\.\n", "...", expected, flags=re.M)
        matches = doctest.OutputChecker().check_output(wanted, run.stdout, doctest.ELLIPSIS)
        assert matches, f"$ {command}\n{run.stdout}\n--- the page says\n{expected}"
