"""Several specs -> their profiles: those that are kept, and the others counted."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from archprof import cache
from archprof.errors import ArchprofError, PluginError, UsageError
from archprof.sources.usercode import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archprof.pipeline.execution import Means
    from archprof.pipeline.task import Task
    from archprof.pipeline.worker import Counted
    from archprof.records.profile import Profile

    Working = Callable[[str], AbstractContextManager[None]]


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
    found = [_refused(task, means) or _kept(key, means) for task, key in zip(tasks, keys, strict=True)]
    found = [profile or _nonexistent(task, means) for task, profile in zip(tasks, found, strict=True)]
    missing = [(place, tasks[place]) for place, profile in enumerate(found) if profile is None]
    for plugin in means.plugins if missing else ():
        require(plugin, PluginError)
    for place, (outcome, files) in _counted(missing, means, working):
        found[place] = outcome
        if (key := keys[place]) is not None and not isinstance(outcome, ArchprofError):
            from archprof.pipeline.profile_cache import keep

            keep(key, outcome, files, details=means.details)
    if missing and (store := cache.kept()):
        store.trim()
    return [one for one in found if one is not None]


def foresee(means: Means) -> None:
    """Load torch in the background where something is sure to be counted apart, because nothing at all is kept."""
    store = cache.kept()
    if means.bounded and (store is None or store.empty):
        from archprof.pipeline.worker_pool import begin

        begin()


def _refused(task: Task, means: Means) -> Profile | ArchprofError | None:
    """What is said of a function of the user's where code that is not installed is not to run."""
    if means.foreign or task.spec.trusted:
        return None
    return UsageError(f"--no-plugins refuses to run {task.spec.reference}")


def _nonexistent(task: Task, means: Means) -> ArchprofError | None:
    """What is said, before torch is imported, of a model that does not exist; a plugin might add it."""
    return None if means.plugins else task.spec.missing()


def _key(task: Task, means: Means) -> str | None:
    if not cache.enabled:
        return None
    from archprof.pipeline.profile_cache import key_of

    return key_of(task.spec, task.options, means.plugins)


def _kept(key: str | None, means: Means) -> Profile | None:
    if key is None:
        return None
    from archprof.pipeline.profile_cache import find

    return find(key, details=means.details)


def _counted(tasks: Sequence[tuple[int, Task]], means: Means, working: Working) -> Iterator[tuple[int, Counted]]:
    if not tasks:
        return
    if means.bounded or (means.jobs > 1 and len(tasks) > 1):
        from archprof.pipeline.worker_pool import count_apart

        names = tasks[0][1].spec.name if len(tasks) == 1 else f"{len(tasks)} models"
        with working(f"profiling {names}"):
            yield from count_apart(tasks, means)
        return
    with working("loading torch"):
        from archprof.pipeline import worker
    worker.load(means.plugins)
    for place, task in tasks:
        with working(f"profiling {task.spec.name}"):
            counted = worker.count(task, details=means.details)
        yield place, counted
