"""What dependencies print of themselves, when they are imported, used or thrown away, is not a user's business."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# torch.compile logs at length that it breaks the graph at item(); what is logged as an error is the model's own.
MODEL = """\
import logging

import timm
from torch import nn

class Talkative(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        y = self.layer(x)
        return y if y.sum().item() > 0 else -y

def model():
    logging.getLogger("talkative").warning("logged as a warning")
    logging.getLogger("talkative").error("logged as an error")
    return Talkative()
"""

ONE_MEASUREMENT = "--device cpu --max-time 0.1 --min-time 0"


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A whole process: some of it is printed past Python's own stderr, or after the command has ended."""
    command = [sys.executable, "-m", "archprof", "--no-cache", *line.split()]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize(
    "line",
    [
        "summary timm:resnet18 --imgsz 32",  # timm loads triton, which checks at exit what is left of it
        "compare timm:resnet18 timm:resnet34 --imgsz 32",
        "audit timm:resnet18 --imgsz 32",
        "summary torchvision:resnet18 --imgsz 32",
    ],
)
def test_nothing_but_data_is_printed(line: str, folder: Path) -> None:
    process = run(line, folder)

    assert process.returncode == 0
    assert process.stdout
    assert process.stderr == ""


def test_errors_that_are_logged_are_shown_and_warnings_are_not(folder: Path) -> None:
    (folder / "talkative.py").write_text(MODEL, encoding="utf-8")

    line = f"bench talkative.py:model --imgsz 8 --backend compile --quiet {ONE_MEASUREMENT}"
    process = run(line, folder)

    assert process.returncode == 0, process.stderr
    assert set(process.stderr.splitlines()) == {"logged as an error"}


@pytest.mark.parametrize("debug", ["", "--debug"])
def test_what_an_exporter_prints_is_shown_for_debugging_only(debug: str, folder: Path) -> None:
    code = "from torch import nn\nclass Transposed(nn.Module):\n    def forward(self, x):\n        return x.mT @ x\n"
    (folder / "transposed.py").write_text(code, encoding="utf-8")

    line = f"bench transposed.py:Transposed --imgsz 8 --backend onnxruntime --format json {ONE_MEASUREMENT} {debug}"
    done = run(line, folder)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["latency"][0]["exporter"] == "dynamo"
    # It dumps its graph past Python where it meets what it does not know.
    assert ("torch's torchscript exporter to ONNX: " in done.stderr) == bool(debug)
    assert bool(done.stderr) == bool(debug)


def test_debug_shows_what_is_logged(folder: Path) -> None:
    (folder / "talkative.py").write_text(MODEL, encoding="utf-8")

    process = run("summary talkative.py:model --imgsz 8 --debug", folder)

    assert process.returncode == 0, process.stderr
    assert "logged as a warning" in process.stderr
