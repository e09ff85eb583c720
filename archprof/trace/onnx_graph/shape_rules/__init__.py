"""The shapes of what ONNX's most frequent operators give, without asking onnx: one file a kind of operator.

onnx's own rules are asked node by node over serialised messages, which takes longer than everything else that is done
with the node. A rule here gives what onnx's would, or None where it is not sure; then onnx is asked, and says what is
wrong where something is. The tests hold every rule to onnx's.
"""

# Each enters its rules in the table.
from archprof.trace.onnx_graph.shape_rules import (
    creation,  # noqa: F401
    elementwise,  # noqa: F401
    joining,  # noqa: F401
    layout,  # noqa: F401
    products,  # noqa: F401
    reductions,  # noqa: F401
    resample,  # noqa: F401
    sliding,  # noqa: F401
)
from archprof.trace.onnx_graph.shape_rules.registry import SHAPE_RULES, infer

__all__ = ["SHAPE_RULES", "infer"]
