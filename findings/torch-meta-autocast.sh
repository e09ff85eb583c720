#!/usr/bin/env bash
# A linear layer under autocast for the CPU, with its tensors on the CPU and on the meta device.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch


def dtype(device):
    layer = torch.nn.Linear(4, 4, device=device)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return layer(torch.ones(1, 4, device=device)).dtype


try:
    with torch.autocast("meta", dtype=torch.bfloat16):
        own = "is entered"
except RuntimeError as error:
    own = f"raises: {str(error).splitlines()[0]}"
print("a good guess: shapes and types without memory are those with memory, under autocast too: bfloat16")
print("cpu:", dtype("cpu"))
print("meta:", dtype("meta"), "(and autocast for the device meta itself", own + ")")
same = (dtype("cpu"), dtype("meta")) == (torch.bfloat16, torch.float32) and own.startswith("raises")
sys.exit(None if same else "the behaviour has changed")
PYTHON
