"""One published figure, replayed: what comes out by its own rule, what really runs, and why the two differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from archprof.claims.claims_file import COUNTS
from archprof.errors import UsageError
from archprof.records.claim_result import GIGA, FigureResult, Part
from archprof.records.conventions import DEFAULT

if TYPE_CHECKING:
    from archprof.records.profile import Profile, Reported, Share
    from archprof.records.published import Published


def replay_figure(published: Published, profile: Profile) -> FigureResult:
    """Hold a figure against the profile of its model.

    Raises:
        UsageError: Where its convention says nothing of such a model, or the file says nothing of what is computed.
    """
    if published.figure in COUNTS:
        return _result(published, getattr(profile.totals, published.figure))
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
    return _result(published, measured, exact=exact, unit=unit, profile=profile, reported=reported)


def not_replayed(published: Published) -> FigureResult:
    """A figure of a claim that could not be evaluated."""
    return FigureResult(figure=published.figure, convention=published.convention, published=published.text)


def _result(
    published: Published,
    measured: float,
    *,
    exact: int | None = None,
    unit: str | None = None,
    profile: Profile | None = None,
    reported: Reported | None = None,
) -> FigureResult:
    in_single = measured * (GIGA if published.figure == "gflops" else 1)
    missed = _missed(reported, unit) if reported else []
    added = _added(reported, in_single) if reported else []
    otherwise = 0.0
    if reported and exact is not None:
        otherwise = in_single - exact + sum(part.amount for part in missed) - sum(part.amount for part in added)
    return FigureResult(
        figure=published.figure,
        convention=published.convention,
        published=published.text,
        measured=measured,
        agrees=published.agrees(measured),
        exact=exact,
        unit=unit,
        lower_bound=bool(profile and profile.coverage.unknown),
        missed=missed,
        added=added,
        otherwise=otherwise,
    )


def _missed(reported: Reported, unit: str | None) -> list[Part]:
    """What runs and a convention gives nothing for, the most expensive first."""
    of_a_flop = 1 if unit == "FLOPs" else 0.5
    return [Part(missed.operation, missed.calls, missed.flops * of_a_flop) for missed in reported.missed]


def _added(reported: Reported, measured: float) -> list[Part]:
    """What a convention counts that is no multiply-accumulate, the most expensive first.

    Args:
        reported: What the convention says.
        measured: What its raw count stands for, in single operations.
    """
    by_operation: defaultdict[str, list[Share]] = defaultdict(list)
    for share in reported.shares:
        if share.amount and not share.macs:
            by_operation[share.operation].append(share)
    parts = [
        Part(
            name,
            sum(share.calls for share in shares),
            measured * sum(share.amount for share in shares) / reported.operations,
        )
        for name, shares in by_operation.items()
    ]
    return sorted(parts, key=lambda part: -part.amount)


def _reported(convention: str, profile: Profile) -> Reported:
    if report := profile.reported.get(convention):
        return report
    raise UsageError(f"{convention} has no figure for {profile.variant.name}", hint="it counts image models only")
