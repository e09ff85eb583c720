"""Published figures, replayed: claims -> what comes out, and whether it is what was printed.

Nothing here needs torch; whoever calls says how a spec is profiled.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from archprof.builder.options import Options, sides_of
from archprof.claims.figure_replay import not_replayed, replay_figure
from archprof.errors import ArchprofError, UnknownReferenceError
from archprof.pipeline import Request
from archprof.records.claim_result import Against, ClaimResult, Verdict
from archprof.records.conventions import CONVENTIONS, find_convention
from archprof.sources import settings as values
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archprof.claims.claims_file import Claim
    from archprof.records.claim_result import FigureResult
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec


def replay(
    claims: Iterable[Claim],
    profile: Callable[[Request], Profile],
) -> Iterator[ClaimResult]:
    """Replay claims in their order; a model is profiled once for all claims with the same settings.

    Args:
        claims: The claims.
        profile: Answers a request.
    """
    profiles: dict[str, Profile | ArchprofError] = {}
    pending = list(claims)
    conventions: dict[str, list[str]] = {}
    for claim in (*pending, *(claim.against for claim in pending if claim.against)):
        conventions.setdefault(_key(claim), []).extend(name for name in _conventions(claim) if name in CONVENTIONS)

    def measure(claim: Claim) -> Profile:
        for name in _conventions(claim):
            find_convention(name)  # before anything is built
        key = _key(claim)
        if key not in profiles:
            names = tuple(dict.fromkeys(conventions[key]))
            try:
                profiles[key] = profile(Request(spec_of(claim), options_of(claim), conventions=names))
            except ArchprofError as error:
                profiles[key] = error
        outcome = profiles[key]
        if isinstance(outcome, ArchprofError):
            raise outcome
        return outcome

    for claim in pending:
        try:
            base = measure(claim.against) if claim.against else None
            result = judge(claim, measure(claim), base)
        except ArchprofError as error:
            result = failed(claim, error)
        yield result


def judge(claim: Claim, profile: Profile, base: Profile | None = None) -> ClaimResult:
    """Hold a claim against the profile of its model.

    Args:
        claim: The claim.
        profile: Of the claim's variant with the claim's settings.
        base: The same of the claim that this one is read against.

    Raises:
        UsageError: Where a figure's convention says nothing of such a model.
    """
    figures = [replay_figure(published, profile) for published in claim.figures]
    against = _against(claim, profile, base) if base else None
    verdict = Verdict.reproduced if all(figure.agrees for figure in figures) else Verdict.differs
    return _result(claim, verdict, figures, totals=profile.totals, against=against)


def failed(claim: Claim, error: ArchprofError) -> ClaimResult:
    """What is left of a claim that could not be evaluated."""
    return _result(claim, Verdict.failed, list(map(not_replayed, claim.figures)), error=str(error))


def _result(claim: Claim, verdict: Verdict, figures: list[FigureResult], **more: Any) -> ClaimResult:
    return ClaimResult(
        variant=claim.variant,
        settings=dict(claim.settings),
        source=claim.source,
        note=claim.note,
        file=str(claim.path),
        line=claim.line,
        holds=claim.holds,
        # A claim that is known not to hold never counts as a failure.
        verdict=verdict if claim.holds else Verdict.expected_failure,
        figures=figures,
        **more,
    )


def _key(claim: Claim) -> str:
    """What claims about one model, built and run alike, have in common."""
    return repr((claim.path.parent, claim.variant, sorted(claim.settings.items())))


def _conventions(claim: Claim) -> list[str]:
    return [figure.convention for figure in claim.figures if figure.convention]


def spec_of(claim: Claim) -> Spec:
    """What a claim is about, with its settings; a file goes by the folder that the claims lie in.

    Raises:
        ArchprofError: Where there is no such model, or nothing to set so.
    """
    scale = claim.settings.get("scale")
    path = claim.path.parent / claim.variant
    try:
        # A folder of results may well be called like the model. os.path, because it raises for no name.
        spec = resolve(claim.variant if os.path.isdir(path) else str(path), scale=scale)  # noqa: PTH112
    except UnknownReferenceError:
        spec = resolve(claim.variant, scale=scale)
    changes = dict(claim.settings.get("set", {}))
    if "nc" in claim.settings:
        changes["nc"] = claim.settings["nc"]
    return values.apply(spec, changes)


def options_of(claim: Claim) -> Options:
    """How a claim's model is to be built and run."""
    options = {key: claim.settings[key] for key in ("batch", "channels", "fuse") if key in claim.settings}
    size = sides_of(str(claim.settings["imgsz"])) if "imgsz" in claim.settings else None
    return Options(size=size, **options)


def _against(claim: Claim, profile: Profile, base: Profile) -> Against | None:
    if claim.against is None:
        return None
    figures, base_figures = claim.compute(), claim.against.compute()
    shared = next(key for key in figures if key in base_figures)
    if not base_figures[shared].value or not base.totals.macs:
        return None
    return Against(
        variant=claim.against.variant,
        printed_ratio=float(figures[shared].value / base_figures[shared].value),
        exact_ratio=profile.totals.macs / base.totals.macs,
    )
