#!/usr/bin/env bash
# Two layers share a weight of 8 × 8, and each has a bias of 8; the exported program is asked for its parameters.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch import nn


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
model[1].weight = model[0].weight
program = torch.export.export(model, (torch.ones(1, 8),))
torch.export.save(program, "model.pt2")
loaded = torch.export.load("model.pt2")
counts = {
    "the module": size(model),
    "the program": size(program),
    "the program's module": size(program.module()),
    "the program, loaded from its file": size(loaded),
}
print(f"a good guess: {8 * 8 + 8 + 8} each time: parameters() names a shared tensor once")
print("parameters:", counts)
print("the program's list has one tensor twice:", len({id(parameter) for parameter in program.parameters()}), "of", len(list(program.parameters())))
sys.exit(None if list(counts.values()) == [80, 144, 80, 144] else "the behaviour has changed")
PYTHON
