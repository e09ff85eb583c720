"""Models that a calibration is held against: nothing is fitted to them, so what it predicts of them shows its error.

They are whole networks of the kinds that people profile, each at its own image size: three detectors of Ultralytics',
six classifiers of timm's, of as many families, with residual, grouped, depthwise, dense and attention layers.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.latency.networks import Built, Network

REFERENCES = (
    *("yolov8n.yaml", "yolo11n.yaml", "yolo26n.yaml"),
    *("timm:resnet18", "timm:regnety_004", "timm:mobilenetv3_large_100", "timm:densenet121"),
    *("timm:convnext_atto", "timm:vit_tiny_patch16_224"),
)


def _model(reference: str) -> Built:
    built = build(resolve(reference), device="cpu")
    (image,) = make_inputs(built, device="cpu")
    return built.module.requires_grad_(False), image


HELD_OUT: Mapping[str, Network] = {reference: partial(_model, reference) for reference in REFERENCES}
"""What makes each of them, by its reference."""
