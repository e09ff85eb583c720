#!/usr/bin/env bash
# A network that is about to be trained is counted first; then it is asked for its mode. A step of training should move
# the running means of its normalisation.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages ptflops==0.7.5 calflops==0.3.2 transformers==5.24.0 fvcore==0.1.5.post20221221 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$python" -W ignore - <<'PYTHON'
import sys

import torch
from calflops import calculate_flops
from fvcore.nn import FlopCountAnalysis
from ptflops import get_model_complexity_info
from torch import nn

quiet = {"as_strings": False, "print_per_layer_stat": False}
image = torch.ones(1, 3, 8, 8)
counters = {
    "fvcore": lambda model: FlopCountAnalysis(model, image).total(),
    "ptflops": lambda model: get_model_complexity_info(model, (3, 8, 8), **quiet),
    "ptflops, backend='aten'": lambda model: get_model_complexity_info(model, (3, 8, 8), backend="aten", **quiet),
    "calflops": lambda model: calculate_flops(model, args=[image], print_results=False),
}
print("a good guess: the network is in the mode of training, as before, and its running means move")
results = {}
for name, count in counters.items():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    count(model)
    before = model[1].running_mean.clone()
    model(image)
    results[name] = model.training, not torch.equal(before, model[1].running_mean)
    print(f"{name}: training is {results[name][0]}, the running means {'move' if results[name][1] else 'stay'}")
sys.exit(None if list(results.values()) == [(True, True)] + 3 * [(False, False)] else "the behaviour has changed")
PYTHON
