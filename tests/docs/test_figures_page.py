"""The pictures in the documentation are what the commands beside them draw."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from archprof.render.figures import FIGURES

DOCS = Path(__file__).parents[2] / "docs"
IMAGES = DOCS / "images"
PAGE = (DOCS / "guide" / "figures.md").read_text(encoding="utf-8")

FIGURE = re.compile(r"!\[[^\]]+\]\(\.\./images/(?P<image>[\w.]+)\)\n\n```sh\n(?P<command>archprof plot .*)\n```")
SHOWN = {figure["image"]: shlex.split(figure["command"]) for figure in FIGURE.finditer(PAGE)}

SLOW = {"curve.svg", "pareto.svg", "memory.svg", "changes.svg"}
"""Those for which several models are built, or one that is not cached."""


def texts(path: Path) -> list[str]:
    """What is written in a picture: every number, label and title; the version of torch is the reader's."""
    svg = path.read_text(encoding="utf-8")
    return [re.sub(r"torch [\w.+]+", "torch", text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


@pytest.mark.parametrize(
    "image", [pytest.param(name, marks=pytest.mark.full if name in SLOW else ()) for name in SHOWN]
)
def test_a_picture_is_what_its_command_draws(image: str, tmp_path: Path) -> None:
    for file in IMAGES.glob("*.json"):
        shutil.copy(file, tmp_path)
    command = SHOWN[image]
    assert command[-2:] == ["-o", image]
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ["PATH"]))
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PATH": path}, check=True)
    assert texts(tmp_path / image) == texts(IMAGES / image)


def test_every_kind_is_shown_and_every_picture_is_small() -> None:
    assert set(FIGURES) == set(re.findall(r"archprof plot (\w+)", PAGE))
    assert set(SHOWN) == {path.name for path in IMAGES.glob("*.svg")}
    assert max(path.stat().st_size for path in IMAGES.iterdir()) < 200_000


@pytest.mark.parametrize("page", [DOCS.parent / "README.md", DOCS / "index.md"])
def test_the_waterfall_is_on_the_first_screen(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert any("images/waterfall.svg" in line for line in lines[:12])
