"""A clock that was made up: calls take what the test says, and nothing waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class FakeClock:
    """Time passes only in calls of :class:`Model`; each of them takes what the model says next."""

    name = "fake"

    def __init__(self, least_s: float = 0.0) -> None:
        self.least_s = least_s
        self.passed = 0.0
        self.readings = 0

    def now(self) -> float:
        return self.passed

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        self.readings += 1
        start = self.passed
        for _ in range(calls):
            call()
        return (self.passed - start) / calls


class Model:
    """Takes the seconds that it is given, one after the other, and may be interrupted as by Ctrl-C."""

    def __init__(self, clock: FakeClock, seconds: Iterable[float], interrupt_after: int | None) -> None:
        self._clock, self._seconds, self._interrupt_after = clock, iter(seconds), interrupt_after
        self.began: list[float] = []

    def __call__(self) -> None:
        if len(self.began) == self._interrupt_after:
            raise KeyboardInterrupt
        self.began.append(self._clock.passed)
        self._clock.passed += next(self._seconds)


class MakeModel(Protocol):
    def __call__(self, seconds: Iterable[float], interrupt_after: int | None = None) -> Model: ...


@pytest.fixture
def clock() -> FakeClock:
    """A clock on which only models' calls take time."""
    return FakeClock()


@pytest.fixture
def model(clock: FakeClock) -> MakeModel:
    """Makes a model that takes certain seconds on the clock, and is interrupted after so many calls."""

    def make(seconds: Iterable[float], interrupt_after: int | None = None) -> Model:
        return Model(clock, seconds, interrupt_after)

    return make
