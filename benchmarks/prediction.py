"""How far predicted latency is from measured, over Ultralytics' n and s variants and 30 timm models.

The computer is calibrated first. Then each model is measured and predicted. By default that is on the CPU with one
thread and in the processor's time, so that a machine that does something else meanwhile gives the same figures;
`--clock wall --threads N` measures what a user waits for, and `--device cuda` a graphics card by its own events. A
network of archprof's own is timed around each model, and its time over that at calibration is kept beside the
model's: what a neighbour does to memory and caches shows there. The last lines say for how many models the measured
median lies in the prediction's interval; the calibration's held-out models, which made the interval, are left out.
`--output` keeps every figure in a file as it comes,
and a later run with the same file takes up where it was left.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import torch

from archprof.builder.device import RUNNING, find_device
from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.builder.options import Options
from archprof.latency.calibration_run import calibrate
from archprof.latency.calibration_store import this_device
from archprof.latency.clock import Clocks, WallClock, clocks_of
from archprof.latency.held_out import HELD_OUT
from archprof.latency.networks import detector
from archprof.latency.prediction import predict
from archprof.pipeline.counting import profile_spec
from archprof.records.calibration import Calibration
from archprof.sources.origins.stock import stock
from archprof.sources.reference import resolve, scales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archprof.latency.clock import Clock

TIMM = [
    *("resnet18", "resnet50", "resnext50_32x4d", "res2net50_26w_4s", "densenet121", "regnetx_008", "regnety_004"),
    *("mobilenetv2_100", "mobilenetv3_large_100", "mobilenetv4_conv_small", "efficientnet_b0", "efficientnet_lite0"),
    *("ghostnet_100", "mnasnet_100", "fbnetc_100", "hardcorenas_a", "tinynet_a", "repvgg_a0", "vgg11", "darknet53"),
    *("convnext_atto", "edgenext_xx_small", "mobilevit_xxs", "efficientformerv2_s0", "levit_128"),
    *(
        "vit_tiny_patch16_224",
        "deit_small_patch16_224",
        "swin_tiny_patch4_window7_224",
        "mixer_s32_224",
        "poolformer_s12",
    ),
]
GOAL = 0.15


class ProcessorClock:
    """The time that the process had processors for: what others do takes none of it."""

    name, least_s = "process_time_ns", 0.0

    def now(self) -> float:
        return time.perf_counter()

    def time(self, call: Callable[[], Any], calls: int = 1) -> float:
        start = time.process_time_ns()
        for _ in range(calls):
            call()
        return (time.process_time_ns() - start) / calls / 1e9


CLOCKS: dict[str, Callable[[], Clock]] = {"processor": ProcessorClock, "wall": WallClock}


def clocks_for(place: torch.device, name: str) -> Clocks:
    return clocks_of(place) if place.type == "cuda" else Clocks.of_one(CLOCKS[name]())


def references() -> Iterator[str]:
    """Ultralytics' YAMLs at scales n and s, or those whose own name ends so; then timm's models."""
    for path in stock():
        name = Path(path).stem
        found = [scale for scale in scales(name) or () if scale in ("n", "s")]
        yield from (f"{name}:{scale}" for scale in found)
        if not found and name[-1] in "nst" and name[-2].isdigit():
            yield f"{name}:"
    yield from (f"timm:{name}" for name in TIMM)


def measure(reference: str, device: str, clock: Clock, seconds: float) -> tuple[list[float], Any]:
    name, _, scale = (reference, "", None) if reference.startswith("timm:") else reference.partition(":")
    spec = resolve(name, scale=scale or None)
    profile = profile_spec(spec, Options())
    built = build(spec, device=device)
    inputs = make_inputs(built, device=device)
    samples: list[float] = []
    with torch.inference_mode():
        built.module(*inputs)
        start = clock.now()
        while len(samples) < 3 or (clock.now() - start < seconds and len(samples) < 50):
            samples.append(clock.time(lambda: built.module(*inputs)))
    return samples, profile


def reference_time(network: Any, given: Any, clock: Clock) -> float:
    with torch.inference_mode():
        return statistics.median(clock.time(lambda: network(given)) for _ in range(5))


def is_held_out(name: str) -> bool:
    """Whether a model of :func:`references` is one of those that made the interval."""
    family, _, scale = name.partition(":")
    return name in HELD_OUT or f"{family}{scale}.yaml" in HELD_OUT


def report(results: dict[str, dict[str, Any]], calibration: Calibration) -> None:
    groups: dict[str, list[float]] = {}
    inside: dict[str, list[bool]] = {}
    for name, figures in sorted(results.items(), key=lambda item: -abs(item[1]["predicted"] / item[1]["measured"] - 1)):
        measured, predicted, pace = (figures[key] for key in ("measured", "predicted", "pace"))
        error = predicted / measured - 1
        steady = error if pace is None else predicted * pace / measured - 1
        print(f"{name:44}{1e3 * measured:9.1f}{1e3 * predicted:9.1f}{error:+8.1%}{steady:+8.1%}")
        for group in ("all", "timm" if name.startswith("timm:") else "Ultralytics"):
            groups.setdefault(group, []).append(abs(error))
            if calibration.error and not is_held_out(name):
                within = 1 / calibration.error <= measured / predicted <= calibration.error
                inside.setdefault(group, []).append(within)
    for group, errors in groups.items():
        within = sum(error <= GOAL for error in errors)
        median = statistics.median(errors)
        print(
            f"{group}: {len(errors)} models, median absolute error {median:.1%} (goal {GOAL:.0%}), {within} within it"
        )
    for group, hits in inside.items():
        print(
            f"{group}: {sum(hits)} of {len(hits)} measured medians ({sum(hits) / len(hits):.0%}) lie in the interval, "
            f"which is meant to hold {calibration.coverage:.0%} and divides and multiplies by {calibration.error:.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="references, NAME:SCALE or timm:NAME; all where none is named")
    parser.add_argument("--limit", type=int, help="only so many, spread over all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=CLOCKS, default="processor")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--calibrate", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=3, help="how long each model is measured")
    parser.add_argument("--output", type=Path, metavar="FILE", help="what keeps the figures; none by default")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    default_threads = torch.get_num_threads()
    torch.set_num_threads(asked.threads)
    place = find_device(asked.device, RUNNING)
    clocks = clocks_for(place, asked.clock)
    clock = clocks.networks
    network, given = (one.to(place) for one in detector())
    network.eval()
    kept = json.loads(asked.output.read_text()) if asked.output and asked.output.exists() else {"results": {}}
    if "calibration" not in kept:
        here = this_device("float32", asked.device)
        calibration = calibrate(here, place, clocks, asked.calibrate, default_threads=default_threads)
        kept |= {"calibration": msgspec.to_builtins(calibration), "pace": reference_time(network, given, clock)}
    calibration = msgspec.convert(kept["calibration"], Calibration)
    names = asked.models or list(references())
    if asked.limit:
        names = names[:: -(-len(names) // asked.limit)]
    for name in names:
        if name in kept["results"]:
            continue
        before = reference_time(network, given, clock)
        try:
            samples, profile = measure(name, asked.device, clock, asked.seconds)
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}")
            continue
        pace = (before + reference_time(network, given, clock)) / 2 / kept["pace"]
        prediction = predict(profile, calibration)
        assert prediction
        kept["results"][name] = {
            "measured": statistics.median(samples),
            "predicted": prediction.seconds,
            "pace": pace,
            "samples": samples,
            "overhead": prediction.overhead_s,
            "computing": prediction.computing_s,
            "moving": prediction.moving_s,
        }
        if asked.output:
            asked.output.write_text(json.dumps(kept))
        print(
            f"{name}: {1e3 * statistics.median(samples):.1f} ms, predicted {1e3 * prediction.seconds:.1f}", flush=True
        )
    report(kept["results"], calibration)


if __name__ == "__main__":
    main()
