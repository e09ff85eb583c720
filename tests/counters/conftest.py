from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archprof.audit.model_source import SpecSource
from archprof.builder.options import Options
from archprof.counters import COUNTERS
from archprof.counters.process import run_isolated
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.counters import CounterResult

MODELS = Path(__file__).with_name("models.py")


@pytest.fixture(scope="session")
def source() -> Callable[..., SpecSource]:
    """A model of `models.py` and an 8×8 image, with plugins."""

    def make(factory: str, *plugins: str) -> SpecSource:
        return SpecSource(resolve(f"{MODELS}:{factory}"), Options(size=(8,)), plugins)

    return make


@pytest.fixture(scope="session")
def mixed(source: Callable[..., SpecSource]) -> dict[str, CounterResult]:
    """What every counter makes of the mixed model."""
    return {result.name: result for result in run_isolated(source("Mixed"), list(COUNTERS), time_limit=300)}
