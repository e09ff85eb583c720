"""What commands that measure latency share: their options, and the measurement with its bar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from archprof.cli import completion, selection
from archprof.cli.console import console
from archprof.cli.options import Threads, option
from archprof.errors import RunError, UsageError
from archprof.latency.backends import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.latency.experiment import Benched
    from archprof.pipeline import ExecutionConfig, Request
    from archprof.pipeline.measuring import MeasuredModels, Measurement
    from archprof.records.profile import Profile

EAGER = "eager"
"""The backend that --layers looks into."""


class AutocastChoice(StrEnum):
    """What torch casts to where that is safe."""

    bfloat16 = "bfloat16"
    float16 = "float16"


Latency = Annotated[bool, option("--latency", help="Also measure latency; `bench` has more options.")]
Layers = Annotated[
    bool,
    option("--layers", help="Also show time by row and by operation, in eager PyTorch."),
]
Devices = Annotated[
    str,
    option(
        "--device",
        metavar="DEVICE,...",
        help="Devices, comma-separated: cpu, cuda, cuda:N; auto is the GPU if there is one, else the CPU.",
    ),
]
Backends = Annotated[
    str,
    option(
        "--backend",
        autocompletion=completion.backends,
        metavar="NAME,...",
        help=f"Backends, comma-separated: {', '.join(BACKENDS)}.",
    ),
]
MinTime = Annotated[
    float, option("--min-time", min=0, metavar="SECONDS", help="Minimum sampling time in seconds, after warm-up.")
]
MaxTime = Annotated[
    float | None,
    option(
        "--max-time",
        min=0.001,
        metavar="SECONDS",
        help="Maximum sampling time in seconds.  [default: 10; 60 for several models]",
    ),
]
Precision = Annotated[
    str,
    option("--precision", metavar="SHARE", help="Stop when half the 95 % interval is this percentage of the median."),
]
Margin = Annotated[
    str, option("--margin", metavar="SHARE", help="Smallest difference that counts as faster or slower.")
]
Seed = Annotated[int, option("--seed", metavar="N", help="Seed of the execution order.")]
ChannelsLast = Annotated[bool, option("--channels-last", help="Use the channels-last memory format.")]
Autocast = Annotated[AutocastChoice | None, option("--autocast", help="Use autocast with this data type.")]
NoInferenceMode = Annotated[
    bool, option("--no-inference-mode", help="Use torch.no_grad instead of torch.inference_mode.")
]
Postprocess = Annotated[bool, option("--postprocess", help="Include Ultralytics' non-maximum suppression in the time.")]
CudaGraph = Annotated[bool, option("--cuda-graph", help="Record a CUDA graph and replay it.")]
NoFlush = Annotated[bool, option("--no-flush", help="Do not flush the GPU's L2 cache before each sample.")]


def parse_share(text: str, name: str) -> float:
    """``1%`` or ``0.01`` -> 0.01.

    Raises:
        UsageError: Where it is neither, or not between 0 and 1.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if rest or not 0 < share < 1:
        raise UsageError(
            f"invalid percentage: {name} {text!r}", hint="give a percentage, as 1%, or a fraction, as 0.01"
        )
    return share


def parse_names(text: str, name: str) -> list[str]:
    """``cpu,cuda`` -> its parts.

    Raises:
        UsageError: Where there are none.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UsageError(f"{name} is empty", hint="leave it out, or give a name")
    return names


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How long models are sampled, in which order, with how many threads, and what counts as a difference."""

    threads: Threads = None
    min_time: MinTime = 1.0
    max_time: MaxTime = None
    margin: Margin = "2%"
    seed: Seed = 0

    def longest(self, models: int) -> float:
        """Seconds of sampling at most.

        Args:
            models: How many are measured.

        Raises:
            UsageError: Where it is to last longer at least.
        """
        from archprof.latency.sampler import longest_of

        longest = self.max_time or longest_of(models)
        if self.min_time > longest:
            raise UsageError(f"--min-time {self.min_time:g} is longer than --max-time {longest:g}")
        return longest


def plan(options: Options, plugins: Sequence[str], sampling: Sampling, models: int = 1) -> Measurement:
    """Where and how to measure in eager PyTorch, checked before anything is built.

    Args:
        options: How it is built, and on which device it is measured.
        plugins: What registers its blocks.
        sampling: How long, and with how many threads.
        models: How many are measured against each other.

    Raises:
        UsageError: Where nothing runs on that device, or the options are none.
        DeviceError: Where there is no such device.
    """
    longest, margin = sampling.longest(models), parse_share(sampling.margin, "--margin")
    with console.working("loading torch"):
        from archprof.latency.backends.interface import Settings
        from archprof.latency.experiment import Protocol
        from archprof.latency.measure import choose_targets
        from archprof.latency.sampler import Plan
        from archprof.pipeline.measuring import Measurement
    selection.load_plugins(plugins)
    settings = Settings(threads=sampling.threads)
    targets = choose_targets([options.device], [EAGER], options, settings)
    lasting = Plan(min_time=sampling.min_time, max_time=longest)
    protocol = Protocol(settings=settings, plan=lasting, seed=sampling.seed, margin=margin)
    return Measurement(targets=targets, protocol=protocol)


def measure(
    requests: Sequence[Request], profiles: Sequence[Profile], measurement: Measurement, config: ExecutionConfig
) -> MeasuredModels:
    """Measure what was counted, with a bar where somebody is watching.

    Args:
        requests: The models.
        profiles: What they were counted to cost.
        measurement: Where and how they are measured.
        config: How they may be counted.

    Raises:
        KeyboardInterrupt: Where it was interrupted before anything was measured.
        RunError: Where nothing could be measured.
    """
    from archprof.pipeline.measuring import measure_all

    measured = measure_all(requests, measurement, config, console, profiles)
    require_samples(measured.experiment)
    return measured


def require_samples(experiment: Benched) -> None:
    """End a command that has nothing to print.

    Raises:
        KeyboardInterrupt: Where it was interrupted before anything was measured.
        RunError: Where nothing could be measured.
    """
    if not experiment.sampled:
        conclude(experiment)


def check_layers(measurement: Measurement) -> None:
    """Refuse what the time of parts cannot be said of.

    Raises:
        UsageError: Where eager PyTorch is not measured, or a graph is replayed.
    """
    eager = any(target.backend == EAGER for target in measurement.targets)
    if measurement.protocol.settings.cuda_graph or not eager:
        raise UsageError("--layers looks into eager PyTorch", hint="add --backend eager, and leave out --cuda-graph")


def conclude(benched: Benched) -> None:
    """End the command as what was measured has it, once it is printed.

    Raises:
        KeyboardInterrupt: Where it was interrupted.
        RunError: Where something could not be measured.
    """
    if benched.interrupted:
        raise KeyboardInterrupt
    several = len(benched.models) > 1
    failed = dict.fromkeys(
        f"{f'{model}, ' if several else ''}{latency.device}, {latency.backend}: {latency.error}"
        for model, latencies in zip(benched.models, benched.latencies, strict=True)
        for latency in latencies
        if latency.error
    )
    if failed:
        first, *more = failed
        raise RunError(f"not measured: {first}", hint="\n".join(f"not measured: {reason}" for reason in more) or None)
