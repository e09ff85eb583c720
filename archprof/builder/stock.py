"""Registers what the installed Ultralytics, ``torch.nn`` and ``torchvision.ops`` have, as family "ultralytics".

The tables say which rule each block of Ultralytics' has in its ``parse_model``. A block that is in none of them is
called with its row's arguments as written, as there. Some its parser does not know at all, though they can be imported:
those of ``UNKNOWN_CONVOLUTIONS`` and ``OF_INPUT``, and Proto, have the rule that their constructor calls for.
"""

from __future__ import annotations

import functools
from functools import cache
from typing import TYPE_CHECKING, Any

from archprof.builder import rules, stock_rules
from archprof.builder.registry import register
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.sources.spec import STOCK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from torch import nn

    from archprof.builder.registry import Rule

CONVOLUTIONS = (
    "ADown", "AConv", "Bottleneck", "Conv", "ConvTranspose", "DWConv", "DWConvTranspose2d", "ELAN1", "Focus",
    "GhostBottleneck", "GhostConv", "PSA", "RepNCSPELAN4", "SCDown", "SPP", "SPPELAN", "SPPF",
    "nn.ConvTranspose2d",
)  # fmt: skip

UNKNOWN_CONVOLUTIONS = ("CIB", "LightConv", "MaxSigmoidAttnBlock", "TransformerBlock")

OF_INPUT = (
    "Attention", "CBAM", "ChannelAttention", "LayerNorm2d", "MLPBlock", "TransformerEncoderLayer", "TransformerLayer",
)  # fmt: skip

REPEATED = (
    "BottleneckCSP", "C1", "C2", "C2PSA", "C2f", "C2fCIB", "C2fPSA", "C3", "C3Ghost", "C3TR", "C3x", "RepC3",
)  # fmt: skip

TAKES_REPEATS = frozenset({*REPEATED, "A2C2f", "C2fAttn", "C3k2", "HGBlock"})
"""The blocks that Ultralytics hands the repeats of their row to."""

DETECTION_HEADS = ("Detect", "OBB", "OBB26", "Pose", "Pose26", "WorldDetect", "YOLOEDetect")

SEGMENTATION_HEADS = ("Segment", "Segment26", "YOLOESegment", "YOLOESegment26")

RULES: dict[str, Rule] = {
    **dict.fromkeys(CONVOLUTIONS, rules.convolution),
    **dict.fromkeys(UNKNOWN_CONVOLUTIONS, rules.convolution),
    **dict.fromkeys(OF_INPUT, stock_rules.of_input),
    **dict.fromkeys(REPEATED, rules.repeated),
    **dict.fromkeys(DETECTION_HEADS, rules.detection_head),
    **dict.fromkeys(SEGMENTATION_HEADS, rules.segmentation_head),
    "A2C2f": stock_rules.a2c2f,
    "AIFI": rules.with_channels,
    "C2fAttn": stock_rules.c2f_attn,
    "C3k2": stock_rules.c3k2,
    "CBFuse": rules.last_input,
    "CBLinear": stock_rules.cb_linear,
    "Classify": stock_rules.classify,
    "Concat": rules.concatenation,
    "Depth": stock_rules.depth_head,
    "HGBlock": stock_rules.hg_block,
    "HGStem": stock_rules.hg_stem,
    "ImagePoolingAttn": rules.all_channels_second,
    "Index": rules.leading_channels,
    "Proto": stock_rules.proto,
    "RTDETRDecoder": rules.all_channels_second,
    "ResNetLayer": stock_rules.resnet_layer,
    "SemanticSegment": rules.all_channels_last,
    "TorchVision": stock_rules.torchvision_backbone,
    "nn.BatchNorm2d": stock_rules.batch_norm,
    "v10Detect": rules.all_channels_last,
}
"""Name -> rule, where it is not :func:`~archprof.builder.rules.unchanged`."""

TAKES_LIST = frozenset(
    {*DETECTION_HEADS, *SEGMENTATION_HEADS, "CBFuse", "Concat", "Depth", "ImagePoolingAttn", "RTDETRDecoder"}
    | {"SemanticSegment", "v10Detect"}
)
"""The blocks that read a list of rows: Ultralytics hands them a list of maps."""

TAKES_ONE = frozenset(
    {*CONVOLUTIONS, *UNKNOWN_CONVOLUTIONS, *OF_INPUT, *REPEATED, "A2C2f", "AIFI", "C3k2", "CBLinear", "HGBlock"}
    | {"HGStem", "ResNetLayer"}
) - {"MaxSigmoidAttnBlock"}
"""Those that read one row, and are handed one map."""

LIGHT_HEAD = frozenset({"A2C2f", "C2fCIB", "C3k2"})
"""The blocks after which Ultralytics does not call a detection head legacy."""


@cache
def register_stock() -> None:
    """Register Ultralytics' blocks and torch.nn's, once."""
    import_ultralytics()
    from torch import nn
    from ultralytics.nn import modules

    made_by = {"SPPF": activated_sppf(modules.SPPF), "Silence": nn.Identity}
    blocks = {**dict(_module_classes(modules)), **made_by, **dict(_module_classes(nn, "nn."))}
    for name, factory in blocks.items():
        _register(name, factory)


@cache
def register_torchvision() -> None:
    """Register torchvision.ops, once; apart, since importing it takes seconds and hardly a variant needs it."""
    import torchvision

    for name, factory in _module_classes(torchvision.ops, "torchvision.ops."):
        _register(name, factory)


def _register(name: str, factory: Any) -> None:
    rule = RULES.get(name, rules.unchanged)
    register(name, factory, rule=rule, family=STOCK, light_head=name in LIGHT_HEAD)


def _module_classes(package: ModuleType, prefix: str = "") -> Iterator[tuple[str, type[nn.Module]]]:
    from torch import nn

    for name, kind in vars(package).items():
        if isinstance(kind, type) and issubclass(kind, nn.Module):
            yield prefix + name, kind


def activated_sppf(block: Any) -> Any:
    """SPPF as YAMLs mean it that predate YOLO26 and so give it a kernel at most: its first convolution activates."""
    from ultralytics.nn.modules import Conv

    @functools.wraps(block, updated=())
    def build(*arguments: Any) -> Any:
        module = block(*arguments)
        if len(arguments) <= 3:
            module.cv1.act = Conv.default_act
        return module

    return build
