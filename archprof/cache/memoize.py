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
    store = cache.kept()
    if store is None:
        return look()
    key = hashlib.blake2b(source, digest_size=20, key=surroundings(), person=what.encode()).hexdigest()
    try:
        if parts := store.read(key, 1):
            return msgspec.msgpack.decode(parts[0], type=kind)
    except msgspec.MsgspecError:
        pass
    value = look()
    try:
        data = msgspec.msgpack.encode(value)
        same = msgspec.msgpack.encode(msgspec.msgpack.decode(data, type=kind)) == data
    except (TypeError, ValueError, OverflowError):  # a number beyond 64 bits
        return value
    if same:
        store.write(key, data)
    return value
