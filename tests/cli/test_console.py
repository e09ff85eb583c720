from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.cli.console import PIPED_WIDTH, Console
from archprof.cli.options import ColorChoice

if TYPE_CHECKING:
    from pathlib import Path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(code: str, folder: Path, columns: int) -> str:
    """What a program prints when its stdout and stderr are a terminal of so many columns."""
    import fcntl
    import pty
    import struct
    import termios

    master, reference = pty.openpty()
    fcntl.ioctl(reference, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    line = [sys.executable, "-c", code]
    with subprocess.Popen(line, cwd=folder, env={**os.environ, "TERM": "xterm"}, stdout=reference, stderr=reference):
        os.close(reference)
        figures = b""
        with contextlib.suppress(OSError):  # raised once the far end is closed
            while part := os.read(master, 4096):
                figures += part
    os.close(master)
    return figures.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_gets_its_width_and_colours(folder: Path) -> None:
    code = "from archprof.cli import app; app(['summary', 'tiny.yaml', '--scale', 'n'])"
    text = at_a_terminal(code, folder, 72)
    assert "\x1b[1mtiny\x1b[0m" in text
    lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text[text.rindex("tiny.yaml") :]).splitlines()
    assert "51,218" in lines[-1]
    assert 66 < max(map(len, lines)) <= 72


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("quiet", [True, False])
def test_whoever_watches_is_told_what_takes_time(folder: Path, quiet: bool) -> None:
    code = (
        "import time; from archprof.cli import console as module\n"
        f"module.PATIENCE = 0.01; module.console.quiet = {quiet}\n"
        "with module.console.working('thinking'): time.sleep(1)\n"
        "with module.console.working('blinking'): pass\n"
    )
    text = at_a_terminal(code, folder, 80)
    assert ("thinking" in text) is not quiet
    assert "blinking" not in text


def test_nobody_is_told_through_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archprof.cli.console.PATIENCE", 0)
    with Console().working("thinking"):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("color", "terminal", "environment", "expected"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {}, False),
    ],
)
def test_colour(
    color: str, terminal: bool, environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert Console(color=ColorChoice(color)).colored(Terminal() if terminal else io.StringIO()) is expected


@pytest.mark.parametrize(("columns", "expected"), [("100", 100), ("wide", PIPED_WIDTH), ("0", PIPED_WIDTH)])
def test_width_of_a_pipe(columns: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Console().page().width == expected
