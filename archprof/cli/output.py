"""Where results go: checked before the work starts, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.cli.console import console
from archprof.errors import OutputError, UsageError
from archprof.registry import load_deferred
from archprof.render import Page
from archprof.render.formats import DEFAULT, FORMATS, available, find_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.render.report import Report

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Destination:
    """A file, or stdout where there is no path, and the format that goes there."""

    path: Path | None
    format: str


def plan(
    outputs: Sequence[str],
    format: str | None,  # noqa: A002
    *,
    force: bool,
    findings: bool = False,
) -> list[Destination]:
    """What ``-o`` and ``--format`` ask for, checked as far as it can be before there is anything to write.

    Args:
        outputs: The files named, ``-`` for stdout; none for stdout alone. A format and a colon may stand before
            each: ``junit:report.xml``.
        format: The format of those without one; by default that of the file's extension, and text on stdout.
        force: Whether files may be overwritten.
        findings: Whether the result has findings, so that formats for these are offered too.

    Raises:
        UsageError: Where the format is not offered, a file's extension says none, or a file is named twice.
        OutputError: Where a file exists already, or cannot be written.
    """
    destinations = [_destination(name, format, force, findings) for name in outputs or [STDOUT]]
    files = [os.path.realpath(destination.path) for destination in destinations if destination.path]
    if len(set(files)) < len(files):
        raise UsageError("one file is named twice in --output")
    return list(dict.fromkeys(destinations))


def _destination(name: str, format: str | None, force: bool, findings: bool) -> Destination:  # noqa: A002
    head, colon, rest = name.partition(":")
    if colon and rest and (head in FORMATS or (load_deferred() and head in FORMATS)):
        name, format = rest, head  # noqa: A001
    name_of_format = format or (DEFAULT if name == STDOUT else _by_suffix(name, findings))
    chosen = find_format(name_of_format, findings=findings)
    if name == STDOUT:
        if chosen.binary:
            raise UsageError(f"{name_of_format} is bytes, which go to a file", hint=f"-o FILE{chosen.suffixes[0]}")
        return Destination(None, name_of_format)
    path = Path(name)
    check_file(path, force=force)
    return Destination(path, name_of_format)


def check_file(path: Path, *, force: bool) -> None:
    """See to it that a file may be written, before there is anything to write.

    Args:
        path: The file.
        force: Whether it may be overwritten.

    Raises:
        OutputError: Where it exists already, or cannot be written.
    """
    try:
        _check(path, force)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path) from None


def _by_suffix(name: str, findings: bool) -> str:
    """The format that has the extension of a file."""
    suffix = Path(name).suffix.lower()
    if suffix not in _suffixes(findings):
        load_deferred()
    suffixes = _suffixes(findings)
    if suffix not in suffixes:
        hint = f"name it with --format, or before the file, as text:{name}; known extensions: {', '.join(suffixes)}"
        raise UsageError(f"no format of this command has the extension of {name!r}", hint=hint)
    return suffixes[suffix]


def _suffixes(findings: bool) -> dict[str, str]:
    """Extension -> the format of its files."""
    return {suffix: name for name, value in available(findings=findings).items() for suffix in value.suffixes}


def _check(path: Path, force: bool) -> None:
    if path.is_dir():
        raise OutputError("is a folder, not a file", path=path)
    if path.is_file() and not force:
        raise OutputError("already exists", path=path, hint="--force overwrites it")
    if not path.parent.is_dir():
        raise OutputError("its folder does not exist", path=path)
    if not os.access(path if path.exists() and not path.is_file() else path.parent, os.W_OK):
        raise OutputError("its folder may not be written to", path=path)


def deliver(destinations: Sequence[Destination], report: Report) -> None:
    """Render everything, then write the files, then stdout, which alone has a width and colours.

    Args:
        destinations: Where to.
        report: What.

    Raises:
        OutputError: Where a file cannot be written.
    """
    texts = []
    for destination in destinations:
        page = Page(cut=False) if destination.path else console.page()
        texts.append((destination.path, FORMATS[destination.format].render(report, page)))
    for path, text in sorted(texts, key=lambda pair: pair[0] is None):
        if path is not None:
            write_whole(path, text)
            console.note(f"wrote {path}")
        elif isinstance(text, str):
            console.write(text)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that at every moment it is the old one or the new one.

    Raises:
        OutputError: Where it cannot be written.
    """
    target = path.resolve()
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    try:
        if target.exists() and not target.is_file():  # a device or a named pipe is not replaced
            target.write_bytes(data)
            return
        draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        draft.unlink(missing_ok=True)  # of a process that had our number, and was killed
        try:
            with draft.open("xb") as stream:
                stream.write(data)
            if target.exists():
                shutil.copymode(target, draft)
            draft.replace(target)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", path=path) from None
