"""``archprof summary``."""

from typing import TYPE_CHECKING

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection, watching
from archprof.cli.command import command
from archprof.cli.option_groups import Counting, Model, OutputOptions
from archprof.errors import UsageError

if TYPE_CHECKING:
    from archprof.records.profile import Profile


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
    watch: o.Watch = False,
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
    if watch:
        watching.check(destinations)
        if latency:
            raise UsageError("--watch shows counts, which take no time to measure", hint="leave out --latency")

        def profiles_of(reference: str) -> "list[Profile]":
            requests = [Request(spec, options, (convention,)) for spec in model.find(reference)]
            return selection.profile_all(requests, counting.config())

        def show() -> "list[Profile]":
            profiles = [profile for reference in selection.expand(references) for profile in profiles_of(reference)]
            level = selection.choose_detail(model.find(profiles[0].variant.reference), detail and detail.value)
            view = View(detail=level, depth=depth, sort=sort, top=top, columns=selected)
            several = len(profiles) > 1
            check(view, one_table=several)
            shown = report_several(profiles, view, details=False) if several else report(profiles[0], view)
            output.deliver(destinations, shown)
            return profiles

        watching.watch(references, show, lambda path: profiles_of(f"HEAD:./{path}"))
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
