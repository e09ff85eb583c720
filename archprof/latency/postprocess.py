"""What follows a detector's network: Ultralytics' own non-maximum suppression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.errors import UsageError
from archprof.latency.backends.interface import leaves

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.builder.built import Built

CANDIDATES = 300
"""Boxes of an image that pass the threshold, which is as many as a detector returns at most. The weights are fresh, so
their scores mean nothing and a threshold of the usual size would leave no box at all."""


def suppressed(call: Callable[[], Any], built: Built) -> Callable[[], Any]:
    """A network's call, and then what makes boxes of its first output.

    Args:
        call: Runs the network.
        built: What it is of.

    Raises:
        UsageError: Where it is not a detector of Ultralytics'.
    """
    from ultralytics.nn.modules.head import Detect
    from ultralytics.utils.nms import non_max_suppression

    *_, head = built.module.modules() if not built.layers else [built.module.get_submodule(built.layers[-1].path)]
    if not isinstance(head, Detect):
        raise UsageError(f"--postprocess is for detectors with Ultralytics' heads, and {built.spec.name} is none")
    classes, ready = int(head.nc), bool(getattr(head, "end2end", False))
    with torch.inference_mode():
        threshold = _threshold(leaves(call())[0], classes, ready)

    def run() -> Any:
        with torch.inference_mode():
            return non_max_suppression(
                leaves(call())[0],
                conf_thres=threshold,
                iou_thres=0.7,  # as Ultralytics' predictors have it
                nc=classes,
                rotated=built.task == "obb",
                end2end=ready,
            )

    return run


def _threshold(prediction: torch.Tensor, classes: int, ready: bool) -> float:
    """The score that :data:`CANDIDATES` boxes of each image have, on average."""
    best = prediction[..., 4] if ready else prediction[:, 4 : 4 + classes].amax(1)
    count = min(CANDIDATES * best.shape[0] + 1, best.numel())
    return float(best.flatten().topk(count).values[-1].clamp(0, 1))
