"""Records of rows by what they depend on, in memory and on disk. Free of torch.

What is on disk names the files of code that it came from, as cached profiles do, and is not read once one of them has
changed. Records that were counted are written together, when it is known which files those are.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from archprof import cache
from archprof.cache import code_files
from archprof.cache.fingerprint import own_source_changed, surroundings
from archprof.cache.store import ROWS

if TYPE_CHECKING:
    from archprof.cache.store import Store

T = TypeVar("T")

MOST_ENTRIES = 24_000
"""Records that are held in memory; beyond that it begins anew."""


class _Entry(msgspec.Struct, array_like=True):
    """A record on disk: the name of the list of files that it came from, and the record."""

    sources: str
    content: msgspec.Raw


_ENTRY = msgspec.msgpack.Decoder(_Entry)
_DECODERS: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


class Shelf:
    """The records of a process.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Any] = {}
        self._sound: dict[str, bool] = {}
        self._new: dict[str, tuple[Any, Any]] = {}

    def find(self, key: str, kind: type[T]) -> T | None:
        """The record under a key; None where there is none."""
        record: T | None = self._known.get(key)
        return self._read(key, kind, 0) if record is None else record

    def details(self, key: str, kind: type[T]) -> T | None:
        """The second part of what is kept under a key; None where there is none."""
        return self.find(f"{key}+", kind) if f"{key}+" in self._known else self._read(key, kind, 1)

    def put(self, key: str, record: Any, details: Any = None) -> None:
        """Take a record in; :meth:`write` writes it."""
        self.remember(key, record)
        if details is not None:
            self.remember(f"{key}+", details)
        self._new[key] = (record, details)

    def write(self, files: dict[str, str] | None) -> None:
        """Write what was taken in, where it is known which files of code it came from.

        Args:
            files: What :func:`archprof.cache.code_files.used` says in the process that counted.
        """
        new, self._new = self._new, {}
        if not new or files is None or own_source_changed():
            return
        content = msgspec.msgpack.encode(sorted(files.items()))
        sources = ROWS + _digest(b"files", content) if files else ""
        if files:
            self._store.write(sources, content)
        for key, (record, details) in new.items():
            try:
                first = msgspec.msgpack.encode((sources, record))
                second = msgspec.msgpack.encode((sources, details)) if details is not None else b""
            except (TypeError, ValueError, OverflowError):  # a number beyond 64 bits
                continue
            self._store.write(key, first, second)

    def _read(self, key: str, kind: type[T], part: int) -> T | None:
        parts = self._store.read(key, part + 1)
        if parts is None or not parts[part]:
            return None
        try:
            entry = _ENTRY.decode(parts[part])
            if not self._unchanged(entry.sources):
                return None
            decoder = _DECODERS.get(kind) or _DECODERS.setdefault(kind, msgspec.msgpack.Decoder(kind))
            record: T = decoder.decode(entry.content)
        except msgspec.MsgspecError:  # sound, and written by a version that lied about itself
            return None
        self.remember(f"{key}+" if part else key, record)
        return record

    def _unchanged(self, sources: str) -> bool:
        if not sources:
            return True
        if sources not in self._sound:
            parts = self._store.read(sources, 1)
            files = msgspec.msgpack.decode(parts[0], type=list[tuple[str, str]]) if parts else None
            self._sound[sources] = files is not None and code_files.unchanged(dict(files))
        return self._sound[sources]

    def remember(self, key: str, record: Any) -> None:
        """Take in what is not worth a file."""
        if len(self._known) >= MOST_ENTRIES:
            self._known.clear()
        self._known[key] = record


def key_of(kind: bytes, *parts: Any) -> str:
    """The name under which something is kept.

    Args:
        kind: What it is, in a word.
        parts: All that it depends on, besides the surroundings of the process.

    Raises:
        TypeError: Where a part has no form in bytes.
    """
    try:
        return ROWS + _digest(kind, msgspec.msgpack.encode(parts))
    except (ValueError, OverflowError) as error:  # a number beyond 64 bits
        raise TypeError(str(error)) from error


def _digest(kind: bytes, content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=20, key=surroundings(), person=kind).hexdigest()


shelves: dict[Store, Shelf] = {}
"""The shelf of each folder that this process keeps results in."""


def shelf() -> Shelf | None:
    """The process's; None where nothing is to be kept."""
    store = cache.kept()
    if store is None:
        return None
    if store not in shelves:
        shelves[store] = Shelf(store)
    return shelves[store]
