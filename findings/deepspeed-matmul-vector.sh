#!/usr/bin/env bash
# The multiply-accumulates that DeepSpeed's FLOPs profiler gives products with a vector, and with a batch of matrices.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages deepspeed==0.19.8 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import logging
import sys

logging.disable(logging.WARNING)
import torch
from deepspeed.profiling.flops_profiler import FlopsProfiler
from torch import nn


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, first, second):
        return first @ second


def macs(*shapes):
    profiler = FlopsProfiler(Product())
    profiler.start_profile()
    profiler.model(*map(torch.ones, shapes))
    count = profiler.get_total_macs()
    profiler.end_profile()
    return count


right = {((50, 8), (8, 4)): 1600, ((50, 8), (8,)): 400, ((50, 8), (3, 8, 4)): 4800}
counts = {shapes: macs(*shapes) for shapes in right}
for shapes, count in counts.items():
    print(f"{shapes[0]} @ {shapes[1]}: a good guess: {right[shapes]:,}; DeepSpeed: {count:,}")
print("it multiplies the numbers of the first operand with the last length of the second, whatever that is")
sys.exit(None if list(counts.values()) == [1600, 3200, 1600] else "the behaviour has changed")
PYTHON
