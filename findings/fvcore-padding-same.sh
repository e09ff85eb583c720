#!/usr/bin/env bash
# A convolution whose padding is "same", counted by fvcore and by torchprofile: 36 cells × 8 × 4 × 3 × 3.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages fvcore==0.1.5.post20221221 torchprofile==0.1.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$python" -W ignore - <<'PYTHON'
import sys
import warnings

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn
from torchprofile import profile_macs

warnings.simplefilter("ignore")
x = torch.ones(1, 4, 6, 6)
counts = {}
for padding in (1, "same"):
    layer = nn.Conv2d(4, 8, 3, padding=padding, bias=False).eval()
    analysis = FlopCountAnalysis(layer, x)
    counts[padding] = analysis.total(), profile_macs(layer, x)
    print(f"padding={padding!r}: fvcore {counts[padding][0]:,}, torchprofile {counts[padding][1]:,}")
    print("  fvcore skipped:", dict(analysis.unsupported_ops()) or "nothing")
print(f"a good guess: {6 * 6 * 8 * 4 * 3 * 3:,} with both paddings: the layers compute the same")
sys.exit(None if counts == {1: (10368, 10368), "same": (0, 0)} else "the behaviour has changed")
PYTHON
