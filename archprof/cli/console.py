"""The terminal: its width, its colours, and who is told what. Nothing else asks about any of it."""

from __future__ import annotations

import itertools
import os
import re
import sys
import textwrap
import time
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from archprof.cli.options import ColorChoice
from archprof.render import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


PIPED_WIDTH = 120
"""Terminal cells in a line that goes to a pipe."""

NARROWEST = 20
"""No message is broken into lines of fewer cells."""

PATIENCE = 0.1
"""Seconds after which somebody at a terminal is told what is being done."""

BETWEEN_TURNS = 0.1
"""Seconds between two drawings of the sign that turns meanwhile."""


LONGEST_INDEX = 2
"""Digits in the index of a row, which a message may have for another reason than a value."""

BETWEEN_DRAWINGS = 0.25
"""Seconds between two drawings of a bar, at least: drawing takes time that samples should not see."""


class Origin(Protocol):
    """What an option is set to, and where; other than on the command line."""

    @property
    def value(self) -> Any:
        """The value."""

    @property
    def origin(self) -> str:
        """Where it is set, for a message."""


@dataclass(slots=True)
class Console:
    """What the command line said about talking: data goes to stdout, everything else to stderr.

    Attributes:
        color: When to colour.
        quiet: Whether remarks and progress are wanted at all.
        verbose: Whether every step is to be told, with the time that it took.
        debug: Whether an internal error shows its traceback.
        no_cache: Whether no result is to be kept, or read from those that were.
        origins: The options that the configuration or the environment sets, by their names, and where each is set.
        typed: The options that were typed, each by the name of its parameter.
    """

    color: ColorChoice = ColorChoice.auto
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_cache: bool = False
    origins: Sequence[tuple[set[str], Origin]] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    _data: TextIO | None = None

    @contextmanager
    def stdout_for_data(self) -> Iterator[None]:
        """While it holds, only :meth:`write` writes to stdout; what anything else prints goes to stderr."""
        self._data = sys.stdout
        try:
            with redirect_stdout(sys.stderr):
                yield
        finally:
            self._data = None

    @property
    def data(self) -> TextIO:
        """Where data goes."""
        return self._data or sys.stdout

    def colored(self, stream: TextIO) -> bool:
        """Whether ANSI styles are wanted there: on a terminal or by FORCE_COLOR, unless NO_COLOR forbids it.

        FORCE_COLOR is what continuous integration sets whose log shows colours, and is no terminal; 0 means none there.
        """
        if self.color != ColorChoice.auto:
            return self.color == ColorChoice.always
        forbidden = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        forced = os.environ.get("FORCE_COLOR", "") not in ("", "0")
        return (forced or stream.isatty()) and not forbidden

    def page(self) -> Page:
        """What text on stdout is fitted to: its width, and whether it takes colours."""
        fixed = self.data.isatty() or bool(_columns())
        return Page(width=_width(self.data), color=self.colored(self.data), cut=fixed)

    def write(self, text: str) -> None:
        """Data, to stdout, whether or not its encoding knows every sign."""
        encoding = self.data.encoding or "utf-8"
        self.data.write(text.encode(encoding, "replace").decode(encoding))
        self.data.flush()

    def sentence(self, text: str) -> None:
        """A line of data, broken at a terminal's width."""
        self.write(f"{_broken(text, 0, self.data) if self.data.isatty() else text}\n")

    def note(self, text: str) -> None:
        """What a reader of the data should know."""
        if not self.quiet:
            self._print_line("note: ", "1", text)

    def step(self, text: str) -> None:
        """What only somebody who asked for every step wants to know."""
        if self.verbose:
            self._print_line("", "2", text)

    def error(self, text: str) -> None:
        """What went wrong, and which of the values that it names the project's configuration sets; never silenced."""
        origins = [entry.origin for names, entry in self.origins if _names_option(text, names, entry.value)]
        self._print_line("error: ", "1;31", "\n".join((text, *origins)))

    @contextmanager
    def working(self, activity: str) -> Iterator[None]:
        """Say what is being done where it takes its time and somebody is watching."""
        start = time.perf_counter()
        if self.quiet or not sys.stderr.isatty():
            yield
        else:
            with _spinner(activity):
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
        plain = text.encode(encoding, "replace").decode(encoding)
        with suppress(BrokenPipeError):  # whoever read has read enough, and the exit code stays what it is
            print(styled + (_broken(plain, len(label), sys.stderr) if sys.stderr.isatty() else plain), file=sys.stderr)


def _width(stream: TextIO) -> int:
    """Terminal cells in a line there; COLUMNS goes before what a terminal says."""
    if columns := _columns():
        return columns
    return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else PIPED_WIDTH


def _broken(text: str, used: int, stream: TextIO) -> str:
    """Sentences broken at spaces to a terminal's width; what is indented, as a traceback, is left as it is.

    Args:
        text: The lines.
        used: Cells of the first line that are taken already.
        stream: The terminal.
    """
    width = max(_width(stream), NARROWEST)
    lines: list[str] = []
    for number, line in enumerate(text.split("\n")):
        first = " " * (0 if number else used)
        wrapped = textwrap.wrap(
            line, width, initial_indent=first, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
        lines += [line] if line.startswith(" ") or not wrapped else [wrapped[0][len(first) :], *wrapped[1:]]
    return "\n".join(lines)


def _names_option(text: str, names: set[str], value: Any) -> bool:
    """Whether a message is about an option: it has its name, or the value, unless that is as short as a row's index."""
    plain = "|".join(re.escape(name.removeprefix("--")) for name in names)
    values = [str(entry) for entry in (value if isinstance(value, list) else [value])]
    words = "|".join(re.escape(entry) for entry in values if len(entry) > LONGEST_INDEX)
    return bool(re.search(rf"(?<!\w)({plain})(?!\w)", text) or (words and re.search(rf"(?<!\d)({words})(?!\d)", text)))


def _columns() -> int:
    """What COLUMNS says; 0 where it says nothing."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() else 0


@contextmanager
def _spinner(activity: str) -> Iterator[None]:
    """Show what is being done on a line that turns, and is gone afterwards; nothing is imported for it."""
    done = Event()
    thread = Thread(target=_turn, args=(activity, done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _turn(activity: str, done: Event) -> None:
    if done.wait(PATIENCE):
        return
    with suppress(OSError, ValueError):  # the terminal is gone
        for frame in itertools.cycle("|/-\\"):
            line = f"{frame} {activity}"[: max(_width(sys.stderr), NARROWEST) - 1]
            sys.stderr.write(f"\r{line.encode(sys.stderr.encoding, 'replace').decode(sys.stderr.encoding)}\x1b[K")
            sys.stderr.flush()
            if done.wait(BETWEEN_TURNS):
                break
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


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
