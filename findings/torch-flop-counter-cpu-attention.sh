#!/usr/bin/env bash
# What torch's own FLOP counter says of attention: as torch's function on the CPU and on the meta device, and as two products.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

HEADS, TOKENS, WIDTH = 2, 16, 8


def products(query, key, value):
    return (query @ key.mT * WIDTH**-0.5).softmax(-1) @ value


def flops(attention, device):
    x = torch.ones(1, HEADS, TOKENS, WIDTH, device=device)
    with FlopCounterMode(display=False) as counter:
        attention(x, x, x)
    return counter.get_total_flops()


expected = 2 * 2 * HEADS * TOKENS**2 * WIDTH  # two products, two operations a multiply-accumulate
counts = {
    "the function on the CPU": flops(scaled_dot_product_attention, "cpu"),
    "the function on the meta device": flops(scaled_dot_product_attention, "meta"),
    "two products on the CPU": flops(products, "cpu"),
}
print(f"a good guess: {expected:,} each time (2.15.0 has that)")
print("FlopCounterMode:", counts)
sys.exit(None if list(counts.values()) == [0, expected, expected] else "the behaviour has changed")
PYTHON
