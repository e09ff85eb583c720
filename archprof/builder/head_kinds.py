"""What a variant's last row makes of it: the model class, the task, the input's size, and where strides come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.options import PROBE
from archprof.builder.probe_pass import observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from archprof.sources.spec import VariantSpec
    from archprof.trace.record import Trace

EMBEDDING = 512
"""Length of the text embeddings that Ultralytics' open-vocabulary networks are fed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What networks that end in one class of head have in common.

    Attributes:
        network: The class of the model, or its name in Ultralytics.
        task: The task, as Ultralytics calls it; None where the variant must say.
        strides: Works out the strides of a model for images of some channels, given a digest of what the maps that its
            head reads depend on; None where an image of any size will do.
        prepare: Sets what the model's forward needs beyond its modules.
        has_biases: Whether the head's biases start at values that depend on the strides.
    """

    network: str | type[nn.Module]
    task: str | None
    strides: Callable[[Any, int, bytes | None], tuple[float, ...]] | None = None
    prepare: Callable[[Any, VariantSpec], None] | None = None
    has_biases: bool = False


MOST_KNOWN = 10_000

_known: dict[tuple[bytes | None, str], tuple[float, ...]] = {}
"""The strides of networks that were looked at before: variants often differ in their heads only."""


def head_strides(model: Any, channels: int, body: bytes | None) -> tuple[float, ...]:
    """The strides of the maps that the head reads."""
    head = model.model[-1]
    key = body, head.type
    if key in _known:
        return _known[key]
    call = next(call for call in _probe(model, channels).calls if call.module is head)
    strides = tuple(PROBE / tensor.shape[-2] for tensor in call.inputs[: head.nl])
    if body is not None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        _known[key] = strides
    return strides


def _deepest_stride(model: Any, channels: int, body: bytes | None) -> tuple[float, ...]:
    """The stride of the smallest map that any row gives: the semantic head reads finer ones only."""
    rows = set(model.model)
    outputs = [tensor for call in _probe(model, channels).calls if call.module in rows for tensor in call.outputs]
    return (PROBE / min(tensor.shape[-2] for tensor in outputs if len(tensor.shape) == 4),)


def stride_of_32(model: Any, channels: int, body: bytes | None) -> tuple[float, ...]:
    """What Ultralytics takes for a head that reads several maps and keeps no stride."""
    return (32.0,)


def _probe(model: Any, channels: int) -> Trace:
    return run_in_training(model, channels, (PROBE, PROBE))


def run_in_training(model: Any, channels: int, size: tuple[int, ...]) -> Trace:
    """One pass over an image of a (height, width), the head in training mode, where it needs no strides."""
    head: nn.Module = model.model[-1]
    head.training = True
    try:
        return observe(model, lambda device: (torch.zeros(1, channels, *size, device=device),))
    finally:
        head.training = False


def _prepare_pose(model: Any, spec: VariantSpec) -> None:
    model.kpt_shape = spec.values.get("kpt_shape")


def _prepare_world(model: Any, spec: VariantSpec) -> None:
    model.txt_feats = torch.zeros(1, model.model[-1].nc, EMBEDDING)
    model.clip_model = None


def _prepare_yoloe(model: Any, spec: VariantSpec) -> None:
    model.pe = torch.zeros(1, model.model[-1].nc, model.model[-1].embed)
    model.text_model = spec.values.get("text_model", "mobileclip:blt")


KINDS = {
    "YOLOESegment": Kind("YOLOESegModel", "segment", head_strides, _prepare_yoloe, has_biases=True),
    "YOLOEDetect": Kind("YOLOEModel", "detect", head_strides, _prepare_yoloe, has_biases=True),
    "WorldDetect": Kind("WorldModel", "detect", head_strides, _prepare_world, has_biases=True),
    "Segment": Kind("SegmentationModel", "segment", head_strides, has_biases=True),
    "Pose": Kind("PoseModel", "pose", head_strides, _prepare_pose, has_biases=True),
    "OBB": Kind("OBBModel", "obb", head_strides, has_biases=True),
    "Detect": Kind("DetectionModel", "detect", head_strides, has_biases=True),
    "RTDETRDecoder": Kind("RTDETRDetectionModel", "detect", stride_of_32),
    "Depth": Kind("DepthModel", "depth", stride_of_32),
    "SemanticSegment": Kind("SemanticSegmentationModel", "semantic", _deepest_stride),
    "Classify": Kind("ClassificationModel", "classify"),
}
"""By the head's class in Ultralytics, each before what it derives from."""

OTHER = Kind("BaseModel", None)
"""What ends in none of them."""


def kind_of(head: nn.Module) -> Kind:
    """The kind of network that ends in this module: what its class says itself, else what is known of it."""
    from ultralytics.nn import modules

    if isinstance(kind := getattr(head, "kind", None), Kind):
        return kind
    return next((kind for name, kind in KINDS.items() if isinstance(head, getattr(modules, name))), OTHER)
