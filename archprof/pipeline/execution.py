"""What there is to profile with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to profile with.

    Attributes:
        plugins: Files or modules that register blocks; they run only if something is counted.
        foreign: Whether code that is not installed may run: plugins, and functions that make models.
        details: Whether each profile is wanted with what a budget does without; it is there faster without.
        jobs: How many are counted at once.
        seconds: What counting one may take; without a bound where None.
        memory_bytes: What the process that counts one may hold; without a bound where None.

    Raises:
        UsageError: Where plugins are named that may not run.
    """

    plugins: Sequence[str] = ()
    foreign: bool = True
    details: bool = True
    jobs: int = 1
    seconds: float | None = None
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.plugins and not self.foreign:
            raise UsageError(f"--no-plugins refuses to run {', '.join(self.plugins)}")

    @property
    def bounded(self) -> bool:
        """Whether there is a bound that only a process of its own can be held to."""
        return self.seconds is not None or self.memory_bytes is not None
