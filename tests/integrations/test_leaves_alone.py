"""Profiling reaches nobody, and writes nothing of the user's outside archprof's own cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Python announces every look-up and connection to an audit hook, whichever library makes it.
WATCHED = """
import sys

def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        sys.stderr.write(f"NETWORK {event} {arguments}\\n")

sys.addaudithook(watch)
from archprof.cli import main
main()
"""


@pytest.mark.parametrize("reference", ["yolov13-DynamicConv.yaml", "yolo11n.yaml", "timm:resnet18"])
def test_summary_reaches_nobody_and_writes_only_to_its_cache(reference: str, tmp_path: Path) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "YOLO_"))}
    run = subprocess.run(
        [sys.executable, "-c", WATCHED, "summary", reference],
        cwd=work,
        env={**inherited, "HOME": str(home)},
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr
    assert "NETWORK" not in run.stderr
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if "archprof" not in path.parts] == []


def test_a_budget_in_python_leaves_the_process_as_it_was() -> None:
    """Neither the collector's settings nor torch's methods are archprof's, though it changes both for a while."""
    code = (
        "import gc, archprof\n"
        "from torch import nn\n"
        "def methods(): return [nn.Module.__setattr__, nn.Module.__call__, nn.Conv2d.reset_parameters]\n"
        "found = methods()\n"
        "before = gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()\n"
        "assert archprof.within('yolo11n', flops='7 GFLOPs').exit_code == 0\n"
        "assert before == (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled())\n"
        "assert methods() == found\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
