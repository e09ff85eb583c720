"""Profiles by what they depend on.

The key holds the spec, the options, the plugins and :mod:`~archprof.cache.fingerprint`; the files of code that only an
import tells are kept with the profile and looked at again. What cannot be keyed is not kept: a model that a function of
the user's makes, which may read anything, and one that ran for real, which may run otherwise on another processor.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import msgspec

from archprof import cache
from archprof.cache import code_files
from archprof.cache.fingerprint import own_source_changed, surroundings
from archprof.records.profile import Module, Operation, Profile, Reported  # noqa: TC001
from archprof.records.workload import Work  # noqa: TC001 - they are looked up to read them back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.pipeline.request import Level, Request

MEMORYLESS = ("auto", "meta")
"""The devices on which a model is counted without running for real."""


class _Main(msgspec.Struct):
    """The code that a profile came from, and the profile without its details."""

    sources: dict[str, str]
    profile: Profile


class _Details(msgspec.Struct):
    """The rest of the profile, which is most of its bytes."""

    modules: list[Module]
    operations: list[Operation]
    reported: dict[str, Reported]
    work: list[Work]


_MAIN = msgspec.msgpack.Decoder(_Main)
_DETAILS = msgspec.msgpack.Decoder(_Details)


def key_of(request: Request, plugins: Sequence[str] = ()) -> str | None:
    """The name under which the profile is kept; None where it depends on what cannot be known."""
    content = request.spec.content_key
    if request.build.device not in MEMORYLESS or content is None:
        return None
    folder = os.getcwd() if plugins else ""  # noqa: PTH109 - where their names are looked up
    try:
        key = msgspec.msgpack.encode((content, request.build, request.conventions, plugins, folder))
    except (TypeError, ValueError, OverflowError):  # a number beyond 64 bits
        return None
    return hashlib.blake2b(key, digest_size=20, key=surroundings()).hexdigest()


def find(key: str, *, level: Level) -> Profile | None:
    """The profile that counting would give now, where it is kept.

    Args:
        key: What :func:`key_of` says.
        level: How much of it is wanted; what budgets hold is there in a tenth of the time.
    """
    store = cache.kept()
    parts = store.read(key, 2 if level == "full" else 1) if store else None
    if parts is None or not all(parts):  # what was counted without details has none
        return None
    try:
        main = _MAIN.decode(parts[0])
        return _joined(main, *parts[1:]) if code_files.unchanged(main.sources) else None
    except msgspec.MsgspecError:  # sound, and written by a version that lied about itself
        return None


def keep(key: str, profile: Profile, files: dict[str, str] | None, *, level: Level) -> None:
    """Keep a profile for :func:`find`, where everything that it depends on is known.

    Args:
        key: What :func:`key_of` said before it was counted.
        profile: The profile.
        files: What :func:`archprof.cache.code_files.used` says in the process that counted.
        level: How much of it was counted.
    """
    store = cache.kept()
    if store is None or files is None or profile.environment.device != "meta" or own_source_changed():
        return
    rest = _Details(profile.modules, profile.operations, profile.reported, profile.work)
    try:
        first = msgspec.msgpack.encode(_Main(files, profile.brief()))
        second = msgspec.msgpack.encode(rest) if level == "full" else b""
        back = _joined(_MAIN.decode(first), second)
    except (TypeError, ValueError, OverflowError):
        return
    # A row's argument may be anything that its block took: what does not come back as it was is not kept.
    if back == profile and back.to_json() == profile.to_json():
        store.write(key, first, second)


def _joined(main: _Main, details: bytes = b"") -> Profile:
    """The profile of its two parts, or of the first."""
    if not details:
        return main.profile
    rest = _DETAILS.decode(details)
    return msgspec.structs.replace(
        main.profile, modules=rest.modules, operations=rest.operations, reported=rest.reported, work=rest.work
    )
