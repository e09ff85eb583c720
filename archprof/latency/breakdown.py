"""Where the time of a forward pass goes, as it is saved: by part of the model, and by operation. No torch here."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the model, or all calls of an operation: the time in its operations, and what they compute and move.

    ``name`` is a module's path, or an operation's name; what ran outside of every part has an empty one.
    """

    name: str
    seconds: float
    macs: int
    elementwise_flops: int
    bytes: int

    @property
    def flops_per_s(self) -> float | None:
        """FLOPs a second, elementwise ones too."""
        return (2 * self.macs + self.elementwise_flops) / self.seconds if self.seconds else None

    @property
    def bytes_per_s(self) -> float | None:
        """Bytes a second, read and written."""
        return self.bytes / self.seconds if self.seconds else None

    @property
    def intensity(self) -> float | None:
        """FLOPs for each byte."""
        return (2 * self.macs + self.elementwise_flops) / self.bytes if self.bytes else None


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """The time of a pass of eager torch, in parts; each is the median of ``passes`` passes under torch's profiler.

    Attributes:
        device: Where it ran.
        threads: Threads that it computed with.
        passes: How many passes were looked at, with the profiler and without.
        whole_s: What a pass takes without the profiler: the median.
        parts: The rows, or of a model without rows its modules down to the second level; their sum is that of
            ``operations``.
        operations: By name, the dearest first.
        between_s: The rest of a pass under the profiler: Python, what torch does before a kernel runs, the profiler
            itself; on a graphics card, the time in which it waits.
    """

    device: str
    threads: int | None
    passes: int
    whole_s: float
    parts: list[Part]
    operations: list[Part]
    between_s: float

    @property
    def sum_s(self) -> float:
        """The parts and what is between them: what a pass takes under the profiler."""
        return sum(part.seconds for part in self.parts) + self.between_s
