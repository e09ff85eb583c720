"""YOLOv10 with dynamic convolutions.

Sources: YOLOv10, arXiv 2405.14458; dynamic convolution, ParameterNet, arXiv 2306.14525.
"""

from archprof import register
from archprof.builder.rules import convolution, repeated
from model_zoo.dynamic import DynamicConv2d, steered
from model_zoo.dynamic_blocks import C2fDynamicConv

FAMILY = "yolov10"

register("C2f_DynamicConv", C2fDynamicConv, rule=steered(repeated), family=FAMILY)
register("DynamicConv", DynamicConv2d, rule=steered(convolution), family=FAMILY)
