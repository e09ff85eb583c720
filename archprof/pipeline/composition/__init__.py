"""Profiles of variants, put together from their rows.

What a row costs depends on its block's source, its constructor's arguments and what goes in, so it is counted once and
kept. What crosses rows makes the whole variant run: networks whose forward does more than to call their rows, shared
modules, layers of which parts are in several rows.

Everything here is free of torch but the files that count a row: ``recording``, ``row_record`` and ``outside``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.sources.spec import STOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archprof.pipeline.composition.calls import Calls
    from archprof.pipeline.composition.passes import Recorder
    from archprof.pipeline.composition.shelf import Shelf
    from archprof.pipeline.composition.variant import Surroundings
    from archprof.pipeline.request import Request
    from archprof.records.profile import Profile


def known(request: Request, plugins: Sequence[str]) -> Profile | None:
    """The profile of a request whose rows are all known, without importing torch; None where it has to be counted.

    Args:
        request: What is wanted.
        plugins: Files or modules that register blocks.
    """
    from archprof.pipeline.composition.calls import KnownCalls

    return _composed(request, plugins, KnownCalls)


def count(request: Request, plugins: Sequence[str]) -> Profile | None:
    """The profile of a request, of whose rows those are counted that are not known; None where the whole has to run.

    Args:
        request: What is wanted.
        plugins: Files or modules that registered blocks.
    """
    from archprof.builder.plugins import load_family
    from archprof.pipeline.composition.recording import LiveCalls, RowRecorder

    def live(records: Shelf, surroundings: Surroundings) -> Calls:
        load_family(request.spec.family or STOCK)
        return LiveCalls(records, surroundings)

    return _composed(request, plugins, live, RowRecorder)


def lower_bounds(request: Request, plugins: Sequence[str]) -> dict[str, int]:
    """What a variant has at least, as far as its first rows are known, without importing torch.

    Args:
        request: What is wanted.
        plugins: Files or modules that register blocks.

    Returns:
        MACs, FLOPs and parameters, by the metrics' names; none where nothing is known.
    """
    from archprof.pipeline.composition.assembly import lower_bounds as bounds
    from archprof.pipeline.composition.calls import KnownCalls
    from archprof.pipeline.composition.passes import Rows
    from archprof.pipeline.composition.shelf import shelf
    from archprof.pipeline.composition.variant import plan, surroundings_of

    records = shelf()
    if records is None or not request.spec.rows:
        return {}
    surroundings = surroundings_of(plugins)
    try:
        rows = plan(request, KnownCalls(records, surroundings))
        return bounds(rows, Rows(records, surroundings)) if rows else {}
    except Exception as error:  # counting says what is wrong
        _log(error)
        return {}


def _composed(
    request: Request,
    plugins: Sequence[str],
    calls: Callable[[Shelf, Surroundings], Calls],
    recorder: Callable[[], Recorder] | None = None,
) -> Profile | None:
    """The profile, put together from rows; None where they may not be kept, or cannot be told from each other.

    Args:
        request: What is wanted.
        plugins: Files or modules that register blocks.
        calls: Makes what says which call a row is.
        recorder: Makes what counts a row that is not known; without one such a row is missing.
    """
    from archprof.pipeline.composition.assembly import compose
    from archprof.pipeline.composition.passes import Rows
    from archprof.pipeline.composition.shelf import shelf
    from archprof.pipeline.composition.variant import plan, surroundings_of

    records = shelf()
    if records is None or not request.spec.rows:
        return None
    surroundings = surroundings_of(plugins)
    try:
        rows = plan(request, calls(records, surroundings))
        return compose(request, rows, Rows(records, surroundings, recorder() if recorder else None)) if rows else None
    except Exception as error:  # what a row's rule or forward raises is said where the whole is built and run
        _log(error)
        return None


def _log(error: Exception) -> None:
    """Log why rows were not put together: by a fault of ours the variant would run as a whole, and nobody would see."""
    from archprof.pipeline.composition.passes import NotComposableError

    if not isinstance(error, NotComposableError):
        import logging

        logging.getLogger(__name__).debug("not put together from rows", exc_info=error)


def write(files: dict[str, str] | None) -> None:
    """Write the records of rows that were counted.

    Args:
        files: What :func:`archprof.cache.code_files.used` says.
    """
    from archprof.pipeline.composition.shelf import shelf

    if records := shelf():
        records.write(files)
