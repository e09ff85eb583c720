"""What ``max_increase`` compares with instead of the lock file: a git revision, saved profiles, another lock file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.budgets.baseline import Baseline, of_profile
from archprof.budgets.lock import Lock
from archprof.errors import ArchprofError
from archprof.pipeline import Request
from archprof.records.benchmark import Benchmark
from archprof.records.profile import Profile
from archprof.sources import reference as references
from archprof.sources import revision
from archprof.sources import settings as values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from archprof.budgets.cases import Case
    from archprof.budgets.checking import ProfiledCase, Profiler
    from archprof.budgets.lock import CaseKey
    from archprof.sources.spec import Spec


def from_lock(lock: Lock) -> dict[CaseKey, Baseline]:
    """What a lock file says that the cases were."""
    return {key: locked.baseline() for key, locked in lock.cases().items()}


def from_file(path: Path, measured: Sequence[ProfiledCase]) -> Mapping[CaseKey, Baseline]:
    """What a file says that the cases were: a lock file, or a profile or several as ``summary -o`` saves them.

    A profile is a case's where it is of the same variant, with the same settings, at the same input.

    Raises:
        ArchprofError: Where it cannot be read, or is neither.
    """
    from archprof.budgets.saved_models import contents

    try:
        saved = contents(path.read_bytes(), path)
    except OSError as error:
        raise ArchprofError(f"cannot be read: {error.strerror}", path=path) from None
    if isinstance(saved, Lock):
        return from_lock(saved)
    profiles = saved.profiles if isinstance(saved, Benchmark) else saved
    by_identity = {_identity(profile): of_profile(profile) for profile in profiles}
    return {
        entry.case.case_key: by_identity[_identity(entry.profile)]
        for entry in measured
        if isinstance(entry.profile, Profile) and _identity(entry.profile) in by_identity
    }


def from_revision(name: str, cases: Sequence[Case], profiler: Profiler) -> Mapping[CaseKey, Baseline]:
    """What the cases were at a git revision: their YAMLs as they were, with the blocks as they are.

    What was not there then, or could not be built, is left out, and so is what is no YAML of the repository.

    Raises:
        UnknownReferenceError: Where there is no such revision, or no repository.
    """
    specs = specs_at(name, cases)
    by_place = {case.case_key: case for case in cases}
    profiles = profiler([request_of(by_place[key], spec) for key, spec in specs.items()])
    return {
        key: of_profile(profile)
        for key, profile in zip(specs, profiles, strict=True)
        if not isinstance(profile, ArchprofError)
    }


def request_of(case: Case, spec: Spec) -> Request:
    """What is wanted of a case's model, as it is now or as it was: its totals, by every convention of its rules."""
    conventions = [rule.metric.convention for rule in case.rules if rule.metric.convention]
    return Request(spec, case.options, conventions=tuple(dict.fromkeys(conventions)), level="budgets")


def specs_at(name: str, cases: Sequence[Case]) -> dict[CaseKey, Spec]:
    """What the cases were at a git revision, as far as they were there.

    Raises:
        UnknownReferenceError: Where there is no such revision, or no repository.
    """
    revision.require(name)
    return {case.case_key: spec for case in cases if (spec := _spec_at(name, case))}


def _spec_at(name: str, case: Case) -> Spec | None:
    """The case's YAML at the revision, with the case's settings."""
    if case.file is None or case.spec is None or case.spec.path is None:
        return None
    path = case.file.replace("\\", "/")
    try:
        spec = references.resolve(f"{name}:./{path.removeprefix('./')}", scale=case.settings.get("scale"))
        return values.apply(spec, case.spec.settings)
    except ArchprofError:
        return None


def _identity(profile: Profile) -> tuple[Any, ...]:
    variant, model_input = profile.variant, profile.input
    settings = repr(sorted(variant.settings.items()))
    name = variant.name if variant.origin == "yaml" else variant.reference
    return (
        name,
        variant.scale,
        variant.nc,
        settings,
        variant.fused,
        variant.static,
        repr(model_input.shapes),
        model_input.dtype,
    )
