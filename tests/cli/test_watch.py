"""An answer that is redrawn on each save, on a terminal of its own."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from archprof.cli import app

if TYPE_CHECKING:
    from pathlib import Path

pty = pytest.importorskip("pty", reason="there are terminals of this kind on Unix alone")
fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")

LONG_S = 300
"""What a save may take on a machine that does much else; nothing is measured here."""

VARIANT = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


class Watched:
    """A command on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._terminal, other = pty.openpty()
        self.resize(120)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "COLUMNS"},
            "TERM": "xterm",
            "NO_COLOR": "1",
            "ARCHPROF_CACHE_DIR": str(folder / "cache"),
        }
        command = [sys.executable, "-c", "from archprof.cli import app; app()", *arguments]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            # Whoever runs the tests in the background has them ignore what Ctrl-C sends.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(other)

    def read_until(self, text: str) -> str:
        """What is written, up to a text."""
        written = ""
        while text not in written:
            ready, _, _ = select.select([self._terminal], [], [], LONG_S)
            assert ready, written
            try:
                written += os.read(self._terminal, 65536).decode(errors="replace")
            except OSError:
                pytest.fail(f"it ended: {written}")
        return written

    def resize(self, columns: int) -> None:
        """Make the terminal of another width."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(LONG_S)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder under git with a variant in it."""
    (tmp_path / "mine.yaml").write_text(VARIANT, encoding="utf-8")
    git = ("git", "-c", "user.name=N", "-c", "user.email=n@localhost", "-c", "commit.gpgsign=false")
    for arguments in (["init", "-q"], ["add", "mine.yaml"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def save(folder: Path, old: str, new: str) -> None:
    assert old in VARIANT
    (folder / "mine.yaml").write_text(VARIANT.replace(old, new), encoding="utf-8")


def test_a_summary_follows_the_file(repository: Path) -> None:
    watched = Watched(repository, "summary", "mine.yaml", "--watch")
    first = watched.read_until("Ctrl-C ends it")
    assert "since the last save" not in first
    assert "mine since HEAD: the same figures" in first

    # Classify has 1280·(classes + 1) parameters after its convolution: 3 classes are 1280 + 1 more than 2.
    save(repository, "nc: 2", "nc: 3")
    second = watched.read_until("Ctrl-C ends it")
    assert "mine since the last save: parameters +1,281" in second
    assert "mine since HEAD: parameters +1,281" in second

    save(repository, "nc: 2", "nc: [")
    wrong = watched.read_until("Ctrl-C ends it")
    assert "error: mine.yaml" in wrong

    save(repository, "nc: 2", "nc: 2")
    again = watched.read_until("Ctrl-C ends it")
    assert "mine since the last save: parameters -1,281" in again
    assert "mine since HEAD: the same figures" in again
    assert watched.interrupt() == 130


def test_a_file_that_is_emptied_before_it_is_written_is_read_once_it_is_whole(repository: Path) -> None:
    watched = Watched(repository, "summary", "mine.yaml", "--watch")
    watched.read_until("Ctrl-C ends it")

    with (repository / "mine.yaml").open("w", encoding="utf-8") as file:
        time.sleep(0.02)  # as a tool that computes what it writes
        file.write(VARIANT.replace("nc: 2", "nc: 3"))
    text = watched.read_until("Ctrl-C ends it")
    assert "mine since the last save: parameters +1,281" in text
    assert "empty" not in text
    assert watched.interrupt() == 130


def test_a_save_is_seen_though_size_and_time_are_as_before(repository: Path) -> None:
    file = repository / "mine.yaml"
    watched = Watched(repository, "summary", "mine.yaml", "--watch")
    watched.read_until("Ctrl-C ends it")
    status = file.stat()
    other = repository / "other"
    other.write_text(VARIANT.replace("nc: 2", "nc: 3"), encoding="utf-8")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)
    assert "mine since the last save: parameters +1,281" in watched.read_until("Ctrl-C ends it")
    assert watched.interrupt() == 130


def test_it_is_drawn_anew_for_another_width(repository: Path) -> None:
    watched = Watched(repository, "summary", "mine.yaml", "--watch")
    watched.read_until("Ctrl-C ends it")
    save(repository, "nc: 2", "nc: 3")
    watched.read_until("Ctrl-C ends it")
    watched.resize(40)
    narrow = watched.read_until("Ctrl-C ends it").replace("\r", "")
    # The change is still that of the save, in lines that break at spaces: a word more would be the 41st cell or beyond.
    assert "\nmine since the last save: parameters\n  +1,281, FLOPs +2.56 kFLOPs," in narrow
    assert watched.interrupt() == 130


def test_it_waits_for_a_file_that_is_wrong_at_first_under_the_name_of_a_scale(repository: Path) -> None:
    """The file of ``./yolo11s.yaml`` is ``./yolo11.yaml``."""
    file = repository / "yolo11.yaml"
    file.write_text("nc: [", encoding="utf-8")
    watched = Watched(repository, "summary", "./yolo11s.yaml", "--watch")
    assert "not valid YAML" in watched.read_until("Ctrl-C ends it")
    file.write_text(f"scales: {{s: [1.0, 0.5, 1024]}}\n{VARIANT}", encoding="utf-8")
    assert "Classify" in watched.read_until("Ctrl-C ends it")
    assert watched.interrupt() == 130


def test_a_file_that_is_taken_away_and_comes_back(repository: Path) -> None:
    watched = Watched(repository, "summary", "mine.yaml", "--watch")
    watched.read_until("Ctrl-C ends it")
    (repository / "mine.yaml").rename(repository / "away.yaml")
    assert "error: model 'mine.yaml' not found" in watched.read_until("Ctrl-C ends it")
    (repository / "away.yaml").rename(repository / "mine.yaml")
    assert "mine since the last save: the same figures" in watched.read_until("Ctrl-C ends it")
    assert watched.interrupt() == 130


def test_a_comparison_follows_the_file(repository: Path) -> None:
    watched = Watched(repository, "compare", "HEAD:mine.yaml", "mine.yaml", "--watch")
    watched.read_until("Ctrl-C ends it")
    save(repository, "nc: 2", "nc: 3")
    second = watched.read_until("Ctrl-C ends it")
    assert "mine since the last save: parameters +1,281" in second
    assert watched.interrupt() == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("summary", "mine.yaml", "--watch"), "--watch needs a terminal"),
        (("compare", "mine.yaml", "mine.yaml", "--watch"), "--watch needs a terminal"),
        (("summary", "mine.yaml", "--watch", "--format", "json"), "--watch shows text on a terminal"),
        (("summary", "mine.yaml", "--watch", "-o", "mine.txt"), "--watch shows text on a terminal"),
    ],
)
def test_where_there_is_no_terminal_it_refuses(
    repository: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(repository)
    result: Any = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_what_is_no_file_cannot_be_watched(repository: Path) -> None:
    watched = Watched(repository, "summary", "torchvision:alexnet", "--watch")
    assert "there is nothing to watch" in watched.read_until("there is nothing to watch: none of the models is a file")
    assert watched.process.wait(LONG_S) == 2
