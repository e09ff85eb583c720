"""What the primitive operations cost that torch's own Python kernels run in the place of an operation of ATen."""

from __future__ import annotations

from archprof.count.formulas import aten, per_input, per_output, register_formula

_POINTWISE = """
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_not bitwise_or bitwise_xor cbrt ceil cos cosh
    digamma div eq erf erf_inv erfc erfcx exp exp2 expm1 floor fmax fmin fmod ge gt hypot isfinite le lgamma log log10
    log1p log2 lt maximum minimum mul ne neg pow reciprocal remainder round rsqrt sign signbit sin sinh sqrt sub tan
    tanh trunc where
"""
_REDUCTIONS = "amax amin prod sum xor_sum"

register_formula(*aten(_POINTWISE, "prims"))(per_output(1))
register_formula(*aten(_REDUCTIONS, "prims"))(per_input(1))
