"""``archprof bench``."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from archprof.cli import completion, output, selection
from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Model, OutputOptions
from archprof.errors import ArchprofError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.records.profile import Profile

References = Annotated[
    list[str],
    typer.Argument(
        autocompletion=completion.references,
        metavar="REF...",
        help="Models to measure, as `summary` takes them, folders and patterns too; the others are compared with the "
        "first.",
    ),
]


@command
def bench(
    references: References,
    *,
    model: Model,
    plugins: o.Plugins = None,
    no_plugins: o.NoPlugins = False,
    device: la.Devices = "auto",
    backend: la.Backends = "eager",
    sampling: la.Sampling,
    precision: la.Precision = "1%",
    channels_last: la.ChannelsLast = False,
    autocast: la.Autocast = None,
    no_inference_mode: la.NoInferenceMode = False,
    postprocess: la.Postprocess = False,
    cuda_graph: la.CudaGraph = False,
    no_flush: la.NoFlush = False,
    layers: la.Layers = False,
    columns: o.Columns = None,
    output_options: OutputOptions,
) -> None:
    """Measure latency; of several models, say which is faster, if the difference is significant."""
    from msgspec import structs

    from archprof.builder.options import device_name
    from archprof.latency.backends import check_backend
    from archprof.pipeline import Request
    from archprof.render import View
    from archprof.render.benchmark import report
    from archprof.render.columns import parse_columns
    from archprof.sources.selection import twins

    destinations, view = output_options.plan(), View(columns=parse_columns(columns))
    shares = la.parse_share(precision, "--precision"), la.parse_share(sampling.margin, "--margin")
    devices = [device_name(name) for name in la.parse_names(device, "--device")]
    backends = la.parse_names(backend, "--backend")
    options = model.options(device=devices[0])
    models = selection.find_models(references, model.find)
    selection.require_base(models)
    specs, _ = selection.split(models)
    longest = sampling.longest(len(specs))
    selection.prepare(specs, plugins or [], no_plugins=no_plugins)
    for name in backends:
        check_backend(name)
    requests = [
        Request(spec, replace(options, static=twin))
        for spec, twin in zip(specs, twins(specs, static=model.static), strict=True)
    ]
    with console.working("loading torch"):
        from archprof.latency.backends.interface import Settings
        from archprof.latency.experiment import Protocol
        from archprof.latency.measure import choose_targets
        from archprof.latency.sampler import Plan
        from archprof.pipeline.measuring import Measurement
    how = Settings(
        threads=sampling.threads,
        channels_last=channels_last,
        autocast=autocast and autocast.value,
        inference_mode=not no_inference_mode,
        cuda_graph=cuda_graph,
    )
    targets = choose_targets(devices, backends, options, how)
    protocol = Protocol(
        settings=how,
        plan=Plan(min_time=sampling.min_time, max_time=longest, precision=shares[0]),
        flush=not no_flush,
        postprocess=postprocess,
        seed=sampling.seed,
        margin=shares[1],
    )
    measurement = Measurement(targets=targets, protocol=protocol, layers=layers)
    if layers:
        la.check_layers(measurement)
    config = selection.execution_config(plugins, no_plugins=no_plugins)
    outcomes: Sequence[Profile | ArchprofError]
    if len(models) > 1:
        outcomes = selection.profile_each(requests, config)
    else:
        outcomes = selection.profile_all(requests, config, every_scale=True)
    results = selection.in_order(models, outcomes)
    selection.require_base(results)
    profiles, failures = selection.split(results)
    counted = [
        request for request, outcome in zip(requests, outcomes, strict=True) if not isinstance(outcome, ArchprofError)
    ]
    measured = la.measure(counted, profiles, measurement, config)
    benchmark = structs.replace(measured.benchmark(sampling.seed), failures=failures)
    output.deliver(destinations, report(benchmark, view))
    la.conclude(measured.experiment)
    selection.conclude(results)
