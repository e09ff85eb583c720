"""Variants written in the test that builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.sources import yaml_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.sources.spec import VariantSpec


@pytest.fixture
def variant(tmp_path: Path) -> Callable[..., VariantSpec]:
    """Reads rows as they would stand under ``backbone:``, the first on line 2; more keys follow them."""

    def read(*rows: str, more: str = "") -> VariantSpec:
        path = tmp_path / "mine.yaml"
        path.write_text("backbone:\n" + "".join(f"  - {row}\n" for row in rows) + more, encoding="utf-8")
        return yaml_file.load(path)

    return read
