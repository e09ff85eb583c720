"""What takes long to find out and is the same while what it was found out from is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from archprof import cache
from archprof.cache.fingerprint import surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def remember(what: str, source: bytes, kind: type[T], look: Callable[[], T]) -> T:
    """What ``look`` returns, kept for the same source.

    Args:
        what: A word for what it is, at most 16 bytes.
        source: All that it depends on, besides the surroundings of the process.
        kind: Its type.
        look: Finds it out. What it raises is not kept.
    """
    if (known := find(what, source, kind)) is not None:
        return known
    value = look()
    keep(what, source, kind, value)
    return value


def find(what: str, source: bytes, kind: type[T]) -> T | None:
    """What was kept for a source; None where nothing is. The arguments are those of :func:`remember`."""
    store = cache.kept()
    if store is None:
        return None
    try:
        if parts := store.read(_key(what, source), 1):
            return msgspec.msgpack.decode(parts[0], type=kind)
    except msgspec.MsgspecError:
        pass
    return None


def keep(what: str, source: bytes, kind: type[T], value: T) -> None:
    """Keep a value for :func:`find`, where it comes back as it is."""
    store = cache.kept()
    if store is None:
        return
    try:
        data = msgspec.msgpack.encode(value)
        same = msgspec.msgpack.encode(msgspec.msgpack.decode(data, type=kind)) == data
    except (TypeError, ValueError, OverflowError):  # a number beyond 64 bits
        return
    if same:
        store.write(_key(what, source), data)


def _key(what: str, source: bytes) -> str:
    return hashlib.blake2b(source, digest_size=20, key=surroundings(), person=what.encode()).hexdigest()
