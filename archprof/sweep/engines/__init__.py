"""Where batches of variants are counted: each engine is the file of its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from archprof.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archprof.pipeline import ExecutionConfig
    from archprof.sweep.tasks import Kept, Task


class Engine(Protocol):
    """Counts batches somewhere. The rows are the same whichever engine counts them, in whatever order."""

    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""

    def run(
        self, batches: Iterable[Sequence[Task]], config: ExecutionConfig, address: str | None
    ) -> Iterator[list[Kept]]:
        """Count batches.

        Args:
            batches: The variants; no more of them are asked for than can be counted at once.
            config: How they may be counted.
            address: Where the engine's cluster is; None for what it starts itself.

        Yields:
            The rows of each batch, as they are finished.

        Raises:
            ArchprofError: Where the engine cannot be used.
        """


ENGINES: Registry[Engine] = Registry("engine", __name__, ("local", "ray"))
"""Every engine by its name."""
