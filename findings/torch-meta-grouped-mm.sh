#!/usr/bin/env bash
# A grouped matrix product in float32 (the experts of a mixture), on the CPU and on the meta device.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torch.nn.functional import grouped_mm


def result(device):
    rows, experts = torch.ones(8, 16, device=device), torch.ones(2, 16, 32, device=device)
    ends = torch.tensor([5, 8], dtype=torch.int32, device=device)
    try:
        return f"a tensor of {list(grouped_mm(rows, experts, offs=ends).shape)}"
    except RuntimeError as error:
        return f"RuntimeError: {str(error).splitlines()[0]}"


print("a good guess: what the CPU computes has a shape on the meta device: [8, 32]")
print("cpu:", result("cpu"))
print("meta:", result("meta"))
same = result("cpu") == "a tensor of [8, 32]" and result("meta").startswith("RuntimeError")
sys.exit(None if same else "the behaviour has changed")
PYTHON
