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
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "0"}, False),
        ("auto", True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {}, False),
    ],
)
def test_colour(
    color: str, terminal: bool, environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert Console(color=ColorChoice(color)).colored(Terminal() if terminal else io.StringIO()) is expected


@pytest.mark.parametrize(("columns", "expected"), [("100", 100), ("wide", PIPED_WIDTH), ("0", PIPED_WIDTH)])
def test_width_of_a_pipe(columns: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Console().page().width == expected


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize("columns", [40, 60])
def test_messages_are_broken_between_words_at_a_terminal(folder: Path, columns: int) -> None:
    path = folder / ("long_" * 12 + "name.yaml")
    path.write_text("names: {0: person}\ntrain: images\nval: images\n", encoding="utf-8")
    code = f"from archprof.cli import app; app(['summary', {path.name!r}])"
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", at_a_terminal(code, folder, columns))
    lines = text.replace("\r", "").rstrip("\n").split("\n")
    assert f"{path.name}:1:1:" in text  # whole, wider than the terminal though it is
    assert max(len(line) for line in lines if path.name not in line) <= columns
    assert " ".join(text.split()).endswith("whose rows stand under backbone: and head:")


def test_nothing_is_broken_or_cut_in_a_pipe(folder: Path) -> None:
    name = "folder_of_a_long_name" * 6
    (folder / name).mkdir()
    row = "[-1, 1, nn.Conv2d, [3, 8, [3, 3], [1, 1], [1, 1], [1, 1], 1, False, zeros]]"
    (folder / name / "net.yaml").write_text(f"backbone:\n  - {row}\n", encoding="utf-8")
    command = [sys.executable, "-m", "archprof", "summary", f"{name}/net.yaml", "--imgsz", "32"]
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    printed = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
    assert "…" not in printed
    assert f"{name}/net.yaml" in printed
    assert "3, 8, [3, 3], [1, 1], [1, 1], [1, 1], 1, False, 'zeros'" in printed
    wrong = [*command[:-3], f"{name}/none.yaml"]
    refused = subprocess.run(wrong, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert refused.stderr.startswith(f"error: model '{name}/none.yaml' not found\n")


def test_a_reader_of_messages_who_leaves_changes_no_exit_code(folder: Path) -> None:
    code = "import sys; from archprof.cli import main; sys.argv[1:] = ['summary', 'nowhere']; main()"
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.close()
    assert process.returncode == 2
