"""``archprof summary``."""

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.option_groups import Counting, Model, OutputOptions
from archprof.errors import UsageError


@command
def summary(
    reference: o.Reference,
    *,
    model: Model,
    device: o.Device = "auto",
    backward: o.Backward = False,
    latency: la.Latency = False,
    threads: o.Threads = None,
    counting: Counting,
    convention: o.Convention = o.ConventionChoice.flops,
    detail: o.Detail = None,
    depth: o.Depth = 3,
    sort: o.Sort = None,
    top: o.Top = None,
    columns: o.Columns = None,
    output_options: OutputOptions,
) -> None:
    """Show layers, parameters, FLOPs and memory of a model, in total and by row."""
    from archprof.pipeline import PredictionRequest, Request
    from archprof.render import View
    from archprof.render.columns import parse_columns
    from archprof.render.profile import check, report, report_several

    destinations = output_options.plan()
    selected = parse_columns(columns)
    options = model.options(device=device, backward=backward)
    specs = model.find(reference)
    if latency and (model.several or backward):
        raise UsageError(
            "--latency takes one scale, and inference only",
            hint="leave out --scale all and --backward; bench takes several",
        )
    detail_level = selection.choose_detail(specs, detail and detail.value)
    view = View(detail=detail_level, depth=depth, sort=sort, top=top, columns=selected)
    check(view, several=model.several)
    config = counting.config()
    measurement = la.plan(options, config.plugins, la.Sampling(threads=threads)) if latency else None
    prediction = None if measurement else PredictionRequest(device=options.device, threads=threads)
    requests = [Request(spec, options, (convention.value,), prediction=prediction) for spec in specs]
    profiles, experiment = selection.profile_all(requests, config, every_scale=True), None
    if measurement:
        measured = la.measure(requests, profiles, measurement, config)
        profiles, experiment = measured.profiles, measured.experiment
    output.deliver(destinations, report_several(profiles, view) if model.several else report(profiles[0], view))
    if experiment:
        la.conclude(experiment)
