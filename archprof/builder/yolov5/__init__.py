"""The dialect of YOLOv5's and YOLOv3's own repositories, as the family "yolov5".

Their files have the rows of Ultralytics' YAMLs and another head, which predicts boxes from anchors. Most of their
blocks live on in Ultralytics under the same names and with the same modules; the others are here. Importing this
package registers them all, with the rules of YOLOv5's ``parse_model`` (``models/yolo.py``, v7.0 and later).
"""

from __future__ import annotations

from torch import nn
from ultralytics.nn import modules

from archprof.builder import rules
from archprof.builder.registry import register
from archprof.builder.stock import activated_sppf
from archprof.builder.yolov5 import blocks, heads, row_rules
from archprof.sources.spec import YOLOV5

CONVOLUTIONS = {
    "Bottleneck": blocks.Bottleneck,
    "C3SPP": blocks.C3SPP,
    "Conv": modules.Conv,
    "CrossConv": blocks.CrossConv,
    "DWConv": modules.DWConv,
    "DWConvTranspose2d": modules.DWConvTranspose2d,
    "Focus": modules.Focus,
    "GhostBottleneck": modules.GhostBottleneck,
    "GhostConv": modules.GhostConv,
    "MixConv2d": blocks.MixConv2d,
    "SPP": modules.SPP,
    "SPPF": activated_sppf(modules.SPPF),
    "nn.ConvTranspose2d": nn.ConvTranspose2d,
}

REPEATED = {
    "BottleneckCSP": blocks.BottleneckCSP,
    "C3": modules.C3,
    "C3Ghost": modules.C3Ghost,
    "C3TR": modules.C3TR,
    "C3x": modules.C3x,
}

BLOCKS = (
    (CONVOLUTIONS, row_rules.convolution),
    (REPEATED, row_rules.repeated),
    ({"Contract": blocks.Contract}, row_rules.contraction),
    ({"Expand": blocks.Expand}, row_rules.expansion),
    ({"Proto": blocks.Proto}, rules.unchanged),
    ({"Detect": heads.AnchorDetect}, row_rules.detection_head),
    ({"Segment": heads.AnchorSegment}, row_rules.segmentation_head),
)

for factories, rule in BLOCKS:
    for name, factory in factories.items():
        register(name, factory, rule=rule, family=YOLOV5)
