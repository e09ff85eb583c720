"""A published figure, replayed, as ``archprof claims`` saves it. Nothing here needs torch."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

import msgspec

from archprof.records.conventions import DEFAULT
from archprof.records.profile import Tool, Totals
from archprof.records.published import Published
from archprof.records.record import SavedRecord

VERSION = 1
"""The format's version. It changes when a reader of the old one would misread the new one."""

GIGA = 10**9


class Verdict(StrEnum):
    """What became of a claim."""

    reproduced = "reproduced"
    differs = "differs"
    expected_failure = "expected_failure"
    failed = "failed"


class Part(msgspec.Struct, frozen=True):
    """All calls of one operation together: how many, and what they amount to."""

    operation: str
    calls: int
    amount: float


class FigureResult(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, as published and as it comes out.

    ``published`` is the figure as it was printed, and ``measured``, in the same unit, what comes out; None where the
    claim could not be evaluated. A figure of compute has ``exact``, which is what really runs, in ``unit``: FLOPs, or
    MACs where that is what its convention counts. It is a lower bound where an operation has no formula. ``missed`` is
    what runs and its convention gives nothing for, ``added`` what its convention counts that is no multiply-accumulate,
    both in ``unit`` and the most expensive first; ``otherwise`` is what it gives the rest of what runs beyond what that
    takes, below 0 where it gives less.
    """

    figure: str
    convention: str | None = None
    published: str
    measured: int | float | None = None
    agrees: bool = False
    exact: int | None = None
    unit: str | None = None
    lower_bound: bool = False
    missed: list[Part] = msgspec.field(default_factory=list)
    added: list[Part] = msgspec.field(default_factory=list)
    otherwise: float = 0

    @property
    def printed(self) -> Published:
        """The figure as it was printed."""
        return Published(self.figure, self.published, self.convention)

    @property
    def factor(self) -> int:
        """What one of the printed unit is in single operations."""
        return GIGA if self.figure == "gflops" else 1

    @property
    def ratio(self) -> float | None:
        """What runs, divided by what was printed of it."""
        published = float(self.printed.value) * self.factor
        return self.exact / published if self.exact is not None and published else None

    @property
    def are_macs(self) -> bool:
        """Whether what was printed as FLOPs, and does not come out, is the number of MACs."""
        if self.measured is None or self.agrees or self.unit != "FLOPs" or self.convention not in (None, DEFAULT):
            return False
        return self.printed.agrees(self.measured / 2)


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """The compute of a claim divided by that of the claim it is read against: as printed, and as it runs."""

    variant: str
    printed_ratio: float
    exact_ratio: float


class ClaimResult(SavedRecord, frozen=True, kw_only=True):
    """One claim, replayed.

    ``file`` and ``line`` are where it stands, ``holds`` says whether it should be reproduced. ``totals`` are the
    model's; without them ``error`` says why it could not be evaluated.
    """

    format_version: ClassVar[int] = VERSION

    version: int = VERSION
    tool: Tool = msgspec.field(default_factory=Tool)
    variant: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    source: str | None = None
    note: str | None = None
    file: str
    line: int
    holds: bool = True
    verdict: Verdict
    error: str | None = None
    figures: list[FigureResult] = msgspec.field(default_factory=list)
    totals: Totals | None = None
    against: Against | None = None

    @property
    def comes_out(self) -> bool:
        """Whether every figure is what was printed."""
        return self.error is None and all(figure.agrees for figure in self.figures)

    @property
    def headline(self) -> str:
        """What became of it."""
        return f"{self.variant}: {self.verdict}"
