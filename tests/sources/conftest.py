from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

NOBODY = 65534


@pytest.fixture
def locked() -> Callable[[Path], AbstractContextManager[None]]:
    """Makes a folder one that may not be entered; root, whom nothing stops, is somebody else meanwhile."""

    @contextmanager
    def lock(folder: Path) -> Iterator[None]:
        folder.chmod(0)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o700)

    return lock
