"""What a forward pass holds in memory, operation by operation. Nothing here needs torch."""

from __future__ import annotations

import msgspec

from archprof import units
from archprof.records.profile import Environment, Input, Tool, Variant
from archprof.records.record import Record


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An operation of the pass, and the bytes of the activations that are there while it runs.

    ``module`` is the path of the module that ran it, ``row`` the row of the YAML that it is in.
    """

    operation: str
    module: str
    row: int | None = None
    bytes: int


class HeldTensor(msgspec.Struct, frozen=True, kw_only=True):
    """An activation that is there at the peak, and what made it."""

    shape: list[int]
    dtype: str
    bytes: int
    operation: str
    module: str
    row: int | None = None


class MemoryPass(Record, frozen=True, kw_only=True):
    """The activation memory of a forward pass.

    Attributes:
        tool: What wrote it.
        variant: The model.
        input: What went in.
        environment: Where the figures were made.
        moments: Every operation, in the order in which they ran.
        peak_bytes: The most that is there at one time, as in a profile's totals.
        peak_index: The first operation at which that is so.
        peak_tensors: What is there then, the largest first.
        rows: The module of each row of the YAML, by its index.
    """

    tool: Tool = msgspec.field(default_factory=Tool)
    variant: Variant
    input: Input
    environment: Environment
    moments: list[Moment]
    peak_bytes: int
    peak_index: int
    peak_tensors: list[HeldTensor]
    rows: dict[int, str] = msgspec.field(default_factory=dict)

    @property
    def headline(self) -> str:
        """The peak."""
        return f"{self.variant.name}: peak activation memory {units.size(self.peak_bytes)}"
