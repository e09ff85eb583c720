#!/usr/bin/env bash
# What DeepSpeed's FLOPs profiler has of one product of matrices, written with @ and with torch.einsum.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages deepspeed==0.19.8 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import logging
import sys

logging.disable(logging.WARNING)
import torch
from deepspeed.profiling.flops_profiler import FlopsProfiler
from torch import nn


class Net(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.ones(8, 4))

    def forward(self, x):
        return self.function(x, self.weight)


counts = {}
for name, function in (("@", lambda x, w: x @ w), ("einsum", lambda x, w: torch.einsum("ij,jk->ik", x, w))):
    profiler = FlopsProfiler(Net(function))
    profiler.start_profile()
    profiler.model(torch.ones(50, 8))
    counts[name] = (profiler.get_total_flops(), profiler.get_total_macs())
    profiler.end_profile()
print("a good guess: 3,200 FLOPs and 1,600 MACs for both; half of FLOPs that are counted are MACs")
for name, (flops, macs) in counts.items():
    print(f"DeepSpeed, {name}: {flops:,} FLOPs, {macs:,} MACs")
sys.exit(None if counts == {"@": (3200, 1600), "einsum": (3201, 0)} else "the behaviour has changed")
PYTHON
