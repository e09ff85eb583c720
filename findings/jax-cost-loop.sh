#!/usr/bin/env bash
# The FLOPs that XLA gives ten products in a row, written one after the other, and as a lax.scan of ten steps.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages jax==0.10.2 jaxlib==0.10.2
"$python" - <<'PYTHON'
import sys

import jax
import jax.numpy as jnp
from jax import lax

matrix, vector = jnp.ones((64, 64)), jnp.ones(64)


def written_out(matrix, vector):
    for _ in range(10):
        vector = matrix @ vector
    return vector


def scanned(matrix, vector):
    return lax.scan(lambda carry, _: (matrix @ carry, None), vector, None, length=10)[0]


counts = {}
for function in (written_out, scanned):
    cost = jax.jit(function).lower(matrix, vector).compile().cost_analysis()
    counts[function.__name__] = int(cost["flops"])
print(f"a good guess: {10 * 2 * 64 * 64:,} for both, since the number of steps is a constant of the program")
print(f"XLA: {counts}; the scan's body counts once, with two more for the loop's own counter")
sys.exit(None if counts == {"written_out": 81_920, "scanned": 8_194} else "the behaviour has changed")
PYTHON
