"""What can go wrong, each with the exit code it ends the command with.

A user's mistake is always one of these: the command line catches them in one place, prints the message and
never a traceback.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class ArchprofError(Exception):
    """A mistake that the user can mend.

    Args:
        message: What is wrong, in one sentence, with the offending value in it.
        path: The file it is wrong in.
        line: The line of that file, counted from 1.
        column: The column of that line, counted from 1.
        hint: What to do about it.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        location = ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)
        text = f"{location}: {self.message}" if location else self.message
        return f"{text}\n{self.hint}" if self.hint else text


class UsageError(ArchprofError):
    """An option or a combination of options that makes no sense."""


class UnknownReferenceError(ArchprofError):
    """A reference that names no model."""


class VariantError(ArchprofError):
    """A YAML that is not a variant: its syntax, its keys, its rows."""


class NotAVariantError(VariantError):
    """A YAML that is meant to be something else than a variant: a data set, a config of another project."""


class BuildError(ArchprofError):
    """A variant that reads well and cannot be built."""


class RegistrationError(ArchprofError):
    """A block registered twice, or with a rule that makes no sense."""


class PluginError(ArchprofError):
    """A plugin that could not be loaded."""


class RunError(ArchprofError):
    """A model that was built and does not run on the input that was asked for."""


class LimitError(ArchprofError):
    """A variant that takes longer, or more memory, than it may."""


class DeviceError(ArchprofError):
    """A device that is not there."""


class BudgetFileError(ArchprofError):
    """A budget file or a lock file that is not there, or says something that makes no sense."""


class PlanFileError(ArchprofError):
    """A plan of a sweep that is not there, or says something that makes no sense."""


class OutputError(ArchprofError):
    """A file that could not be written, or that would have been overwritten."""


ENDLESS = "a function calls itself without end (RecursionError); let a condition end it"
"""What a recursion without end is called."""


def in_one_line(error: BaseException) -> str:
    """What an exception of somebody else's says, without the list of overloads that torch adds.

    Its class goes before it where the text is not meant to be read alone, as a missing key is not.
    """
    if isinstance(error, RecursionError):
        return ENDLESS
    first, *_ = str(error).splitlines() or [""]
    sentence = first.removesuffix(", but expected one of:")
    if sentence and isinstance(error, (RuntimeError, TypeError, ValueError)):
        return sentence
    return f"{type(error).__name__}: {sentence}" if sentence else type(error).__name__


def nearest(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names nearest to a mistyped one, best first; letter case does not count."""
    by_lower = {name.lower(): name for name in known}
    return [by_lower[match] for match in difflib.get_close_matches(word.lower(), by_lower, count, 0.6)]


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint naming the nearest known names, or None where nothing is near."""
    names = nearest(word, known)
    return f"did you mean {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))}?" if names else None
