"""What ONNX's operators cost: one file a family, by the rules of PyTorch's operations, registered as it is imported."""

from archprof.count.onnx_operators.registry import OPERATORS

with OPERATORS.own():
    from archprof.count.onnx_operators import (  # noqa: F401 - they register their formulas
        activation,
        attention,
        convolution,
        elementwise,
        free,
        normalisation,
        products,
        quantise,
        recurrent,
        reduction,
        sampling,
    )
