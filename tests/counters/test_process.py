"""Counters that go wrong: each is a row that says so, and the next one goes on as if nothing had been."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archprof.builder.plugins import load_plugin
from archprof.counters import COUNTERS
from archprof.counters.probe import probe_case
from archprof.counters.process import run_isolated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archprof.audit.model_source import SpecSource

PLANTED = str(Path(__file__).with_name("planted.py"))


@pytest.fixture(scope="module", autouse=True)
def planted() -> Iterator[None]:
    """The planted counters are known here as they are in the other process."""
    with COUNTERS.scope():
        load_plugin(PLANTED)
        yield


@pytest.mark.parametrize(
    ("name", "error"),
    [("crashes", "ValueError: planted"), ("leaves", "SystemExit: I have had enough")],
)
def test_a_failure_is_a_result(name: str, error: str) -> None:
    result = COUNTERS[name].run(*probe_case())
    assert (result.name, result.error, result.macs, result.seconds) == (name, error, None, None)


def test_none_touches_the_next_nor_anything_of_ours(
    source: Callable[..., SpecSource], capfd: pytest.CaptureFixture[str]
) -> None:
    names = ["litters", "looks", "dies", "sleeps"]
    results = {one.name: one for one in run_isolated(source("Mixed", PLANTED), names, time_limit=5)}
    assert {name: result.error for name, result in results.items()} == {
        "litters": None,
        "looks": None,
        "dies": "its process died: Killed",
        "sleeps": "stopped after 5 s",
    }
    assert results["looks"].value == 0
    assert capfd.readouterr() == ("", "")


def test_a_model_that_cannot_be_made_there_is_said_of_each(source: Callable[..., SpecSource]) -> None:
    results = list(run_isolated(source("Missing"), ["thop", "fvcore"], time_limit=120))
    assert [result.name for result in results] == ["thop", "fvcore"]
    assert all(result.error is not None and "Missing" in result.error for result in results)
