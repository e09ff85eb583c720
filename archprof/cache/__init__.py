"""Results kept by content, so that what has not changed is not counted again, nor torch imported for it.

A cache may be damaged, foreign, read-only, full or shared: whatever is wrong with it, a result is counted afresh.
The command line turns it on; as a library archprof keeps nothing.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archprof.cache.store import Store

enabled = False
"""Whether this process reads and writes kept results."""


def folder() -> Path:
    """Where archprof may keep what it can make again: ``ARCHPROF_CACHE_DIR``, else the user's cache folder."""
    if named := os.environ.get("ARCHPROF_CACHE_DIR"):
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("archprof")


def kept() -> Store | None:
    """The process's kept results; None where there are to be none."""
    return _store(*map(os.environ.get, PLACES)) if enabled else None


PLACES = ("ARCHPROF_CACHE_DIR", "XDG_CACHE_HOME", "HOME")
"""The environment variables that say where the folder is."""


@cache
def _store(*variables: str | None) -> Store:
    """A command that looks at a hundred results finds out once where they are."""
    from archprof.cache.store import Store

    return Store(folder())
