"""From an exported program to its audit: the counters that look at operations, whatever module they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.audit.counter_runs import opinion
from archprof.audit.model_source import ProgramSource
from archprof.counters import COUNTERS
from archprof.counters.exact import exact
from archprof.counters.process import run_isolated
from archprof.errors import UsageError
from archprof.pipeline.graph_formats.pt2 import count_program, finish
from archprof.records.audit import AuditResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.pipeline.request import Request

OPERATION_COUNTERS = ("torch", "fvcore", "torchprofile")
"""The counters that look at operations. Those that look at modules give nothing: a program has none of torch's."""


def audit_program(request: Request, *, counters: Sequence[str], time_limit: float) -> AuditResult:
    """Count an exported program, and have counters count it too.

    Args:
        request: The file, and the size of its inputs.
        counters: Some of torch's counters; those that look at operations by default.
        time_limit: Seconds that each may take.

    Raises:
        UsageError: Where one counts files of another format.
        ArchprofError: Where the program cannot be counted.
    """
    if other := [name for name in counters if name not in COUNTERS]:
        raise UsageError(f"{other[0]} does not count exported programs", hint=f"counters: {', '.join(COUNTERS)}")
    program = count_program(request)
    exact_counts = exact(program.counted.built, program.counted.ledger)
    source = ProgramSource(request.spec, request.build)
    results = run_isolated(source, list(counters) or list(OPERATION_COUNTERS), time_limit=time_limit)
    opinions = [opinion(result, exact_counts, exact_counts) for result in results]
    profile = finish(program, request)
    return AuditResult(
        variant=profile.variant,
        input=profile.input,
        environment=profile.environment,
        macs=exact_counts.macs,
        seconds=program.counted.seconds,
        unknown=program.counted.ledger.unknown,
        rows=[],
        opinions=opinions,
    )
