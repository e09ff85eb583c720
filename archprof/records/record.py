"""What every result has in common: a short repr, and itself as JSON, as a data frame, and as a notebook shows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import msgspec

from archprof.errors import ArchprofError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Presentation(Protocol):
    """A result as a reader sees it; the layers above make it."""

    def html(self) -> str:
        """A fragment of HTML."""

    def rows(self) -> list[dict[str, Any]]:
        """Its main table: raw values in SI units, by column."""


_present: Callable[[Any], Presentation] | None = None


def present_with(present: Callable[[Any], Presentation]) -> None:
    """Say how results are presented in notebooks and data frames; records themselves know nothing of reports."""
    global _present
    _present = present


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A result: frozen, saved as JSON, and what every function of the Python interface returns."""

    @property
    def headline(self) -> str:
        """The result in a few words, for its repr."""
        return ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.headline}>" if self.headline else f"<{type(self).__name__}>"

    def __rich_repr__(self) -> Any:
        yield self.headline

    def to_json(self) -> str:
        """Indented JSON, keys in the order of the fields."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode()

    def to_dict(self) -> dict[str, Any]:
        """What :meth:`to_json` holds, as dictionaries, lists and plain values."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain

    def to_pandas(self) -> Any:
        """The result's main table as a ``pandas.DataFrame``: raw values in SI units, a column for each of CSV's.

        Raises:
            UsageError: Where pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("pandas is not installed", hint="python -m pip install pandas") from None
        return pandas.DataFrame(_present(self).rows() if _present else [])

    def _repr_html_(self) -> str | None:
        """What a notebook shows."""
        return _present(self).html() if _present else None


class SavedRecord(Record, frozen=True, kw_only=True):
    """A record that is read back from files, whose ``version`` says how it was written."""

    format_version: ClassVar[int]
    """The version that is read."""

    @classmethod
    def from_json(cls, text: str | bytes, *, path: Path | str | None = None) -> Self:
        """Read a record back from what :meth:`to_json` gave.

        Raises:
            ArchprofError: Where the text is no such record, or one of another version.
        """
        try:
            values = msgspec.json.decode(text)
        except msgspec.MsgspecError as error:
            raise cls._refused(error, path) from None
        return cls.from_dict(values, path=path)

    @classmethod
    def from_dict(cls, values: Any, *, path: Path | str | None = None) -> Self:
        """Read a record back from what :meth:`to_dict` gave.

        Raises:
            ArchprofError: Where the values are no such record, or one of another version.
        """
        version, reads = values.get("version") if isinstance(values, dict) else None, cls.format_version
        if isinstance(version, int) and version != reads:
            older = "this archprof is older than the file" if version > reads else "the file is older"
            message = f"{cls.title()} version {version}, this archprof reads {reads}: {older}"
            raise ArchprofError(message, path=path)
        try:
            return msgspec.convert(values, cls)
        except msgspec.MsgspecError as error:
            raise cls._refused(error, path) from None

    @classmethod
    def _refused(cls, error: msgspec.MsgspecError, path: Path | str | None) -> ArchprofError:
        return ArchprofError(f"not a saved {cls.title()}: {error}", path=path)

    @classmethod
    def title(cls) -> str:
        """What such a record is called in messages: ``audit result``."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()
