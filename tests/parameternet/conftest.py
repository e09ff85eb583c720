from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest


@pytest.fixture(scope="session")
def layers() -> SimpleNamespace:
    """The modules of `layers.py`, which users would have in a file of theirs."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("layers.py"))))
