#!/usr/bin/env bash
# The parameters of two layers of 8 × 8 + 8 that share their weight, as those of a language model's ends do, with torchinfo.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torchinfo==1.8.0 torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
import torchinfo
from torch import nn

first, second = nn.Linear(8, 8), nn.Linear(8, 8)
second.weight = first.weight
counts = {}
for name, model in (("a layer that runs twice", nn.Sequential(first, first)), ("two layers with one weight", nn.Sequential(first, second))):
    summary = torchinfo.summary(model, input_data=torch.ones(1, 8), verbose=0)
    counts[name] = sum(parameter.numel() for parameter in model.parameters()), summary.total_params
    print(f"{name}: torch {counts[name][0]}, torchinfo {counts[name][1]}")
print("a good guess: the same figures; torchinfo knows that a layer has run before, so it should know a weight")
sys.exit(None if list(counts.values()) == [(72, 72), (80, 144)] else "the behaviour has changed")
PYTHON
