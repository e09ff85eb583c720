"""A model rebuilt with one number of experts after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.parameternet.resize import Resize
from archprof.pipeline.counting import count_spec, finish
from archprof.pipeline.progress import SILENT
from archprof.records.parameternet import ExpertSweep, MeasuredTotals, Point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.pipeline.progress import Progress
    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

PRINTED = "torchprofile"
"""The convention that the paper's FLOPs are in."""

KEY = "experts"
"""The top-level value of a variant that says how many kernels its blocks hold."""


def curve(
    spec: Spec, options: Options, experts: Sequence[int], progress: Progress = SILENT
) -> tuple[Profile, ExpertSweep]:
    """Rebuild and profile a model for each number of experts.

    A variant is built with that number as its top-level value ``experts``. Where its layers do not follow that, and
    where a model is no variant, the banks and routers of the model that was built are resized.

    Args:
        spec: The model.
        options: How to build and run it.
        experts: Each M.
        progress: Is told what is being done.

    Returns:
        The last profile, and the figures of all.

    Raises:
        ArchprofError: Where it cannot be built or run, or does not take so many experts.
    """
    profiles = []
    for number in experts:
        with progress.working(f"profiling {spec.name} with M = {number}"):
            profiles.append(_rebuilt(spec, options, number))
    analyses = [profile.parameternet for profile in profiles]
    twins = [analysis.model.static for analysis in analyses if analysis and analysis.model.static]
    points = [
        Point(
            experts=number,
            layers=len(analysis.layers) if analysis else 0,
            measured=totals(profile),
            torchprofile_macs=profile.reported[PRINTED].operations if PRINTED in profile.reported else None,
        )
        for number, profile, analysis in zip(experts, profiles, analyses, strict=True)
    ]
    return profiles[-1], ExpertSweep(points=points, static=twins[0] if twins else None)


def totals(profile: Profile) -> MeasuredTotals:
    """A profile's totals, as far as they are compared."""
    return MeasuredTotals(**{name: getattr(profile.totals, name) for name in MeasuredTotals.__struct_fields__})


def _rebuilt(spec: Spec, options: Options, experts: int) -> Profile:
    if spec.rows:
        profile = finish(count_spec(spec.with_values({KEY: experts}), options), [PRINTED])
        expert_counts = {layer.experts for layer in profile.parameternet.layers} if profile.parameternet else set()
        if expert_counts == {experts} or (experts == 1 and not expert_counts):
            return profile
    return finish(count_spec(spec, options, Resize(experts)), [PRINTED])
