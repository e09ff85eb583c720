#!/usr/bin/env bash
# What torch's own FLOP counter says of an LSTM and of a GRU of the same sizes, on the CPU.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

STEPS, INPUT, HIDDEN = 5, 8, 16


def flops(layer):
    with FlopCounterMode(display=False) as counter:
        layer(torch.randn(STEPS, 1, INPUT))
    return counter.get_total_flops()


def expected(gates):
    """Two a multiply-accumulate: in each step every gate multiplies the input and the state by a matrix."""
    return 2 * STEPS * gates * HIDDEN * (INPUT + HIDDEN)


gru, lstm = flops(nn.GRU(INPUT, HIDDEN)), flops(nn.LSTM(INPUT, HIDDEN))
print(f"a good guess: GRU {expected(3)}, LSTM {expected(4)}")
print(f"FlopCounterMode: GRU {gru}, LSTM {lstm}, with no word of an operation that it does not know")
sys.exit(None if (gru, lstm) == (expected(3), 0) else "the behaviour has changed")
PYTHON
