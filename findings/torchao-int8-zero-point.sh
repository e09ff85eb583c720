#!/usr/bin/env bash
# What torchao's int8 weight-only quantisation, which is symmetric, keeps of a linear layer.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 torchao==0.18.0 numpy==2.4.6
"$python" -W ignore - 2>/dev/null <<'PYTHON'
import sys

import torch
from torchao.quantization import Int8WeightOnlyConfig, quantize_

model = torch.nn.Sequential(torch.nn.Linear(64, 64, bias=False))
quantize_(model, Int8WeightOnlyConfig())
weight = model[0].weight
tensors = {name: getattr(weight, name) for name in weight.__tensor_flatten__()[0]}
sizes = {name: tensor.numel() * tensor.element_size() for name, tensor in tensors.items()}
print("a good guess: 64 × 64 int8 weights and 64 float32 scales, 4,352 bytes; a symmetric scheme has no zero point")
for name, tensor in tensors.items():
    print(f"{name}: {tensor.dtype}, {list(tensor.shape)}, {sizes[name]:,} bytes")
zeros = tensors.get("zero_point")
print(f"in all {sum(sizes.values()):,} bytes; zero points other than 0: {0 if zeros is None else int(zeros.count_nonzero())}")
same = zeros is not None and not zeros.any() and sum(sizes.values()) == 4416
sys.exit(None if same else "the behaviour has changed")
PYTHON
