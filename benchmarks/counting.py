"""How long one count takes, beside thop, fvcore and torch's own counter, in one process on one model in memory.

Every tool gets the same CPU model and the same full-size image, and the tools take turns, so that a busy machine slows
them alike. A count of archprof's is the pass and its ledger. The result is the ratio of the medians, model by model,
and its geometric mean. Name models to run only those; `--rounds` says how many turns each tool gets.
"""

from __future__ import annotations

import argparse
import copy
import logging
import statistics
import time
import warnings
from typing import TYPE_CHECKING, Any

import thop
import torch
from fvcore.nn import FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.count.ledger import count
from archprof.sources.reference import resolve
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

MODELS = [
    *("yolov8n", "yolov8x", "yolo11n", "yolo11x", "yolo12n", "yolo12x", "yolo26n", "yolo26x"),
    *("yolov13n-DynamicConv", "yolov13x-DynamicConv", "yolov9c", "rtdetr-l"),
    *("timm:resnet50", "timm:vit_small_patch16_224", "timm:swin_tiny_patch4_window7_224", "timm:convnext_tiny"),
    "parameternet-600m",
]
GOALS = {"thop": 8, "fvcore": 15}


def archprof(model: nn.Module, image: Tensor) -> None:
    assert count(trace(model, (image,))).macs


def run_thop(model: nn.Module, image: Tensor) -> None:
    thop.profile(model, inputs=[image], verbose=False)


def run_fvcore(model: nn.Module, image: Tensor) -> None:
    FlopCountAnalysis(model, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()


def run_torch(model: nn.Module, image: Tensor) -> None:
    with torch.no_grad(), FlopCounterMode(display=False):
        model(image)


TOOLS: dict[str, Callable[[Any, Tensor], None]] = {"thop": run_thop, "fvcore": run_fvcore, "torch": run_torch}


def seconds(tool: Callable[[Any, Tensor], None], model: nn.Module, image: Tensor) -> float:
    start = time.perf_counter()
    tool(model, image)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    ratios: dict[str, list[float]] = {name: [] for name in TOOLS}
    for reference in asked.models:
        built = build(resolve(reference), device="cpu")
        (image,) = make_inputs(built, device="cpu")
        model = built.module.requires_grad_(False)  # torch's counter stumbles over gradients that nothing needs
        # Others may leave hooks and buffers behind, so each has a model of its own.
        models = {name: copy.deepcopy(model) for name in TOOLS}
        archprof(model, image)
        ours: list[float] = []
        theirs: dict[str, list[float]] = {name: [] for name in TOOLS}
        for _ in range(asked.rounds):
            for name, tool in TOOLS.items():
                ours.append(seconds(archprof, model, image))
                theirs[name].append(seconds(tool, models[name], image))
        mine = statistics.median(ours)
        for name in TOOLS:
            ratios[name].append(statistics.median(theirs[name]) / mine)
        shown = "   ".join(f"{name} {ratios[name][-1]:6.1f}×" for name in TOOLS)
        print(f"{reference:36} {1e3 * mine:7.1f} ms   {shown}", flush=True)
    for name, found in ratios.items():
        goal = f" (goal {GOALS[name]}×)" if name in GOALS else ""
        print(
            f"{name}: {statistics.geometric_mean(found):.1f}× in the geometric mean, {min(found):.1f}× at least{goal}"
        )


if __name__ == "__main__":
    main()
