"""Sums over operations that are each in one of three states, whatever they are operations of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["counted", "free", "unknown"]


class Tally:
    """What is added up of entries that have an ``operation``, its ``state`` and its ``count``."""

    __slots__ = ()

    entries: Sequence[Any]

    @staticmethod
    def repeats(operation: Any) -> int:
        """How many times an operation ran that is written down once."""
        return 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the convolution, matrix product and attention family."""
        return sum(entry.count.macs for entry in self.entries)

    @property
    def elementwise_flops(self) -> int:
        """FLOPs of everything else."""
        return sum(entry.count.elementwise_flops for entry in self.entries)

    @property
    def unknown(self) -> dict[str, int]:
        """Operations of unknown cost: name -> times they ran."""
        times: Counter[str] = Counter()
        for entry in self.entries:
            if entry.state == "unknown":
                times[entry.operation.name] += self.repeats(entry.operation)
        return dict(times)

    def states(self) -> Counter[State]:
        """How many operations are in each state."""
        states: Counter[State] = Counter()
        for entry in self.entries:
            states[entry.state] += self.repeats(entry.operation)
        return states
