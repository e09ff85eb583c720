"""The terminal: its width, its colours, and who is told what. Nothing else asks about any of it."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, TextIO

from archprof.cli.options import ColorChoice
from archprof.render import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIPED_WIDTH = 120
"""Terminal cells in a line that goes to a pipe."""

PATIENCE = 1.0
"""Seconds after which somebody at a terminal is told what is being done."""


BETWEEN_DRAWINGS = 0.25
"""Seconds between two drawings of a bar, at least: drawing takes time that samples should not see."""


@dataclass(slots=True)
class Console:
    """What the command line said about talking: data goes to stdout, everything else to stderr.

    Attributes:
        color: When to colour.
        quiet: Whether remarks and progress are wanted at all.
        verbose: Whether every step is to be told, with the time that it took.
        debug: Whether an internal error shows its traceback.
    """

    color: ColorChoice = ColorChoice.auto
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    def colored(self, stream: TextIO) -> bool:
        """Whether ANSI styles are wanted there: on a terminal, unless NO_COLOR or a dumb one forbids it."""
        if self.color != ColorChoice.auto:
            return self.color == ColorChoice.always
        forbidden = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return stream.isatty() and not forbidden

    def page(self) -> Page:
        """What text on stdout is fitted to: its width, and whether it takes colours."""
        return Page(width=_width(sys.stdout), color=self.colored(sys.stdout))

    def write(self, text: str) -> None:
        """Data, to stdout, whether or not its encoding knows every sign."""
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """What a reader of the data should know."""
        if not self.quiet:
            self._print_line("note: ", "36", text)

    def step(self, text: str) -> None:
        """What only somebody who asked for every step wants to know."""
        if self.verbose:
            self._print_line("", "2", text)

    def error(self, text: str) -> None:
        """What went wrong; never silenced."""
        self._print_line("error: ", "1;31", text)

    @contextmanager
    def working(self, activity: str) -> Iterator[None]:
        """Say what is being done where it takes its time and somebody is watching."""
        start = time.perf_counter()
        if self.quiet or not sys.stderr.isatty():
            yield
        else:
            with _spinner(activity, self.colored(sys.stderr)):
                yield
        self.step(f"{activity}: {time.perf_counter() - start:.2f} s")

    @contextmanager
    def progressing(self) -> Iterator[Callable[[str, float], None]]:
        """A bar for what is measured: it is drawn when told how far that is, and never in between.

        Yields:
            What to tell: what is being done, and the share of it that is over.
        """
        if self.quiet or not sys.stderr.isatty():
            yield lambda activity, share: None
        else:
            with _bar(self.colored(sys.stderr)) as watch:
                yield watch

    def _print_line(self, label: str, code: str, text: str) -> None:
        styled = f"\x1b[{code}m{label}\x1b[0m" if label and self.colored(sys.stderr) else label
        encoding = sys.stderr.encoding or "utf-8"
        print(styled + text.encode(encoding, "replace").decode(encoding), file=sys.stderr)


def _width(stream: TextIO) -> int:
    """Terminal cells in a line there; COLUMNS goes before what a terminal says."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else PIPED_WIDTH


@contextmanager
def _spinner(activity: str, color: bool) -> Iterator[None]:
    from rich.console import Console as RichConsole

    screen = RichConsole(stderr=True, no_color=not color, highlight=False)
    status = screen.status(activity)
    timer = Timer(PATIENCE, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


@contextmanager
def _bar(color: bool) -> Iterator[Callable[[str, float], None]]:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, TextColumn

    screen = RichConsole(stderr=True, no_color=not color, highlight=False)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %")
    bar = Progress(*columns, console=screen, transient=True, auto_refresh=False)
    task, last_drawing = bar.add_task("", total=1.0), 0.0

    def update(activity: str, share: float) -> None:
        nonlocal last_drawing
        if (time_now := time.perf_counter()) - last_drawing >= BETWEEN_DRAWINGS:
            last_drawing = time_now
            bar.update(task, description=activity, completed=share, refresh=True)

    with bar:
        yield update


console = Console()
"""The process's terminal; the options that every command takes set it."""
