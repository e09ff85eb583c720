"""Published figures, replayed: claims -> what comes out, and whether it is what was printed.

Nothing here needs torch; whoever calls says how a spec is profiled.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, did_you_mean
from archprof.options import Options, sides_of
from archprof.variant import settings as values
from archprof.variant.claims import COUNTS
from archprof.variant.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from archprof.profiles import Profile, Reported
    from archprof.variant.claims import Claim
    from archprof.variant.published import Published
    from archprof.variant.spec import Spec

GIGA = 10**9


class Verdict(StrEnum):
    """What became of a claim."""

    reproduced = "reproduced"
    differs = "not reproduced"
    known = "known not to hold"
    failed = "could not be judged"


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
        printed = float(self.published.value) * self._factor
        return self.exact / printed if self.exact is not None and printed else None

    @property
    def added(self) -> int:
        """What the convention counts besides the operations that it does not miss, in ``unit``."""
        if self.exact is None or self.reported is None:
            return 0
        missed = sum(one.flops for one in self.reported.missed) // (1 if self.unit == "FLOPs" else 2)
        return round(self.measured * self._factor) - (self.exact - missed)

    @property
    def are_macs(self) -> bool:
        """Whether what was printed as FLOPs, and does not come out, is the number of MACs."""
        doubled = self.exact is not None and self.reported is None and self.unit == "FLOPs" and not self.agrees
        return doubled and self.published.agrees(self.measured / 2)

    @property
    def _factor(self) -> int:
        """What one of the printed unit is in single operations."""
        return GIGA if self.published.figure == "gflops" else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The compute of a claim divided by that of the claim it is read against: as printed, and as it runs."""

    variant: str
    printed: float
    exact: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """One claim, replayed. Either there is a profile with a result for each figure, or the error says why not."""

    claim: Claim
    profile: Profile | None = None
    figures: tuple[FigureResult, ...] = ()
    against: Against | None = None
    error: ArchprofError | None = None

    @property
    def verdict(self) -> Verdict:
        """What became of it. A claim that is known not to hold never counts as a failure."""
        if not self.claim.holds:
            return Verdict.known
        if self.error:
            return Verdict.failed
        return Verdict.reproduced if all(figure.agrees for figure in self.figures) else Verdict.differs


def replay(
    claims: Iterable[Claim],
    profile: Callable[[Spec, Options], Profile],
    *,
    working: Callable[[str], AbstractContextManager[Any]] = nullcontext,
) -> list[ClaimResult]:
    """Replay claims in their order; a model is profiled once for all claims about it with the same settings.

    Args:
        claims: The claims.
        profile: Builds, runs and counts a spec.
        working: Entered with a few words while a model is being profiled.
    """
    profiles: dict[str, Profile | ArchprofError] = {}

    def measure(claim: Claim) -> Profile:
        key = repr((claim.path.parent, claim.variant, sorted(claim.settings.items())))
        if key not in profiles:
            try:
                with working(f"profiling {claim.variant}"):
                    profiles[key] = profile(spec_of(claim), options_of(claim))
            except ArchprofError as error:
                profiles[key] = error
        found = profiles[key]
        if isinstance(found, ArchprofError):
            raise found
        return found

    results = []
    for claim in claims:
        try:
            base = measure(claim.against) if claim.against else None
            results.append(judge(claim, measure(claim), base))
        except ArchprofError as error:
            results.append(ClaimResult(claim=claim, error=error))
    return results


def judge(claim: Claim, profile: Profile, base: Profile | None = None) -> ClaimResult:
    """Hold a claim against the profile of its model.

    Args:
        claim: The claim.
        profile: Of the claim's variant with the claim's settings.
        base: The same of the claim that this one is read against.

    Raises:
        UsageError: Where a figure's convention does not exist, or says nothing of such a model.
    """
    return ClaimResult(
        claim=claim,
        profile=profile,
        figures=tuple(_figure(published, profile) for published in claim.figures),
        against=_against(claim, profile, base) if base else None,
    )


def spec_of(claim: Claim) -> Spec:
    """What a claim is about, with its settings; a file goes by the folder that the claims lie in.

    Raises:
        ArchprofError: Where there is no such model, or nothing to set so.
    """
    scale = claim.settings.get("scale")
    near = claim.path.parent / claim.variant
    try:
        # A folder of results may well be called like the model. os.path, because it raises for no name.
        spec = resolve(claim.variant if os.path.isdir(near) else str(near), scale=scale)  # noqa: PTH112
    except UnknownReferenceError:
        spec = resolve(claim.variant, scale=scale)
    changes = dict(claim.settings.get("set", {}))
    if "nc" in claim.settings:
        changes["nc"] = claim.settings["nc"]
    return values.apply(spec, changes)


def options_of(claim: Claim) -> Options:
    """How a claim's model is to be built and run."""
    given = {key: claim.settings[key] for key in ("batch", "channels", "fuse") if key in claim.settings}
    size = sides_of(str(claim.settings["imgsz"])) if "imgsz" in claim.settings else None
    return Options(size=size, **given)


def _figure(published: Published, profile: Profile) -> FigureResult:
    if published.figure in COUNTS:
        return FigureResult(published=published, measured=getattr(profile.totals, published.figure))
    reported = _reported(published.convention, profile) if published.convention else None
    in_macs = "FLOP" not in reported.unit.upper() if reported else published.figure == "macs"
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
    if found := profile.reported.get(convention):
        return found
    hint = did_you_mean(convention, profile.reported) or f"conventions: {', '.join(profile.reported) or 'none here'}"
    raise UsageError(f"no figure of {convention!r} for {profile.variant.name}", hint=hint)


def _against(claim: Claim, profile: Profile, base: Profile) -> Against | None:
    if claim.against is None:
        return None
    ours, theirs = claim.compute(), claim.against.compute()
    shared = next(key for key in ours if key in theirs)
    if not theirs[shared].value or not base.totals.macs:
        return None
    return Against(
        variant=claim.against.variant,
        printed=float(ours[shared].value / theirs[shared].value),
        exact=profile.totals.macs / base.totals.macs,
    )
