#!/usr/bin/env bash
# The FLOPs that XLA gives a convolution of which a border is padding, through JAX's cost_analysis() and Flax's tabulate.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages jax==0.10.2 jaxlib==0.10.2
"$python" - <<'PYTHON'
import sys

import jax
import jax.numpy as jnp
from jax import lax

image, kernel = jnp.ones((1, 3, 32, 32)), jnp.ones((16, 3, 3, 3))


def flops(padding):
    convolution = jax.jit(lambda image, kernel: lax.conv_general_dilated(image, kernel, (1, 1), padding))
    return int(convolution.lower(image, kernel).compile().cost_analysis()["flops"])


same, valid = flops("SAME"), flops("VALID")
print(f"a good guess: with padding 2 × 32 × 32 × 16 × 27 = {2 * 32 * 32 * 16 * 27:,}, as every counter of torch's has it")
print(f"XLA, with padding: {same:,}; without: {valid:,} (2 × 30 × 30 × 16 × 27)")
# Of three taps a side, the first and the last of 32 positions meet two in the image: 32·3 − 2 = 94.
print(f"taps that meet the image alone, 2 × 94 × 94 × 3 × 16: {2 * 94 * 94 * 3 * 16:,}")
sys.exit(None if (same, valid) == (2 * 94 * 94 * 3 * 16, 2 * 30 * 30 * 16 * 27) else "the behaviour has changed")
PYTHON
