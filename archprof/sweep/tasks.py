"""One batch of variants -> their rows, in whichever process an engine has it done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, LimitError
from archprof.pipeline import profile_all
from archprof.records.metrics import NAMED
from archprof.records.sweep import SweepRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archprof.pipeline import ExecutionConfig, Request
    from archprof.records.profile import Profile

Kept = tuple[SweepRow, str | None]
"""A row, and the key of its content; None where it should be counted again."""


@dataclass(frozen=True, slots=True)
class Task:
    """A variant to be counted.

    Attributes:
        point: Its value of each axis.
        content: The key of all that its figures depend on; None where that cannot be known.
        request: What is wanted of it, or why there is nothing to count.
    """

    point: Mapping[str, Any]
    content: str | None
    request: Request | ArchprofError


def run(tasks: Sequence[Task], config: ExecutionConfig) -> list[Kept]:
    """Count a batch.

    Args:
        tasks: The variants.
        config: How they may be counted.

    Raises:
        PluginError: Where a plugin is not there, or raises.
    """
    requests = [task.request for task in tasks if not isinstance(task.request, ArchprofError)]
    outcomes = iter(profile_all(requests, config))
    rows = []
    for task in tasks:
        outcome = task.request if isinstance(task.request, ArchprofError) else next(outcomes)
        # What broke a limit, or died, may do otherwise the next time.
        content = None if isinstance(outcome, LimitError) else task.content
        rows.append((row_of(task.point, task.request, outcome), content))
    return rows


def row_of(point: Mapping[str, Any], request: Request | ArchprofError, outcome: Profile | ArchprofError) -> SweepRow:
    """The row of what came of a variant."""
    if isinstance(outcome, ArchprofError):
        spec = None if isinstance(request, ArchprofError) else request.spec
        name = spec.name if spec else ""
        scale = spec.scale if spec else None
        return SweepRow(point=dict(point), model=name, scale=scale, error=str(outcome), line=outcome.line)
    values = {name: metric.of(outcome) for name, metric in NAMED.items()}
    return SweepRow(
        point=dict(point),
        model=outcome.variant.name,
        scale=outcome.variant.scale,
        shapes=outcome.input.shapes,
        figures={name: value for name, value in values.items() if value is not None},
        unknown=outcome.coverage.unknown,
        packages=outcome.environment.packages,
        prediction=outcome.prediction,
    )
