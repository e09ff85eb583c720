"""What commands that measure latency share: their options, and the measurement with its bar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from archprof.cli import selection
from archprof.cli.console import console
from archprof.cli.options import Threads, option
from archprof.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.options import Options
    from archprof.latency.experiment import Benched, Protocol
    from archprof.latency.measure import Target
    from archprof.pipeline import Task
    from archprof.records.profile import Profile

EAGER = "eager"
"""The backend that --layers looks into."""

ALONE_S, PAIRED_S = 10.0, 60.0
"""Seconds of sampling at most, unless somebody says otherwise: one model, and several against each other."""


class AutocastChoice(StrEnum):
    """What torch casts to where that is safe."""

    bfloat16 = "bfloat16"
    float16 = "float16"


Latency = Annotated[
    bool, option("--latency", help="Measure how long the model takes, too; bench says how, and takes more options.")
]
Layers = Annotated[
    bool,
    option("--layers", help="Say where the time goes, too, by row and by operation, in eager PyTorch."),
]
Devices = Annotated[
    str,
    option(
        "--device",
        metavar="DEVICES",
        help="cpu, cuda, cuda:N, several with commas; auto: a graphics card if there is one.",
    ),
]
Backends = Annotated[
    str,
    option(
        "--backend",
        metavar="NAMES",
        help="eager, compile, torchscript, onnxruntime, openvino; several with commas.",
    ),
]
MinTime = Annotated[
    float, option("--min-time", min=0, metavar="SECONDS", help="Sample for so long at least, after warm-up.")
]
MaxTime = Annotated[
    float | None,
    option(
        "--max-time", min=0.001, metavar="SECONDS", help="Sample for so long at most.  [default: 10; 60 for several]"
    ),
]
Precision = Annotated[
    str,
    option("--precision", metavar="SHARE", help="Sample until half the 95 % interval is this share of the median."),
]
Margin = Annotated[
    str, option("--margin", metavar="SHARE", help="A difference that is too small to be called faster or slower.")
]
Seed = Annotated[int, option("--seed", metavar="N", help="Of the random order in which models are called.")]
ChannelsLast = Annotated[
    bool, option("--channels-last", help="Lay images and weights out with the channels innermost.")
]
Autocast = Annotated[AutocastChoice | None, option("--autocast", help="Let torch cast to this type where it is safe.")]
NoInferenceMode = Annotated[
    bool, option("--no-inference-mode", help="Run without gradients only, not in torch's inference mode.")
]
Postprocess = Annotated[
    bool, option("--postprocess", help="Time a detector's non-maximum suppression, too; Ultralytics' own.")
]
CudaGraph = Annotated[
    bool, option("--cuda-graph", help="Record what is put into a graphics card's queue, and replay that.")
]
NoFlush = Annotated[
    bool, option("--no-flush", help="Leave a graphics card's cache as the last sample left it, instead of emptying it.")
]


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
        raise UsageError(f"{name} {text!r} is no share", hint="give a percentage, as 1%, or a fraction, as 0.01")
    return share


def parse_names(text: str, name: str) -> list[str]:
    """``cpu,cuda`` -> its parts.

    Raises:
        UsageError: Where there are none.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        raise UsageError(f"{name} names nothing", hint="leave it out, or give a name")
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
        longest = self.max_time or (ALONE_S if models == 1 else PAIRED_S)
        if self.min_time > longest:
            raise UsageError(f"--min-time {self.min_time:g} is longer than --max-time {longest:g}")
        return longest


def plan(
    options: Options, plugins: Sequence[str], sampling: Sampling, models: int = 1
) -> tuple[list[Target], Protocol]:
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
    selection.load_plugins(plugins)
    settings = Settings(threads=sampling.threads)
    targets = choose_targets([options.device], [EAGER], options, settings)
    lasting = Plan(min_time=sampling.min_time, max_time=longest)
    return targets, Protocol(settings=settings, plan=lasting, seed=sampling.seed, margin=margin)


def measure(
    tasks: Sequence[Task], profiles: Sequence[Profile], targets: Sequence[Target], protocol: Protocol
) -> tuple[list[Profile], Benched]:
    """Measure what was counted, with a bar where somebody is watching.

    Args:
        tasks: What to build, and how.
        profiles: What it was counted to cost.
        targets: Where to run it.
        protocol: How to measure it.

    Returns:
        The profiles with their latency, and what was measured.

    Raises:
        KeyboardInterrupt: Where it was interrupted before anything was measured.
        RunError: Where nothing could be measured.
    """
    from msgspec.structs import replace

    from archprof.latency.experiment import bench
    from archprof.latency.hardware import machine

    with console.progressing() as watch:
        benched = bench(tasks, profiles, targets, protocol, watch)
    if not any(one.samples_s for ones in benched.latencies for one in ones):
        conclude(benched)
    here = machine()
    return [
        replace(profile, latency=latencies, environment=replace(profile.environment, machine=here))
        for profile, latencies in zip(profiles, benched.latencies, strict=True)
    ], benched


def break_down(
    tasks: Sequence[Task], profiles: Sequence[Profile], protocol: Protocol, benched: Benched
) -> list[Profile]:
    """The profiles with where the time goes, on every device on which eager PyTorch could be measured.

    Args:
        tasks: What was built, and how.
        profiles: What was measured.
        protocol: How it was.
        benched: Whether that was interrupted; it is told where this is, and then keeps what there is.
    """
    from msgspec.structs import replace

    from archprof.latency.measure import running
    from archprof.latency.op_breakdown import break_down

    result = list(profiles)
    try:
        for place, (task, profile) in enumerate(zip(tasks, profiles, strict=True)):
            devices = [one.device for one in profile.latency if one.backend == EAGER and not one.error]
            with console.working(f"looking into {task.spec.name}"), running(protocol.settings):
                found = [break_down(task.spec, profile, task.options, protocol.settings, device) for device in devices]
            result[place] = replace(profile, breakdowns=found)
    except KeyboardInterrupt:
        benched.interrupted = True
    return selection.predict_all(result, benched.latencies[0][0].device, protocol.settings.threads)


def device_of(options: Options, measured: tuple[list[Target], Protocol] | None) -> str:
    """Where to predict: where it is measured, else where it is counted."""
    return measured[0][0].device if measured else options.device


def check_layers(targets: Sequence[Target], protocol: Protocol) -> None:
    """Refuse what the time of parts cannot be said of.

    Raises:
        UsageError: Where eager PyTorch is not measured, or a graph is replayed.
    """
    if protocol.settings.cuda_graph or not any(target.backend == EAGER for target in targets):
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
        f"{f'{model}, ' if several else ''}{one.device}, {one.backend}: {one.error}"
        for model, ones in zip(benched.models, benched.latencies, strict=True)
        for one in ones
        if one.error
    )
    if failed:
        first, *others = failed
        raise RunError(f"not measured: {first}", hint="\n".join(f"not measured: {one}" for one in others) or None)
