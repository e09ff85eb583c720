"""``archprof audit``."""

from typing import Annotated

from archprof.cli import options as o
from archprof.cli import output, subject
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.errors import UsageError, did_you_mean
from archprof.options import COUNTER_SECONDS, Options

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
    counters: Counters = None,
    scale: o.Scale = None,
    imgsz: o.ImageSize = None,
    batch: o.Batch = 1,
    channels: o.Channels = None,
    nc: o.Classes = None,
    settings: o.Settings = None,
    fuse: o.Fuse = False,
    static: o.Static = False,
    device: o.Device = "auto",
    dtype: o.Dtype = "float32",
    plugins: o.Plugins = None,
    time_limit: TimeLimit = COUNTER_SECONDS,
    detail: Detail = None,
    top: Top = TOP,
    format: o.Format = None,  # noqa: A002
    outputs: o.Outputs = None,
    force: o.Force = False,
) -> None:
    """Run other counters on a model, and show operation by operation where their figures come from."""
    from archprof.render import View
    from archprof.render.audit import FORMATS

    destinations = output.plan(outputs or [], format and format.value, force=force)
    if scale == subject.ALL:
        raise UsageError("an audit is of one scale", hint="name one with --scale")
    size = subject.parse_size(imgsz)
    specs = subject.find_specs(reference, scale=scale, nc=nc, settings=settings or [])
    view = View(detail=subject.choose_detail(specs, detail and detail.value), top=top)
    subject.load_plugins(plugins or [])
    options = Options(size=size, batch=batch, channels=channels, fuse=fuse, static=static, device=device, dtype=dtype)
    with console.working("loading torch"):
        from archprof.auditing import audit_spec, names
    for name in counters or []:
        if name not in names():
            raise UsageError(
                f"no counter {name!r}", hint=did_you_mean(name, names()) or f"there is {', '.join(names())}"
            )
    with console.working(f"running counters on {specs[0].name}"):
        result = audit_spec(specs[0], options, counters=counters or [], plugins=plugins or [], time_limit=time_limit)
    subject.remark(specs, [result.environment])
    output.deliver(destinations, lambda chosen, fitted: FORMATS[chosen](result, fitted), view)
