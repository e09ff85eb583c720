"""``archprof audit``."""

from typing import Annotated

from archprof.builder.options import COUNTER_SECONDS
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, OutputOptions

TOP = 4
"""Rows or modules of a difference that are named unless somebody asks for more."""

Counters = Annotated[
    list[str] | None,
    o.option("--counter", metavar="NAME", help="Run only this counter. Repeatable.  [default: all]"),
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
    reference: o.Reference,
    *,
    model: ModelAtOneScale,
    counters: Counters = None,
    device: o.Device = "auto",
    plugins: o.Plugins = None,
    time_limit: TimeLimit = COUNTER_SECONDS,
    detail: Detail = None,
    top: Top = TOP,
    output_options: OutputOptions,
) -> None:
    """Run other FLOPs counters on a model and explain how each figure differs from the exact count."""
    from archprof.render import View
    from archprof.render.audit import report

    destinations = output_options.plan()
    model.refuse_several("an audit")
    options = model.options(device=device)
    specs = model.find(reference)
    view = View(detail=selection.choose_detail(specs, detail and detail.value), top=top)
    selection.load_plugins(plugins or [])
    with console.working("loading torch"):
        from archprof.audit.auditing import audit_spec, check_names
    check_names(counters or [])
    with console.working(f"running counters on {specs[0].name}"):
        result = audit_spec(specs[0], options, counters=counters or [], plugins=plugins or [], time_limit=time_limit)
    selection.remark(specs, [result.environment])
    output.deliver(destinations, report(result, view))
