"""Where the time of a forward pass goes, as it is saved: by part of the model, and by operation. No torch here."""

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
    """The time of a pass of eager torch, in parts, each without what torch's profiler adds to it.

    Everything is the mean of the ``passes_used`` fastest of ``passes`` passes, which were disturbed least.

    Attributes:
        device: Where it ran.
        threads: Threads that it computed with.
        passes: How many passes were looked at, with the profiler and in turn without.
        passes_used: How many of each the figures are of.
        whole_s: What a pass takes without the profiler.
        parts: The rows, or of a model without rows its modules down to the second level; their sum is that of
            ``operations``.
        operations: By name, the most expensive first.
        between_s: The rest of a pass: Python, and what torch does before a kernel runs; on a graphics card, the time in
            which it waits.
        events: Ranges and operations that the profiler noted in a pass; 0 where the times are a card's own.
        noting_s: What it took to note each: how much longer a pass was under the profiler, over ``events``.
    """

    device: str
    threads: int | None
    passes: int
    passes_used: int
    whole_s: float
    parts: list[Part]
    operations: list[Part]
    between_s: float
    events: int = 0
    noting_s: float = 0.0

    @property
    def sum_s(self) -> float:
        """The parts and what is between them."""
        return sum(part.seconds for part in self.parts) + self.between_s

    @property
    def profiler_s(self) -> float:
        """What the profiler added to a pass; it is in none of the parts."""
        return self.events * self.noting_s
