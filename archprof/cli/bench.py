"""``archprof bench``."""

from dataclasses import replace
from typing import Annotated

import typer

from archprof.cli import latency as la
from archprof.cli import options as o
from archprof.cli import output, selection
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import Model, Written

References = Annotated[
    list[str],
    typer.Argument(metavar="REF...", help="What to measure, as summary takes it; several are compared with the first."),
]


@command
def bench(
    references: References,
    *,
    model: Model,
    plugins: o.Plugins = None,
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
    written: Written,
) -> None:
    """Measure how long a model takes; of several, which is faster, if that can be told."""
    from archprof.pipeline import Task
    from archprof.render import View
    from archprof.render.latency import FORMATS

    destinations = written.plan()
    shares = la.parse_share(precision, "--precision"), la.parse_share(sampling.margin, "--margin")
    devices, backends = la.parse_names(device, "--device"), la.parse_names(backend, "--backend")
    options = model.options(device=devices[0])
    specs = [spec for reference in references for spec in model.find(reference)]
    longest = sampling.longest(len(specs))
    selection.load_plugins(plugins or [])
    tasks = [
        Task(spec, replace(options, static=twin))
        for spec, twin in zip(specs, selection.twins(specs, static=model.static), strict=True)
    ]
    with console.working("loading torch"):
        from archprof.latency.backends.interface import Settings
        from archprof.latency.experiment import Protocol
        from archprof.latency.measure import choose_targets
        from archprof.latency.sampler import Plan
        from archprof.records.benchmark import Benchmark
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
    if layers:
        la.check_layers(targets, protocol)
    counted = selection.profile_all(tasks, selection.find_means(plugins), every_scale=True)
    profiles, benched = la.measure(tasks, counted, targets, protocol)
    if layers and not benched.interrupted:
        profiles = la.break_down(tasks, profiles, protocol, benched)
    result = Benchmark(
        seed=sampling.seed, profiles=profiles, comparisons=benched.comparisons, interrupted=benched.interrupted
    )
    output.deliver(destinations, lambda chosen, view: FORMATS[chosen](result, view), View())
    la.conclude(benched)
