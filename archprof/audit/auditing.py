"""The whole way from a spec to its audit: what is kept of earlier ones, and what must be counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.builder.options import COUNTER_SECONDS
from archprof.cache import code_files, memoize
from archprof.cache.fingerprint import own_source_changed
from archprof.counters import COUNTERS
from archprof.counters.graph_counters import GRAPH_COUNTERS
from archprof.errors import UsageError, did_you_mean
from archprof.pipeline.progress import SILENT
from archprof.records.audit import AuditResult, Opinion
from archprof.sources import families

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archprof.builder.options import Options
    from archprof.pipeline.progress import Progress
    from archprof.sources.spec import Spec

REPLAYED = "thop-2.0"
"""The figure that is not run but replayed: what Ultralytics printed in 2024 and 2025."""


def names() -> list[str]:
    """What can be asked for: the figure that is replayed, and the counters that are run."""
    return [REPLAYED, *COUNTERS]


def check_names(counters: Iterable[str]) -> None:
    """Refuse what is none of :func:`names`.

    Raises:
        UsageError: With the nearest of them.
    """
    known = [*names(), *GRAPH_COUNTERS]
    for name in counters:
        if name not in known:
            hint = did_you_mean(name, known) or f"there is {', '.join(known)}"
            raise UsageError(f"no counter {name!r}", hint=hint)


def audit_spec(
    spec: Spec,
    options: Options,
    *,
    counters: Sequence[str] = (),
    plugins: Sequence[str] = (),
    time_limit: float = COUNTER_SECONDS,
    progress: Progress = SILENT,
) -> AuditResult:
    """Count a spec, and have counters count it too; what is kept of each is not counted again.

    Args:
        spec: What to build.
        options: How to build and run it; counters get it on the CPU unless a device is named.
        counters: Some of :func:`names`; all of them by default.
        plugins: The user's files or modules that register its blocks.
        time_limit: Seconds that each counter may take.
        progress: Is told which counters run.

    Raises:
        ArchprofError: Where the spec cannot be built, or does not run on the input asked for.
    """
    if error := spec.no_operations():
        raise error
    if spec.graph_format == "pt2":
        from archprof.audit.program_auditing import audit_program
        from archprof.pipeline import Request

        return audit_program(Request(spec, options), counters=counters, time_limit=time_limit)
    if spec.graph_format:
        from archprof.audit.graph_auditing import audit_graph

        return audit_graph(spec, options, counters=counters, time_limit=time_limit)
    if other := [name for name in counters if name in GRAPH_COUNTERS]:
        raise UsageError(
            f"{other[0]} counts ONNX files, and {spec.reference} is none", hint=f"counters: {', '.join(names())}"
        )
    selected = list(dict.fromkeys(counters or names()))
    key = _key(spec, options, plugins)
    record = memoize.find(EXACT, key, Kept) if key else None
    exact = record.audit if record and code_files.unchanged(record.sources) else None
    known: dict[str, Opinion] = {}
    for name in selected:
        if key and exact and (opinion := memoize.find(COUNTER, _counter_key(key, name), Opinion)):
            known[name] = opinion
    missing = [name for name in selected if name not in known]
    if exact is None or missing:
        from archprof.counters.process import start_fork_server

        start_fork_server()
        with progress.working("loading torch"):
            from archprof.audit import counter_runs

            runs = counter_runs.CounterRuns(spec, options, plugins, time_limit)
        exact, opinions = runs.count(missing, progress)
        known |= opinions
        sources = code_files.used(families.outermost_packages())
        if key and sources is not None and not own_source_changed():
            memoize.keep(EXACT, key, Kept, Kept(sources, exact))
            for name, opinion in opinions.items():
                if not opinion.error:
                    memoize.keep(COUNTER, _counter_key(key, name), Opinion, opinion)
    return msgspec.structs.replace(exact, opinions=[known[name] for name in selected])


class Kept(msgspec.Struct):
    """The exact count of an audit, and the digests of the files of code that it came from."""

    sources: dict[str, str]
    audit: AuditResult


EXACT, COUNTER = "audit", "counter"
"""What memoised values are called."""


def _key(spec: Spec, options: Options, plugins: Sequence[str]) -> bytes | None:
    """What an audit depends on besides what is installed; None where that cannot be known."""
    if plugins or not spec.reusable or spec.content_key is None or options.device not in ("auto", "cpu"):
        return None
    try:
        return msgspec.msgpack.encode((spec.content_key, options))
    except (TypeError, ValueError, OverflowError):  # given values, or a number beyond 64 bits
        return None


def _counter_key(key: bytes, name: str) -> bytes:
    return msgspec.msgpack.encode((key, name))
