"""Which distribution an import name belongs to, where several install a folder of that name."""

from __future__ import annotations

import base64
import hashlib
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Claimant:
    """A distribution that installed an import name.

    Attributes:
        name: The distribution.
        version: Its version.
        intact: Whether the files that are there are the ones that it installed.
    """

    name: str
    version: str
    intact: bool


def claimants(package: str, path: Sequence[str] | None = None) -> list[Claimant]:
    """Every distribution that installed a package of that name.

    Args:
        package: The import name.
        path: Where to look; by default where Python imports from.
    """
    claims = []
    for distribution in metadata.distributions(path=list(sys.path if path is None else path)):
        if f"\n{package}/" not in f"\n{distribution.read_text('RECORD') or ''}":
            continue
        files = [file for file in distribution.files or () if file.parts[0] == package and file.suffix == ".py"]
        claims.append(Claimant(distribution.name, distribution.version, all(map(_as_installed, files))))
    return claims


def _as_installed(file: metadata.PackagePath) -> bool:
    """Whether a file is what its distribution's record says."""
    try:
        content = file.read_binary()
    except OSError:
        return False
    if file.hash is None:
        return True
    digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, content).digest())
    return digest.decode().rstrip("=") == file.hash.value
