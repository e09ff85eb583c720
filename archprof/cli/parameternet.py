"""``archprof parameternet``."""

from typing import TYPE_CHECKING, Annotated

from archprof.builder.options import EXPERTS
from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import ModelAtOneScale, OutputOptions
from archprof.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.render import View
    from archprof.sources.spec import Spec


Experts = Annotated[
    str | None,
    o.option("--experts", metavar="M,M,...", help="Rebuild the model with each number of experts M."),
]
WhatIf = Annotated[
    str | None,
    o.option(
        "--what-if",
        metavar="all|strided|PATTERN",
        help="Make convolutions dynamic, with --experts experts, and rank them.  [default experts: 4]",
    ),
]
Latency = Annotated[
    bool, o.option("--latency", help="Measure the model and its static equivalent in one paired experiment.")
]
Top = Annotated[int, o.option("--top", min=1, metavar="N", help="Show at most N rows of the ranking.")]

TOP = 20
"""Lines of a ranking unless somebody asks for more."""


@command
def parameternet(
    references: o.References,
    *,
    model: ModelAtOneScale,
    device: o.Device = "auto",
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    experts: Experts = None,
    what_if: WhatIf = None,
    top: Top = TOP,
    latency: Latency = False,
    sampling: la.Sampling,
    output_options: OutputOptions,
) -> None:
    """Compare ParameterNet's predicted parameter and FLOPs ratios with measured ones, layer by layer."""
    from archprof.pipeline import PredictionRequest, Request
    from archprof.pipeline.static_equivalent import measure_static, predicted_static
    from archprof.records.dynamic_report import DynamicReport
    from archprof.render import View
    from archprof.render.parameternet import report, report_several

    destinations = output_options.plan()
    model.refuse_several("this analysis")
    numbers = parse_experts(experts)
    options = model.options(device=device)
    models = selection.find_models(references, model.find)
    specs = selection.specs_of(models)
    for spec in specs:
        if error := spec.no_operations():
            raise error
    if latency and (experts or what_if):
        raise UsageError("--latency measures the model itself", hint="leave out --experts and --what-if")
    if len(models) > 1:
        if latency or experts or what_if:
            raise UsageError("--latency, --experts and --what-if are of one model", hint=f"name one: {references[0]}")
        outcomes = selection.profile_each(
            [Request(spec, options) for spec in specs], selection.execution_config(plugins, no_plugins=no_plugins)
        )
        results = selection.in_order(models, outcomes)
        output.deliver(destinations, report_several(results))
        selection.conclude(results)
        return
    if what_if is not None:
        selection.prepare(specs, plugins or [], no_plugins=no_plugins)
        mix(specs, options, what_if, numbers or [EXPERTS], View(top=top), destinations)
        return
    if numbers is not None:
        selection.prepare(specs, plugins or [], no_plugins=no_plugins)
        rebuild(specs, options, numbers, destinations)
        return
    config = selection.execution_config(plugins, no_plugins=no_plugins)
    measurement = la.plan(options, config.plugins, sampling, models=2) if latency else None
    target_device = measurement.targets[0].device if measurement else options.device
    prediction = PredictionRequest(device=target_device, threads=sampling.threads)
    request = Request(specs[0], options, prediction=prediction)
    (profile,), experiment = selection.profile_all([request], config), None
    if measurement and profile.parameternet:
        measured = measure_static(request, profile, measurement, config, console)
        experiment = measured.experiment
        la.require_samples(experiment)
        (profile,) = measured.profiles
    twin = predicted_static(request, profile, config)
    output.deliver(destinations, report(DynamicReport.of(profile, twin), View()))
    if experiment:
        la.conclude(experiment)


def parse_experts(text: str | None) -> list[int] | None:
    """``--experts 1,2,4`` -> the numbers, each once; None stays None.

    Raises:
        UsageError: Where something else stands there.
    """
    if text is None:
        return None
    pieces = [piece.strip() for piece in text.split(",")]
    for piece in pieces:
        if not piece.isdecimal() or int(piece) < 1:
            raise UsageError(
                f"invalid number of experts: --experts {text!r}, {piece!r}", hint="whole numbers from 1 up, as 1,2,4,8"
            )
    return list(dict.fromkeys(map(int, pieces)))


def mix(
    specs: "Sequence[Spec]",
    options: "Options",
    layers: str,
    experts: list[int],
    view: "View",
    destinations: "list[output.Destination]",
) -> None:
    """Profile a model with further convolutions made dynamic.

    Raises:
        UsageError: Where there are several numbers of experts, or nothing is chosen.
    """
    if len(experts) > 1:
        raise UsageError("--what-if takes one number of experts", hint=f"--experts {experts[0]}")
    with console.working("loading torch"):
        from archprof.pipeline.what_if import what_if
    from archprof.records.what_if_report import WhatIfReport
    from archprof.render.whatif import report
    from archprof.suggest.ranking import ranked

    with console.working(f"profiling {specs[0].name} as it is, and with dynamic convolutions"):
        profile, what_if_result = what_if(specs[0], options, layers, experts[0])
    selection.remark(specs, [profile.environment])
    record = WhatIfReport(variant=profile.variant, input=profile.input, what_if=ranked(what_if_result))
    output.deliver(destinations, report(record, view))


def rebuild(
    specs: "Sequence[Spec]", options: "Options", experts: list[int], destinations: "list[output.Destination]"
) -> None:
    """Profile a model with each number of experts."""
    with console.working("loading torch"):
        from archprof.pipeline.expert_sweep import curve
    from archprof.records.expert_curve import ExpertCurve
    from archprof.render import View
    from archprof.render.expert_sweep import report

    profile, sweep = curve(specs[0], options, experts, console)
    selection.remark(specs, [profile.environment])
    curve_record = ExpertCurve.of(profile, sweep)
    output.deliver(destinations, report(curve_record, View()))
