"""Where a sweep keeps what it counted: an SQLite file, one row a variant, that several processes may write to."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from archprof.errors import OutputError, UsageError
from archprof.records.metrics import NAMED
from archprof.records.sweep import VERSION, SweepRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

APPLICATION = 0x61726368
"""What SQLite's header calls the file's application: "arch"."""

MEMORY = ":memory:"

_HEADER = b"SQLite format 3\0"

PATIENCE_S = 60.0
"""How long to wait while another process writes."""

_SHARED_MEMORY = 32_768
"""Bytes of the file that SQLite needs beside a store, to read it too."""

_TABLES = """
CREATE TABLE variants (
    setup TEXT NOT NULL,
    point TEXT NOT NULL,
    content TEXT,
    record TEXT NOT NULL,
    PRIMARY KEY (setup, point)
) STRICT, WITHOUT ROWID;
CREATE VIEW figures AS SELECT
    json_extract(setup, '$.reference') AS reference,
    point,
    json_extract(record, '$.error') AS error,
    {metrics}
FROM variants;
"""

_RUNS = "CREATE TABLE IF NOT EXISTS runs (setup TEXT NOT NULL, options TEXT NOT NULL, PRIMARY KEY (setup, options))"
"""What was asked for: a store of an earlier archprof has no such table."""


class Store:
    """A store of sweeps.

    Args:
        path: The file; None for one in memory, which goes with the process.
        read_only: Whether it is only looked at, wherever it lies.

    Raises:
        OutputError: Where it cannot be opened, is of another version, or something else.
    """

    def __init__(self, path: Path | None, *, read_only: bool = False) -> None:
        self.path = path
        self._decoder = msgspec.json.Decoder(SweepRow)
        if path and path.exists() and not path.is_file():
            raise OutputError("is a folder, not a file" if path.is_dir() else "is no regular file", path=path)
        with self._explained():
            if path and read_only:
                self._connection = self._readable(path)
            else:
                place = path.absolute() if path else MEMORY
                self._connection = sqlite3.connect(place, timeout=PATIENCE_S, isolation_level=None)
                if not self._empty:
                    self._check()  # before anything is changed of a file that is somebody else's
                self._create()
            self._check()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def contents(self, setup: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
        """What is there of some points: the key of each one's content, by the point as :func:`encode` writes it."""
        text, texts = encode(setup), dict[str, str | None]()
        query = "SELECT point, content FROM variants WHERE setup = ? AND point = ?"
        with self._explained():
            for point in points:
                texts.update(self._connection.execute(query, (text, encode(point))).fetchall())
        return texts

    def write(self, setup: Mapping[str, Any], rows: Sequence[tuple[SweepRow, str | None]]) -> None:
        """Keep some variants, all of them or none.

        Args:
            setup: What holds for all of the sweep's.
            rows: Each with the key of its content, None where that cannot be known.

        Raises:
            OutputError: Where the file cannot be written; nothing of it is changed then.
        """
        text = encode(setup)
        values = [(text, encode(row.point), key, _record(row)) for row, key in rows]
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR REPLACE INTO variants VALUES (?, ?, ?, ?)", values)
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has ended the transaction by itself
                    self._connection.execute("ROLLBACK")
                raise

    def note_run(self, setup: Mapping[str, Any], options: Sequence[str]) -> None:
        """Keep what was asked for, once.

        Args:
            setup: What holds for all variants of the sweep.
            options: The sweep, as options of the command line.
        """
        with self._explained():
            self._connection.execute(_RUNS)
            values = encode(setup), encode(list(options))
            self._connection.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", values)

    def runs(self, setup: Mapping[str, Any]) -> list[list[str]]:
        """What was asked for of a sweep, as options of the command line; nothing where that was not kept."""
        query = "SELECT options FROM runs WHERE setup = ? ORDER BY rowid"
        with self._explained():
            exists = self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'runs'").fetchone()
            texts = self._connection.execute(query, (encode(setup),)).fetchall() if exists else []
        return [msgspec.json.decode(text) for (text,) in texts]

    def setups(self) -> list[dict[str, Any]]:
        """What holds for the variants of each sweep in it."""
        with self._explained():
            texts = self._connection.execute("SELECT DISTINCT setup FROM variants ORDER BY setup").fetchall()
        return [msgspec.json.decode(text) for (text,) in texts]

    def rows(self, setup: Mapping[str, Any]) -> list[SweepRow]:
        """The variants of a sweep, in no order that means something."""
        with self._explained():
            texts = self._connection.execute("SELECT record FROM variants WHERE setup = ?", (encode(setup),)).fetchall()
        try:
            return [self._decoder.decode(text) for (text,) in texts]
        except msgspec.MsgspecError as error:
            raise OutputError(f"is damaged: {error}", path=self.path) from None

    def _create(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("BEGIN IMMEDIATE")
        if self._empty:
            metrics = ", ".join(f"""json_extract(record, '$.figures."{name}"') AS "{name}\"""" for name in NAMED)
            for statement in filter(str.strip, _TABLES.format(metrics=metrics).split(";")):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {VERSION}")
        self._connection.execute("COMMIT")

    @property
    def _empty(self) -> bool:
        return not self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]

    def _check(self) -> None:
        """See to it that the file is a store, and one that can be read.

        Raises:
            OutputError: Where it is not.
        """
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            raise OutputError("is an SQLite file, but no store of a sweep", path=self.path, hint="name another file")
        if version != VERSION:
            age = "this archprof is older than the file" if version > VERSION else "the file is older"
            message = f"is a store of version {version}, this archprof reads {VERSION}: {age}"
            raise OutputError(message, path=self.path)

    @staticmethod
    def _readable(path: Path) -> sqlite3.Connection:
        """A connection that does not write: SQLite needs files beside a store that somebody is writing to."""
        if not path.is_file():
            raise OutputError("no such file", path=path, hint="archprof sweep REF --vary ... --store FILE makes one")
        uri = path.absolute().as_uri()
        if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
            connection = sqlite3.connect(f"{uri}?mode=rw", uri=True, timeout=PATIENCE_S)
            try:
                connection.execute("PRAGMA application_id").fetchone()
            except sqlite3.OperationalError:  # no room for those files; with an empty log, all is in the store itself
                connection.close()
                log = path.with_name(f"{path.name}-wal")
                if log.exists() and log.stat().st_size:
                    raise
            else:
                return connection
        return sqlite3.connect(f"{uri}?immutable=1", uri=True, timeout=PATIENCE_S)

    def _no_room(self) -> str | None:
        """Why nothing can be written beside the file, as the system says it; None where something can."""
        if self.path is None:
            return None
        try:
            with TemporaryFile(dir=self.path.parent) as file:
                file.write(bytes(_SHARED_MEMORY))
                file.flush()
        except OSError as error:
            return f"cannot be written: {error.strerror}"
        return None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """While it holds, what SQLite cannot do is told as any other mistake."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            known = {
                sqlite3.SQLITE_NOTADB: "is no SQLite file",
                sqlite3.SQLITE_FULL: "cannot be written: the disk is full",
                sqlite3.SQLITE_READONLY: "cannot be written: it is read-only",
                sqlite3.SQLITE_CANTOPEN: "cannot be opened: its folder does not exist or may not be written to",
                sqlite3.SQLITE_BUSY: f"another process has been writing to it for {PATIENCE_S:g} s",
            }
            code = (error.sqlite_errorcode or 0) & 0xFF
            reason = self._no_room() if code == sqlite3.SQLITE_IOERR else None
            message = reason or known.get(code, f"cannot be used: {error}")
            raise OutputError(message, path=self.path) from None


def is_store(path: Path) -> bool:
    """Whether a path is a file of SQLite's."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except (OSError, ValueError):
        return False


def encode(value: Any) -> str:
    """A value as the store has it: the same text for equal values, in whatever order axes were typed.

    Raises:
        UsageError: Where it holds a number that JSON has not.
    """
    return _json(value, "deterministic")


def _record(row: SweepRow) -> str:
    return _json(row, None)


def _json(value: Any, order: Literal["deterministic"] | None) -> str:
    try:
        return msgspec.json.encode(value, order=order).decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"cannot be kept in a store: {error}") from None
