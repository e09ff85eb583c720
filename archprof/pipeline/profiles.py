"""Requests -> finished profiles: those that are cached or whose rows are, and the others counted, here or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof import cache
from archprof.errors import ArchprofError, PluginError, UsageError
from archprof.pipeline.progress import SILENT
from archprof.sources.usercode import require

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from archprof.pipeline.execution import ExecutionConfig
    from archprof.pipeline.progress import Progress
    from archprof.pipeline.request import Request
    from archprof.pipeline.worker import Outcome
    from archprof.records.profile import Profile


def profile_all(
    requests: Sequence[Request], config: ExecutionConfig, progress: Progress = SILENT
) -> list[Profile | ArchprofError]:
    """The profile of each request, or what was wrong with it.

    Args:
        requests: What is wanted.
        config: How it may be counted.
        progress: Is told what is being done.

    Raises:
        PluginError: Where something is to be counted and a plugin is not there, or raises.
        RegistrationError: Where a plugin registers a block that is there already.
    """
    keys = [_key(request, config) for request in requests]
    outcomes = [
        _refusal(request, config) or _cached(request, key) or _composed(request, config)
        for request, key in zip(requests, keys, strict=True)
    ]
    outcomes = [outcome or _nonexistent(request, config) for request, outcome in zip(requests, outcomes, strict=True)]
    missing = [(index, requests[index]) for index, outcome in enumerate(outcomes) if outcome is None]
    for plugin in config.plugins if missing else ():
        require(plugin, PluginError)
    for index, (outcome, files) in _counted(missing, config, progress):
        outcomes[index] = outcome
        if (key := keys[index]) is not None and not isinstance(outcome, ArchprofError):
            from archprof.pipeline import profile_cache

            profile_cache.keep(key, outcome, files, level=requests[index].level)
    if missing and (store := cache.kept()):
        store.trim()
    return [_predicted(request, outcome) for request, outcome in zip(requests, outcomes, strict=True) if outcome]


def profiles_of(requests: Sequence[Request], config: ExecutionConfig, progress: Progress = SILENT) -> list[Profile]:
    """As :func:`profile_all`, for whoever wants all of them or none.

    Raises:
        ArchprofError: The first of all requests.
    """
    for request in requests:  # before any is counted
        if error := _refusal(request, config) or _nonexistent(request, config):
            raise error
    profiles = []
    for outcome in profile_all(requests, config, progress):
        if isinstance(outcome, ArchprofError):
            raise outcome
        profiles.append(outcome)
    return profiles


def prewarm(config: ExecutionConfig) -> None:
    """Load torch in the background where something is sure to be counted in a process of its own: nothing is cached."""
    store = cache.kept()
    if config.bounded and (store is None or store.empty):
        from archprof.pipeline.worker_pool import start_fork_server

        start_fork_server()


def _refusal(request: Request, config: ExecutionConfig) -> ArchprofError | None:
    """What is said of a function of the user's where code that is not installed is not to run."""
    if config.allow_untrusted_code or request.spec.trusted:
        return None
    return UsageError(f"--no-plugins refuses to run {request.spec.reference}")


def _nonexistent(request: Request, config: ExecutionConfig) -> ArchprofError | None:
    """What is said, before torch is imported, of a model that does not exist; a plugin might add it."""
    return None if config.plugins else request.spec.missing()


def _key(request: Request, config: ExecutionConfig) -> str | None:
    if not cache.enabled:
        return None
    from archprof.pipeline.profile_cache import key_of

    return key_of(request, config.plugins)


def _cached(request: Request, key: str | None) -> Profile | None:
    if key is None:
        return None
    from archprof.pipeline.profile_cache import find

    return find(key, level=request.level)


def _composed(request: Request, config: ExecutionConfig) -> Profile | None:
    """The profile of a variant whose rows are all known."""
    if not cache.enabled:
        return None
    from archprof.pipeline import composition

    return composition.known(request, config.plugins)


def _predicted(request: Request, outcome: Profile | ArchprofError) -> Profile | ArchprofError:
    """A prediction depends on the computer's calibration, so it is never part of what is cached."""
    if request.prediction is None or isinstance(outcome, ArchprofError):
        return outcome
    from archprof.pipeline.predicting import with_prediction

    return with_prediction(outcome, request.prediction)


def _counted(
    requests: Sequence[tuple[int, Request]], config: ExecutionConfig, progress: Progress
) -> Iterator[tuple[int, Outcome]]:
    if not requests:
        return
    if config.bounded or (config.jobs > 1 and len(requests) > 1):
        from archprof.pipeline.worker_pool import count_in_subprocesses

        names = requests[0][1].spec.name if len(requests) == 1 else f"{len(requests)} models"
        with progress.working(f"profiling {names}"):
            yield from count_in_subprocesses(requests, config)
        return
    for index, request in requests:
        if request.spec.graph_format:
            from archprof.pipeline.graph_formats import isolated

            with progress.working(f"profiling {request.spec.name}"):
                outcome = isolated.count(request)
            yield index, outcome
    modules = [(index, request) for index, request in requests if not request.spec.graph_format]
    if not modules:
        return
    with progress.working("loading torch"):
        from archprof.builder.plugins import load_plugins
        from archprof.pipeline import worker
    load_plugins(config.plugins)
    for index, request in modules:
        with progress.working(f"profiling {request.spec.name}"):
            outcome = worker.count(request, config.plugins)
        yield index, outcome
