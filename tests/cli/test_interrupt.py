"""Ctrl-C, as a terminal sends it: a real signal to a real process, as soon as that says what it is doing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from archprof.records.benchmark import Benchmark
from archprof.records.latency import INTERRUPTED
from archprof.records.profile import Profile

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")

# Longer than any test: what ends it is the signal.
ENDLESS = "--imgsz 32 --threads 1 --min-time 3000 --max-time 4000"

RESTLESS = """\
import time
from torch import nn


class Restless(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 4, 3)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        time.sleep(0.005 * self.calls)
        return super().forward(x)
"""


def interrupted(line: str, moment: str, folder: Path) -> tuple[int, str, str]:
    """Run a command line, press Ctrl-C when its stderr, a terminal, says something, and wait for its end.

    Returns:
        The exit code, stdout, and stderr.
    """
    import pty

    master, reference = pty.openpty()
    program = "from archprof.cli import app; app()"
    with subprocess.Popen(
        [sys.executable, "-c", program, *line.split()],
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=reference,
        encoding="utf-8",
        # A shell starts what runs in its background deaf to Ctrl-C, and these tests may be in it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        os.close(reference)
        received = b""
        with contextlib.suppress(OSError):  # raised once the far end is closed
            while part := os.read(master, 4096):
                before, received = received, received + part
                if moment.encode() in received and moment.encode() not in before:
                    process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate()
    os.close(master)
    text = received.decode()
    assert moment in text
    assert "Traceback" not in text + stdout
    assert text.rstrip().endswith("interrupted")
    return process.returncode, stdout, text


def test_what_was_sampled_is_printed_and_kept(folder: Path) -> None:
    code, stdout, text = interrupted(f"bench tiny.yaml tiny.yaml {ENDLESS} -o two.json -o -", "sampling", folder)

    assert code == 130
    assert "tiny #2" in stdout
    assert "wrote two.json" in text
    saved = msgspec.json.decode((folder / "two.json").read_bytes(), type=Benchmark)
    assert saved.interrupted
    latencies = [profile.latency[0] for profile in saved.profiles]
    assert [entry.stopped for entry in latencies] == [INTERRUPTED] * 2
    assert all(entry.samples_s for entry in latencies)


def test_what_was_to_come_is_left_out(folder: Path) -> None:
    code, stdout, _ = interrupted(
        f"bench tiny.yaml {ENDLESS} --backend eager,torchscript --format json", "sampling", folder
    )

    assert code == 130
    (latency,) = Profile.from_json(stdout).latency
    assert (latency.backend, latency.stopped) == ("eager", INTERRUPTED)
    assert latency.samples_s


def test_of_a_warm_up_nothing_is_kept(folder: Path) -> None:
    (folder / "restless.py").write_text(RESTLESS, encoding="utf-8")

    code, stdout, _ = interrupted(f"bench restless.py:Restless {ENDLESS} -o one.json", "warming up", folder)

    assert (code, stdout) == (130, "")
    assert not (folder / "one.json").exists()


def test_who_stops_looking_into_a_model_has_its_latency(folder: Path) -> None:
    (folder / "restless.py").write_text(RESTLESS, encoding="utf-8")
    line = "bench restless.py:Restless --imgsz 32 --min-time 0 --max-time 0.1 --layers --format json"

    code, stdout, _ = interrupted(line, "looking into", folder)

    assert code == 130
    profile = Profile.from_json(stdout)
    assert json.loads(stdout)["latency"][0]["error"] is None
    assert profile.latency[0].samples_s
    assert profile.breakdowns == []
