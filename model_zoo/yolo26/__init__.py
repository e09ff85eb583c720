"""YOLO26 with dynamic convolutions (ParameterNet, arXiv 2306.14525)."""

from archprof import register
from archprof.builder.rules import convolution
from model_zoo.dynamic import DynamicConv2d, steered

FAMILY = "yolo26"

register("DynamicConv", DynamicConv2d, rule=steered(convolution), family=FAMILY)
