"""What every result of a process depends on, looked at without importing any of it."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from functools import cache
from pathlib import Path

import archprof

SETTINGS = ("PYTORCH", "TIMM_", "TORCH")
"""How the names of the environment variables begin that steer torch and timm."""


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
    """A digest of archprof's source, as the process found it."""
    return own_source_now()


def own_source_now() -> bytes:
    """As :func:`own_source`, looked at anew."""
    root = os.path.dirname(archprof.__file__)  # noqa: PTH120
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(map(str, Path(root).rglob("*.py"))):
        digest.update(path[len(root) :].encode() + b"\0")
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.digest()


def installed() -> list[str]:
    """Every installed distribution with its version, in the order in which they are found."""
    found = []
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208
        except OSError:
            continue
        found += sorted(name for name in names if name.endswith((".dist-info", ".egg-info")))
    return found


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
