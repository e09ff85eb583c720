"""How models may be counted: processes, limits, trust. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExecutionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How models may be counted.

    Attributes:
        plugins: Files or modules that register blocks; they run only if something is counted.
        allow_untrusted_code: Whether code that is not installed may run: plugins, and functions that make models.
        jobs: How many are counted at once.
        time_limit_s: What counting one may take; without a bound where None.
        memory_limit_bytes: What the process that counts one may hold; without a bound where None.

    Raises:
        UsageError: Where plugins are named that may not run.
    """

    plugins: Sequence[str] = ()
    allow_untrusted_code: bool = True
    jobs: int = 1
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.plugins and not self.allow_untrusted_code:
            raise UsageError(f"--no-plugins refuses to run {', '.join(self.plugins)}")

    @property
    def bounded(self) -> bool:
        """Whether there is a bound that only a process of its own can be held to."""
        return self.time_limit_s is not None or self.memory_limit_bytes is not None
