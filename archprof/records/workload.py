"""What a forward pass asks of a machine, as plain data: its operations by kind of kernel and size."""

from __future__ import annotations

import msgspec


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """All operations of a forward pass that are alike.

    Attributes:
        kind: What kernel runs them.
        sizes: The factors of one operation's work, as its kind has them; see :data:`CONVOLUTION` and those after it.
        bytes: What one of them reads and writes.
        calls: How many they are.
    """

    kind: str
    sizes: list[int]
    bytes: int
    calls: int


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What one forward pass asks for: operations, calls of modules, and memory for what is there at one time."""

    work: list[Work]
    module_calls: int
    peak_activation_bytes: int
