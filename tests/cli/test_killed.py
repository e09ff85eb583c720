"""A real process is killed while it writes the lock file: what is there is the old file or the new one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

BUDGETS = '[[budgets]]\nvariants = "tiny.yaml"\nimgsz = 32\nparameters = { max = "1 M" }\n'
LOCK = "archprof.lock.json"

# `archprof check --update-lock`, which dies when it is about to do something to a file of that name. Without a moment
# it lives; with "write" it dies when half of the file is on the disk: the system kills what writes beyond its limit.
PROGRAM = f"""
import os, resource, signal, sys
moment = sys.argv.pop()

def watch(event, arguments):
    if event == moment and any("{LOCK}." in str(one) for one in arguments):
        os.kill(os.getpid(), signal.SIGKILL)
    if moment == "write" and event == "open" and "{LOCK}." in str(arguments[0]):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

sys.addaudithook(watch)
from archprof.cli import main
main()
"""


def killed(moment: str) -> int:
    """The exit code of a process that is killed then."""
    command = [sys.executable, "-c", PROGRAM, "check", "--update-lock", "--quiet", moment]
    return subprocess.run(command, capture_output=True).returncode


@pytest.mark.skipif(sys.platform != "linux", reason="the signals are Linux's")
def test_killed_while_it_writes(folder: Path) -> None:
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    variant, lock = folder / "tiny.yaml", folder / LOCK
    wide = variant.read_text(encoding="utf-8")
    assert killed("") == 0
    new = lock.read_bytes()
    variant.write_text(wide.replace("[16, 3, 2]", "[8, 3, 2]"), encoding="utf-8")
    assert killed("") == 0
    old = lock.read_bytes()
    variant.write_text(wide, encoding="utf-8")
    assert old != new

    for moment, remaining in (("open", 0), ("write", 1), ("os.chmod", 2), ("os.rename", 3)):
        code = killed(moment)
        assert code == -(signal.SIGXFSZ if moment == "write" else signal.SIGKILL), moment
        assert lock.read_bytes() == old, moment
        drafts = sorted(folder.glob(f".{LOCK}.*.tmp"))
        assert len(drafts) == remaining, moment  # those of the moments before are there still
    assert {draft.read_bytes() for draft in drafts} == {new[:200], new}

    assert killed("") == 0  # what was left behind is in nobody's way
    assert lock.read_bytes() == new


def test_a_draft_of_a_dead_process_with_the_same_number(archprof: Callable[[str], Result], folder: Path) -> None:
    (folder / "archprof.toml").write_text(BUDGETS, encoding="utf-8")
    draft = folder / f".{LOCK}.{os.getpid()}.tmp"
    draft.write_text('{"half": ', encoding="utf-8")
    assert archprof("check --update-lock").exit_code == 0
    assert '"variants"' in (folder / LOCK).read_text(encoding="utf-8")
    assert not draft.exists()
