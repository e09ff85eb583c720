"""``archprof summary``."""

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.option_groups import Counting, Model, OutputOptions
from archprof.errors import UsageError


@command
def summary(
    references: o.References,
    *,
    model: Model,
    device: o.Device = "auto",
    backward: o.Backward = False,
    latency: la.Latency = False,
    threads: o.Threads = None,
    counting: Counting,
    convention: o.Convention = "flops",
    detail: o.Detail = None,
    depth: o.Depth = 3,
    sort: o.Sort = None,
    top: o.Top = None,
    columns: o.Columns = None,
    output_options: OutputOptions,
) -> None:
    """Show layers, parameters, FLOPs and memory of a model, in total and by row; of several, one row each."""
    from msgspec.structs import replace

    from archprof.pipeline import PredictionRequest, Request
    from archprof.pipeline.size_formulas import size_formula
    from archprof.render import View
    from archprof.render.columns import parse_columns
    from archprof.render.profile import check, report, report_several

    destinations = output_options.plan()
    selected = parse_columns(columns)
    options = model.options(device=device, backward=backward)
    models = selection.find_models(references, model.find)
    several = model.several or len(models) > 1
    if latency and (several or backward):
        raise UsageError(
            "--latency is of one model's inference, at one scale",
            hint="leave out --scale all and --backward; bench takes several",
        )
    if detail == o.SummaryDetail.formula and several:
        raise UsageError("--detail formula is of one model", hint=f"name one: {references[0]}")
    specs = selection.specs_of(models)
    detail_level = selection.choose_detail(specs, detail and detail.value)
    view = View(detail=detail_level, depth=depth, sort=sort, top=top, columns=selected)
    check(view, one_table=several)
    config = counting.config()
    prediction = None if latency else PredictionRequest(device=options.device, threads=threads)
    requests = [Request(spec, options, (convention,), prediction=prediction) for spec in specs]
    if several:
        outcomes = selection.profile_each(requests, config)
        results = selection.in_order(models, outcomes)
        details = detail is not None and detail_level != "none"
        output.deliver(destinations, report_several(results, view, details=details))
        selection.conclude(results)
        return
    measurement = la.plan(options, config.plugins, la.Sampling(threads=threads)) if latency else None
    profiles, experiment = selection.profile_all(requests, config, every_scale=True), None
    if detail == o.SummaryDetail.formula:
        profiles = [replace(profiles[0], size_formula=size_formula(requests[0]))]
    if measurement:
        measured = la.measure(requests, profiles, measurement, config)
        profiles, experiment = measured.profiles, measured.experiment
    output.deliver(destinations, report(profiles[0], view))
    if experiment:
        la.conclude(experiment)
