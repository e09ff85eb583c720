"""What every result of a process depends on, looked at without importing any of it."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

from archprof import cache as results
from archprof.cache.code_files import PACKAGE, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = ("ARCHPROF_META_KERNELS", "PYTORCH", "TIMM_", "TORCH")
"""How the names of the environment variables begin that steer how models run in torch and timm."""


AFTER = ("cli", "render", "__pycache__")
"""Folders of archprof's that come after a profile."""

_TICK = 2_000_000_000
"""Nanoseconds between two times that every file system tells apart."""


@cache
def surroundings() -> bytes:
    """A digest of the Python, the machine, what is installed, and archprof's own source, as the process found them."""
    settings = sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(SETTINGS))
    parts = (*_machine(), *sys.path, *installed(), *settings)
    digest = hashlib.blake2b(own_source(), digest_size=16)
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.digest()


@cache
def own_source() -> bytes:
    """A digest of archprof's source: all but what is done with a profile once it is there.

    Reading the hundreds of files takes four times as long as asking for their sizes, times and inodes, so the digest is
    kept for those. Nobody can set the time at which a file's inode changed, and one that changed a moment ago may
    change again within the same tick of the clock, so such files are read.
    """
    statuses = sorted(_statuses(PACKAGE))
    state = "\n".join(f"{path} {numbers}" for path, *numbers in statuses)
    key = hashlib.blake2b(state.encode("utf-8", "surrogateescape"), digest_size=20, person=b"own source").hexdigest()
    store = results.kept()
    if store and (parts := store.read(key, 1)):
        return parts[0]
    digest = hashlib.blake2b(digest_size=16)
    for path, *_ in statuses:
        digest.update(path[len(PACKAGE) :].encode() + b"\0")
        with open(path, "rb") as file:  # noqa: PTH123
            digest.update(hashlib.sha256(file.read()).digest())
    newest = max(status[-1] for status in statuses)
    if store and time.time_ns() - newest > _TICK:
        store.write(key, digest.digest())
    return digest.digest()


def own_source_changed() -> bool:
    """Whether any of it was written since the process began."""
    return any(changed(entry.path) for entry in _files(PACKAGE))


def _files(folder: str) -> Iterator[os.DirEntry[str]]:
    for entry in list(os.scandir(folder)):
        if entry.name.endswith(".py"):
            yield entry
        elif entry.is_dir() and entry.name not in AFTER:
            yield from _files(entry.path)


def _statuses(folder: str) -> Iterator[tuple[str, int, int, int, int]]:
    """Of each file: its path, size, inode, and the nanoseconds at which its content and its inode changed."""
    for entry in _files(folder):
        status = entry.stat()
        yield entry.path, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def installed(*, times: bool = False) -> list[str]:
    """Every installed distribution with its version, in the order in which they are found.

    Args:
        times: Whether to say of each when it was installed.
    """
    names = []
    for folder in sys.path:
        try:
            entries = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
        except OSError:
            continue
        names += [
            f"{entry.path} {entry.stat().st_mtime_ns}" if times else entry.name
            for entry in entries
            if entry.name.endswith((".dist-info", ".egg-info"))
        ]
    return names


def _machine() -> list[str]:
    """What a profile says of where it was made, and the rest that may change what runs."""
    names = [sys.version, sys.implementation.name, sys.platform]
    if hasattr(os, "uname"):  # what platform.platform() is made of, without its search through the interpreter's file
        system = os.uname()
        names += [system.sysname, system.release, system.version, system.machine]
        names += [os.confstr(name) or "" for name in ("CS_GNU_LIBC_VERSION",) if name in os.confstr_names]
    else:
        names.append(platform.platform())
    return names
