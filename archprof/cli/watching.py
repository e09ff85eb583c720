"""Shows an answer again whenever a file of it is saved, with what has changed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.cli.console import console
from archprof.errors import ArchprofError, BuildError, RunError, UsageError, VariantError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archprof.cli.output import Destination
    from archprof.records.profile import Profile

BETWEEN_LOOKS = 0.2
"""Seconds between two looks at the files."""

CLEAR = "\x1b[2J\x1b[3J\x1b[H"
"""Empties a terminal."""

METRICS = ("parameters", "flops", "elementwise_flops", "peak_activation_bytes")
"""The figures whose changes are shown."""

Stamp = tuple[int, int, int, int] | None
"""When a file and its inode were changed last, its size, and its inode; None while it is not there.

A tool may give a new file the time and the size of the old one, but nobody can set when an inode changed.
"""


def check(destinations: Sequence[Destination]) -> None:
    """See to it that there is a terminal to draw on.

    Raises:
        UsageError: Where stdout is none, or the result goes elsewhere.
    """
    if any(destination.path or destination.format != "text" for destination in destinations):
        raise UsageError("--watch shows text on a terminal", hint="leave out -o and --format")
    if not console.data.isatty():
        raise UsageError("--watch needs a terminal, and stdout is none", hint="leave out --watch in a pipe")


def watch(
    references: Iterable[str],
    show: Callable[[], Sequence[Profile]],
    at_head: Callable[[str], Sequence[Profile]],
) -> None:
    """Show an answer on each save until somebody interrupts it. What is wrong for a moment is shown, too.

    It is also drawn anew for a terminal of another width.

    Args:
        references: What was typed, some of which are files.
        show: Shows the answer and gives the profiles that it is of.
        at_head: The profiles of a file as it is at git's HEAD, given its path.

    Raises:
        UsageError: Where none of the models is a file.
    """
    files = {Path(reference) for reference in references if Path(reference).is_file()}
    before: dict[tuple[str, str | None], Profile] = {}
    last = before
    drawn: dict[Path, Stamp] = {}
    while True:
        stamps, width = _stamps(files), console.page().width
        if stamps != drawn:
            before = last
        if os.environ.get("TERM") != "dumb":
            console.write(CLEAR)
        try:
            profiles = show()
        except ArchprofError as error:
            if isinstance(error, (VariantError, BuildError, RunError)) and error.path and Path(error.path).is_file():
                files.add(Path(error.path))
            if not files:
                raise
            console.error(str(error))
        else:
            # A file may have another name than was typed, which named a scale.
            of_files = [(file, profile) for profile in profiles if (file := _file_of(profile))]
            files.update(file for file, _ in of_files)
            if not files:
                raise UsageError("there is nothing to watch: none of the models is a file")
            for file, profile in of_files:
                _show_changes(file, profile, before.get(_identity(profile)), at_head)
            last = {_identity(profile): profile for profile in profiles}
        drawn = {**_stamps(files), **stamps}
        console.sentence("watching; Ctrl-C ends it")
        while _stamps(files) == drawn and console.page().width == width:
            time.sleep(BETWEEN_LOOKS)
        _settle(files)


def _settle(files: Iterable[Path]) -> None:
    """Wait until files stay as they are from one look to the next: many tools empty a file before they write it."""
    before = None
    while (stamps := _stamps(files)) != before:
        before = stamps
        time.sleep(BETWEEN_LOOKS)


def _show_changes(
    file: Path, profile: Profile, last: Profile | None, at_head: Callable[[str], Sequence[Profile]]
) -> None:
    if last is not None:
        console.sentence(f"{profile.variant.name} since the last save: {changes(last, profile)}")
    try:
        before = {_identity(other)[1]: other for other in at_head(os.path.relpath(file))}
    except ArchprofError:  # no repository, or not in it
        return
    if other := before.get(profile.variant.scale):
        console.sentence(f"{profile.variant.name} since HEAD: {changes(other, profile)}")


def changes(before: Profile, after: Profile) -> str:
    """What has changed between two profiles: ``parameters +1.2 k, flops −3.4 MFLOPs``."""
    from archprof import units
    from archprof.records import metrics

    parts = []
    for metric in map(metrics.METRICS.__getitem__, METRICS):
        old, new = metric.of(before), metric.of(after)
        if old is not None and new is not None and old != new:
            parts.append(f"{metric.label} {units.difference(new - old, metric.unit)}")
    return ", ".join(parts) or "the same figures"


def _identity(profile: Profile) -> tuple[str, str | None]:
    return profile.variant.reference, profile.variant.scale


def _file_of(profile: Profile) -> Path | None:
    """The file of a variant; None for a model of another kind, or at a git revision."""
    path = profile.variant.path
    return Path(path) if path is not None and Path(path).is_file() else None


def _stamps(files: Iterable[Path]) -> dict[Path, Stamp]:
    return {file: _stamp(file) for file in files}


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except OSError:  # some editors take a file away before they write it again
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
