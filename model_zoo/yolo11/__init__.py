"""YOLO11 with dynamic convolutions in its head (ParameterNet, arXiv 2306.14525) or PST in its neck (2505.12772)."""

from archprof import register
from archprof.builder.rules import convolution, detection_head, segmentation_head
from model_zoo.dynamic import DynamicConv2d, steered
from model_zoo.pst import PST, pair
from model_zoo.yolo11.heads import DetectDynamicConv, SegmentDynamicConv

FAMILY = "yolo11"

register("Detect_DynamicConv", DetectDynamicConv, rule=steered(detection_head), family=FAMILY)
register("DynamicConv", DynamicConv2d, rule=steered(convolution), family=FAMILY)
register("PST", PST, rule=pair, family=FAMILY, light_head=True)
register("Segment_DynamicConv", SegmentDynamicConv, rule=steered(segmentation_head), family=FAMILY)
