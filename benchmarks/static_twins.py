"""How many times its static equivalent's time a dynamic model takes: predicted, and measured in a paired experiment.

The computer is calibrated first. Then each model of the zoo with dynamic convolutions is measured against its twin, the
same network with plain convolutions, in blocks of random order. One thread, and the processor's time, so that a machine
that does something else meanwhile gives much the same figures.
"""

from __future__ import annotations

import argparse
import statistics
import warnings
from typing import TYPE_CHECKING, Any

import torch
from prediction import ProcessorClock

from archprof.builder.options import Options
from archprof.latency.calibration_run import calibrate
from archprof.latency.calibration_store import this_device
from archprof.latency.clock import Clocks
from archprof.latency.paired import experiment
from archprof.latency.prediction import predict
from archprof.latency.sampler import Plan
from archprof.pipeline.counting import prepare, profile_spec
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.sources.spec import Spec

MODELS = [
    *("yolov13-DynamicConv", "yolov13-DynamicBnAct"),
    *("yolov10n-DynamicConv-1", "yolov10n-DynamicConv-2", "yolov10n-C2f_DynamicConv"),
    *("yolo11-DynamicConv", "yolo11-seg-DynamicConv", "yolo26-DynamicConv"),
    *("parameternet-300m", "parameternet-600m"),
]


def ready(spec: Spec, options: Options) -> Callable[[], Any]:
    built, inputs = prepare(spec, options)

    def call() -> Any:
        with torch.inference_mode():
            return built.module(*inputs)

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS, help="of the zoo; all where none is named")
    parser.add_argument("--calibrate", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=40, help="of sampling for each model and its twin")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    clock = ProcessorClock()
    here, clocks = this_device("float32"), Clocks.of_one(clock)
    calibration = calibrate(here, torch.device("cpu"), clocks, asked.calibrate, default_threads=1)
    print(f"calibrated in {calibration.duration_s:.0f} s, {calibration.rounds} rounds", flush=True)
    errors = []
    for name in asked.models:
        spec = resolve(name)
        said = predict(profile_spec(spec, Options()), calibration)
        assert said
        assert said.static_s
        calls = [ready(spec, Options(device="cpu", static=static)) for static in (True, False)]
        run = experiment(calls, clock, Plan(min_time=asked.seconds, max_time=asked.seconds))
        (ratio,) = run.ratios
        assert ratio
        predicted, (low, high) = said.seconds / said.static_s, ratio.bounds
        errors.append(abs(predicted / ratio.ratio - 1))
        static_s, dynamic_s = (statistics.median(one.samples) for one in run.sampled)
        print(
            f"{name:26} ×{predicted:.3f} predicted, ×{ratio.ratio:.3f} [{low:.3f}, {high:.3f}] measured, "
            f"{run.blocks} blocks; {1e3 * dynamic_s:.0f} ms beside {1e3 * static_s:.0f} ms",
            flush=True,
        )
    print(f"median absolute error of the ratio {statistics.median(errors):.1%}, largest {max(errors):.1%}")


if __name__ == "__main__":
    main()
