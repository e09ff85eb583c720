"""``archprof calibrate``."""

from typing import Annotated

import typer

from archprof.cli import options as o
from archprof.cli import output
from archprof.cli.command import command
from archprof.cli.console import console
from archprof.cli.option_groups import OutputOptions
from archprof.errors import UsageError

LARGE_ERROR = 0.3
"""What a calibration's own networks may be from what is predicted of them without a word."""


# Not in the environment: there it is set for commands that mean other things by it.
Device = Annotated[str, typer.Option("--device", metavar="DEVICE", help="Device to measure: cpu, cuda or cuda:N.")]
MaxTime = Annotated[
    float, typer.Option("--max-time", min=1, max=3600, metavar="SECONDS", help="Time limit in seconds.")
]


@command
def calibrate(
    device: Device = "cpu",
    threads: o.Threads = None,
    dtype: o.Dtype = "float32",
    max_time: MaxTime = 60,
    *,
    output_options: OutputOptions,
) -> None:
    """Measure this computer once, so that `summary` can predict latency on it.

    Measures the rate of kernels by kind and size, memory bandwidth by working set, and the overhead of a call.
    """
    from archprof.builder.options import device_name, dtype_name
    from archprof.latency import calibration_store
    from archprof.render import View
    from archprof.render.calibration import report

    destinations = output_options.plan()
    dtype, device = dtype_name(dtype), device_name(device)
    with console.working("loading torch"):
        import torch

        from archprof.builder.device import RUNNING, find_device
        from archprof.latency.calibration_run import ENOUGH_ROUNDS, calibrate
        from archprof.latency.clock import clocks_of
    torch_device = find_device(device, RUNNING)
    if threads and torch_device.type != "cpu":
        raise UsageError("--threads is for the CPU", hint=f"leave it out, or name --device cpu in place of {device}")
    this_device, default = calibration_store.this_device(dtype, device), torch.get_num_threads()
    calibration_store.check(this_device, None if this_device.queued else threads or default)
    torch.set_num_threads(threads or default)
    with console.working(f"measuring {this_device.name}, which takes about {max_time:.0f} s"):
        calibration = calibrate(this_device, torch_device, clocks_of(torch_device), max_time, default_threads=default)
    path = calibration_store.keep(calibration)
    output.deliver(destinations, report(calibration, View()))
    if calibration.rounds < ENOUGH_ROUNDS:
        console.note("the machine was too slow or busy to measure most things twice: calibrate again when it is idle")
    elif calibration.worst_error > LARGE_ERROR:
        console.note("the predictions for its own test networks are far off: calibrate again when the machine is idle")
    console.note(f"saved to {path}; `archprof summary` uses it for predictions")
