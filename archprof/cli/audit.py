"""``archprof audit``."""

from typing import Annotated

from archprof.builder.options import COUNTER_SECONDS
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, Written
from archprof.errors import UsageError, did_you_mean

TOP = 4
"""Rows or modules of a difference that are named unless somebody asks for more."""

Counters = Annotated[
    list[str] | None,
    o.option("--counter", metavar="NAME", help="Only this counter; may be repeated.  [default: all]"),
]
TimeLimit = Annotated[
    float, o.option("--time-limit", min=1, metavar="SECONDS", help="What each counter may take before it is stopped.")
]
Detail = Annotated[
    o.DetailChoice | None,
    o.option(
        "--detail", help="What each difference is split into; ops: nothing.  [default: rows; modules without a YAML]"
    ),
]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="How many rows or modules of each difference.")]


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
    written: Written,
) -> None:
    """Run other counters on a model, and show operation by operation where their figures come from."""
    from archprof.render import View
    from archprof.render.audit import FORMATS

    destinations = written.plan()
    model.refuse_several("an audit")
    options = model.options(device=device)
    specs = model.find(reference)
    view = View(detail=selection.choose_detail(specs, detail and detail.value), top=top)
    selection.load_plugins(plugins or [])
    with console.working("loading torch"):
        from archprof.audit.auditing import audit_spec, names
    for name in counters or []:
        if name not in names():
            raise UsageError(
                f"no counter {name!r}", hint=did_you_mean(name, names()) or f"there is {', '.join(names())}"
            )
    with console.working(f"running counters on {specs[0].name}"):
        result = audit_spec(specs[0], options, counters=counters or [], plugins=plugins or [], time_limit=time_limit)
    selection.remark(specs, [result.environment])
    output.deliver(destinations, lambda chosen, fitted: FORMATS[chosen](result, fitted), view)
