"""Processes of this computer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UsageError
from archprof.sweep import tasks
from archprof.sweep.engines import ENGINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archprof.pipeline import ExecutionConfig


class Local:
    """This process, or as many others as ``--jobs`` says."""

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def run(
        self, batches: Iterable[Sequence[tasks.Task]], config: ExecutionConfig, address: str | None
    ) -> Iterator[list[tasks.Kept]]:
        """One batch after the other; the processes share each.

        Raises:
            UsageError: Where an address is given.
        """
        if address is not None:
            raise UsageError("--address is of a cluster", hint="--engine ray --address ADDRESS")
        for batch in batches:
            yield tasks.run(batch, config)


ENGINES.register("local", Local())
