"""DynamicOp convolutions: found in a trace, predicted by the formulas, measured."""
