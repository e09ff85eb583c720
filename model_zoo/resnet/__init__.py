"""ResNet classifiers with the Pyramid Sparse Transformer (arXiv 2505.12772) on their last stages."""

from archprof import register
from model_zoo.pst import PST, pair

register("PST", PST, rule=pair, family="resnet")
