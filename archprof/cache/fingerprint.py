"""What every result of a process depends on, looked at without importing any of it."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from typing import TYPE_CHECKING

from archprof.cache.code_files import PACKAGE, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = ("ARCHPROF_META_KERNELS", "PYTORCH", "TIMM_", "TORCH")
"""How the names of the environment variables begin that steer how models run in torch and timm."""


AFTER = ("cli", "render", "__pycache__")
"""Folders of archprof's that come after a profile."""


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
    """A digest of archprof's source: all but what is done with a profile once it is there."""
    digest = hashlib.blake2b(digest_size=16)
    root = PACKAGE
    for path in sorted(_files(root)):
        digest.update(path[len(root) :].encode() + b"\0")
        with open(path, "rb") as file:  # noqa: PTH123
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.digest()


def own_source_changed() -> bool:
    """Whether any of it was written since the process began."""
    return any(changed(path) for path in _files(PACKAGE))


def _files(folder: str) -> Iterator[str]:
    for entry in list(os.scandir(folder)):
        if entry.name.endswith(".py"):
            yield entry.path
        elif entry.is_dir() and entry.name not in AFTER:
            yield from _files(entry.path)


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
