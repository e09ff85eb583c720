"""One published figure, replayed: what comes out by its own rule, what really runs, and why the two differ."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from archprof.claims.claims_file import COUNTS
from archprof.errors import UsageError
from archprof.records.conventions import DEFAULT

if TYPE_CHECKING:
    from archprof.claims.published import Published
    from archprof.records.profile import Profile, Reported, Share

GIGA = 10**9


class Part(NamedTuple):
    """All calls of one operation together: how many, and what they amount to."""

    operation: str
    calls: int
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureResult:
    """One figure, as published and as it comes out.

    ``measured`` is in the unit of the published one. A figure of compute has ``exact``, which is what really
    runs, in ``unit``: FLOPs, or MACs where that is what its convention counts. It is a lower bound where an
    operation has no formula. ``reported`` is all that the convention says.
    """

    published: Published
    measured: float
    exact: int | None = None
    unit: str = ""
    lower_bound: bool = False
    reported: Reported | None = None

    @property
    def agrees(self) -> bool:
        """Whether it is what was printed, to the printed digits."""
        return self.published.agrees(self.measured)

    @property
    def ratio(self) -> float | None:
        """What runs, divided by what was printed of it."""
        published = float(self.published.value) * self._factor
        return self.exact / published if self.exact is not None and published else None

    @property
    def missed(self) -> list[Part]:
        """What runs and its convention gives nothing for, the most expensive first."""
        operations = self.reported.missed if self.reported else []
        return [Part(missed.operation, missed.calls, missed.flops * self._of_a_flop) for missed in operations]

    @property
    def added(self) -> list[Part]:
        """What its convention counts that is no multiply-accumulate, the most expensive first."""
        by_operation: defaultdict[str, list[Share]] = defaultdict(list)
        for share in self.reported.shares if self.reported else []:
            if share.amount and not share.macs:
                by_operation[share.operation].append(share)
        parts = [
            Part(name, sum(share.calls for share in shares), self._scaled(sum(share.amount for share in shares)))
            for name, shares in by_operation.items()
        ]
        return sorted(parts, key=lambda part: -part.amount)

    @property
    def remainder(self) -> float:
        """What its convention gives the rest of what runs beyond what that takes, below 0 where it gives less."""
        if self.exact is None or self.reported is None:
            return 0
        scaled = self.measured * self._factor
        return scaled - self.exact + sum(part.amount for part in self.missed) - sum(part.amount for part in self.added)

    @property
    def are_macs(self) -> bool:
        """Whether what was printed as FLOPs, and does not come out, is the number of MACs."""
        doubled = self.exact is not None and self.reported is None and self.unit == "FLOPs" and not self.agrees
        return doubled and self.published.agrees(self.measured / 2)

    @property
    def _factor(self) -> int:
        """What one of the printed unit is in single operations."""
        return GIGA if self.published.figure == "gflops" else 1

    @property
    def _of_a_flop(self) -> float:
        return 1 if self.unit == "FLOPs" else 0.5

    def _scaled(self, amount: int) -> float:
        """What a part of the convention's own total stands for."""
        assert self.reported is not None  # for there are parts
        return self.measured * self._factor * amount / self.reported.operations


def replay_figure(published: Published, profile: Profile) -> FigureResult:
    """Hold a figure against the profile of its model.

    Raises:
        UsageError: Where its convention says nothing of such a model, or the file says nothing of what is computed.
    """
    if published.figure in COUNTS:
        return FigureResult(published=published, measured=getattr(profile.totals, published.figure))
    if profile.weights_only:
        raise UsageError(
            f"the compute of {profile.variant.name} is not known: the file holds weights, and not what is computed",
            hint="name its YAML, timm:NAME or FILE.py:FACTORY instead",
        )
    own = published.convention in (None, DEFAULT)
    reported = None if own else _reported(str(published.convention), profile)
    in_macs = "MAC" in reported.unit.split()[0] if reported else published.figure == "macs"
    unit = "MACs" if in_macs or published.figure == "macs" else "FLOPs"
    exact: int = getattr(profile.totals, unit.lower())
    if published.figure == "gflops":
        measured = reported.gflops if reported else exact / GIGA
    else:
        measured = round(reported.gflops * GIGA / (1 if in_macs else 2)) if reported else exact
    return FigureResult(
        published=published,
        measured=measured,
        exact=exact,
        unit=unit,
        lower_bound=bool(profile.coverage.unknown),
        reported=reported,
    )


def _reported(convention: str, profile: Profile) -> Reported:
    if report := profile.reported.get(convention):
        return report
    raise UsageError(f"{convention} has no figure for {profile.variant.name}", hint="it counts image models only")
