#!/usr/bin/env bash
# What torch's own FLOP counter says of a matrix times a vector, and of the same numbers as a matrix of one column.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def flops(compute):
    with FlopCounterMode(display=False) as counter:
        compute()
    return counter.get_total_flops()


matrix, vector = torch.ones(4, 8), torch.ones(8)
bilinear = nn.Bilinear(8, 8, 4)
counts = {
    "matrix @ column": flops(lambda: matrix @ vector[:, None]),
    "matrix @ vector": flops(lambda: matrix @ vector),
    "nn.Linear of the vector": flops(lambda: nn.Linear(8, 4, bias=False)(vector)),
    "vector @ vector": flops(lambda: vector @ vector),
    "nn.Bilinear": flops(lambda: bilinear(vector, vector)),
}
print("a good guess: 64 for the first three (2 × 4 × 8), 16 for the fourth (2 × 8), at least 2 × 4 × 8 × 8 for the last")
print("FlopCounterMode:", counts)
sys.exit(None if list(counts.values()) == [64, 0, 64, 0, 0] else "the behaviour has changed")
PYTHON
