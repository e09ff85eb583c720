"""YOLOv13: hypergraph correlation and full-pipeline distribution, and its variants with dynamic convolution and PST.

Source: "YOLOv13: Real-Time Object Detection with Hypergraph-Enhanced Adaptive Visual Perception",
arXiv 2506.17733.
"""

from archprof import register
from archprof.builder.rules import convolution, unchanged
from model_zoo.dynamic import steered
from model_zoo.dynamic_blocks import C3k2DynamicBnAct, C3k2DynamicConv, DynamicBnAct, DynamicConv
from model_zoo.pst import PST, pair
from model_zoo.yolov13 import rules
from model_zoo.yolov13.attention import A2C2f
from model_zoo.yolov13.blocks import DownsampleConv, DSC3k2, DSConv, FullPADTunnel
from model_zoo.yolov13.hyperace import HyperACE

FAMILY = "yolov13"

register("A2C2f", A2C2f, rule=rules.area_attention, family=FAMILY, light_head=True)
register("C3k2_DynamicBnAct", C3k2DynamicBnAct, rule=steered(rules.nested), family=FAMILY, light_head=True)
register("C3k2_DynamicConv", C3k2DynamicConv, rule=steered(rules.nested), family=FAMILY, light_head=True)
register("DSC3k2", DSC3k2, rule=rules.nested, family=FAMILY, light_head=True)
register("DSConv", DSConv, rule=convolution, family=FAMILY)
register("DownsampleConv", DownsampleConv, rule=rules.downsample, family=FAMILY)
register("DynamicBnAct", DynamicBnAct, rule=steered(convolution), family=FAMILY)
register("DynamicConv", DynamicConv, rule=steered(convolution), family=FAMILY)
register("FullPAD_Tunnel", FullPADTunnel, rule=unchanged, family=FAMILY)
register("HyperACE", HyperACE, rule=rules.hyperace, family=FAMILY, light_head=True)
register("PST", PST, rule=pair, family=FAMILY, light_head=True)
