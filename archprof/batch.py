"""Several specs -> their profiles: those that are kept, and the others counted."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archprof import cache
from archprof.errors import ArchprofError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.options import Options
    from archprof.profiles import Profile
    from archprof.variant.spec import Spec

    Working = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to profile, and how."""

    spec: Spec
    options: Options


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to do it with.

    Attributes:
        plugins: Files or modules that register blocks; they run only if something is counted.
        details: Whether the modules and operations of each profile are wanted; what is kept is read faster without.
    """

    plugins: Sequence[str] = ()
    details: bool = True


def profile_all(
    tasks: Sequence[Task], means: Means, working: Working = lambda what: nullcontext()
) -> list[Profile | ArchprofError]:
    """The profile of each task, or what was wrong with it.

    Args:
        tasks: What to profile.
        means: What to do it with.
        working: Is told what is being done, for as long as it takes.

    Raises:
        PluginError: Where something is to be counted and a plugin is not there, or raises.
        RegistrationError: Where a plugin registers a block that is there already.
    """
    keys = [_key(task, means) for task in tasks]
    found = [_kept(key, means) for key in keys]
    if None not in found:
        return [one for one in found if one is not None]
    with working("loading torch"):
        import archprof.profiling  # noqa: F401 - the first import of torch takes seconds
    if means.plugins:
        from archprof.build.plugins import load_plugin

        for plugin in means.plugins:
            load_plugin(plugin)
    outcomes: list[Profile | ArchprofError] = []
    for task, key, profile in zip(tasks, keys, found, strict=True):
        with nullcontext() if profile else working(f"profiling {task.spec.name}"):
            outcomes.append(profile or _counted(task, key))
    if store := cache.kept():
        store.trim()
    return outcomes


def _key(task: Task, means: Means) -> str | None:
    if not cache.enabled:
        return None
    from archprof.cache.profiles import key_of

    return key_of(task.spec, task.options, means.plugins)


def _kept(key: str | None, means: Means) -> Profile | None:
    if key is None:
        return None
    from archprof.cache.profiles import find

    return find(key, details=means.details)


def _counted(task: Task, key: str | None) -> Profile | ArchprofError:
    from archprof.profiling import profile_spec

    try:
        profile = profile_spec(task.spec, task.options)
    except ArchprofError as error:
        return error
    if key is not None:
        from archprof.cache import profiles, sources
        from archprof.variant import zoo

        families = {family.package.partition(".")[0] for family in zoo.families().values()}
        profiles.keep(key, profile, sources.used(families))
    return profile
