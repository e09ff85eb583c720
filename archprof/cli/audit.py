"""``archprof audit``."""

from typing import TYPE_CHECKING, Annotated

from archprof.builder.options import COUNTER_SECONDS
from archprof.cli import completion, output, selection
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, OutputOptions
from archprof.errors import UsageError

if TYPE_CHECKING:
    from archprof.records.audit import AuditResult
    from archprof.sources.spec import Spec

TOP = 4
"""Rows or modules of a difference that are named unless somebody asks for more."""

Counters = Annotated[
    list[str] | None,
    o.option(
        "--counter",
        autocompletion=completion.counters,
        metavar="NAME",
        help="Run only this counter. Repeatable.  [default: all]",
    ),
]
TimeLimit = Annotated[
    float, o.option("--time-limit", min=1, metavar="SECONDS", help="Time limit in seconds for each counter.")
]
Detail = Annotated[
    o.DetailChoice | None,
    o.option(
        "--detail",
        help="How differences are split; ops: not.  [default: rows; modules for a model without a YAML]",
    ),
]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="Show at most N rows or modules of each difference.")]


@command
def audit(
    references: o.References,
    *,
    model: ModelAtOneScale,
    counters: Counters = None,
    device: o.Device = "auto",
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    time_limit: TimeLimit = COUNTER_SECONDS,
    detail: Detail = None,
    top: Top = TOP,
    output_options: OutputOptions,
) -> None:
    """Run other FLOPs counters on a model and explain how each figure differs from the exact count."""
    from archprof.render import View

    destinations = output_options.plan()
    model.refuse_several("an audit")
    options = model.options(device=device)
    models = selection.find_models(references, model.find)
    specs = selection.specs_of(models)
    view = View(detail=selection.choose_detail(specs, detail and detail.value), top=top)
    selection.prepare(specs if len(models) == 1 else [], plugins or [], no_plugins=no_plugins)
    from archprof.audit.auditing import audit_spec, check_names
    from archprof.render.audit import report, report_several

    check_names(counters or [])

    def audited(spec: "Spec") -> "AuditResult":
        if no_plugins and not spec.trusted:
            raise UsageError(f"--no-plugins refuses to run {spec.reference}")
        return audit_spec(
            spec, options, counters=counters or [], plugins=plugins or [], time_limit=time_limit, progress=console
        )

    if len(models) > 1:
        outcomes = selection.each(specs, audited)
        selection.remark_each(specs, outcomes)
        results = selection.in_order(models, outcomes)
        output.deliver(destinations, report_several(results, view, details=detail is not None))
        selection.conclude(results)
        return
    result = audited(specs[0])
    selection.remark(specs, [result.environment])
    output.deliver(destinations, report(result, view))
