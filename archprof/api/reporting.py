"""Pages of figures and tables from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.api.models import ModelOptions, choose
from archprof.api.project import in_project
from archprof.compare.pareto import axes
from archprof.errors import UsageError
from archprof.pipeline import profiles_of
from archprof.records.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack


@in_project
def report(
    *results: Record | Path | str,
    x: str | None = None,
    y: str | None = None,
    limits: Sequence[str] = (),
    **options: Unpack[ModelOptions],
) -> str:
    """Make one HTML page of figures and tables that needs no network: what ``archprof report`` writes.

    Args:
        results: Results of the functions of this interface, files that commands saved (``"bench.json"``), a sweep's
            store, and references of models, which are counted.
        x: The metric on the x axis of several models' scatter; FLOPs where None.
        y: That on its y axis; parameters where None.
        limits: Budgets that are drawn into it, as "flops=8G".
        options: How models are built and run; see :class:`ModelOptions`.

    Returns:
        The page. ``Path("report.html").write_text(page, encoding="utf-8")`` saves it.

    Raises:
        ArchprofError: Where a model cannot be counted, a file is no result, or there is nothing to show.
    """
    from archprof.records.saved import read
    from archprof.render import Page
    from archprof.render.figures import Choice
    from archprof.render.figures.pareto import parse_limits
    from archprof.render.formats import FORMATS
    from archprof.render.full_report import comparisons
    from archprof.render.full_report import report as full_report
    from archprof.sweep.store import is_store
    from archprof.sweep.sweeping import tables

    axes(x, y)  # before anything is built
    figure_choice, records, references = Choice(x=x, y=y, limits=parse_limits(limits)), list[Any](), list[str]()
    for result in results:
        if isinstance(result, Record):
            records.append(result)
        elif not isinstance(result, (str, Path)):
            raise UsageError(
                f"a {type(result).__name__} is no result",
                hint="give what archprof.profile and the other functions return, a saved file, or a reference",
            )
        elif str(result).endswith(".json"):
            records += read(Path(result))
        elif is_store(Path(result)):
            records += tables(Path(result))
        else:
            references.append(str(result))
    records += _counted(references, options, alone=not records)
    records += comparisons(records)
    if not records:
        raise UsageError("there is nothing to show", hint="archprof.report('yolo11n.yaml')")
    return FORMATS["html"].text(full_report(records, choice=figure_choice), Page())


def _counted(references: Sequence[str], options: ModelOptions, *, alone: bool) -> list[Any]:
    """The profiles of some models; with the memory over its pass where one model is the page's only subject."""
    if not references:
        return []
    from archprof.pipeline.memory_pass import memory_pass

    choice = choose(options)
    requests = [choice.request(reference) for reference in references]
    profiles = list(profiles_of(requests, choice.config))
    if alone and len(requests) == 1 and not requests[0].spec.graph_format:
        return [*profiles, memory_pass(requests[0].spec, choice.build)]
    return profiles
