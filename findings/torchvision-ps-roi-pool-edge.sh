#!/usr/bin/env bash
# Position-sensitive pooling of a region that spans a whole map, one row of which is not zero: forward, and the gradient.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
packages torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$python" - <<'PYTHON'
import sys

import torch
from torchvision.ops import ps_roi_pool, roi_pool

region = torch.tensor([[0.0, 0.0, 0.0, 4.0, 4.0]])  # sample 0, from the corner (0, 0) to (4, 4): all of a 4×4 map


def reached(pool):
    """The rows of which a one gets into the result."""
    rows = []
    for row in range(4):
        values = torch.zeros(1, 1, 4, 4)
        values[0, 0, row] = 1
        if pool(values, region, 1).item():
            rows.append(row)
    return rows


values = torch.ones(1, 1, 4, 4, requires_grad=True)
ps_roi_pool(values, region, 1).sum().backward()
moved = values.grad[0, 0].any(1).nonzero().flatten().tolist()
print("a good guess: every row of the region is pooled, and the gradient goes to the rows that were")
print("roi_pool pools the rows", reached(roi_pool))
print("ps_roi_pool pools the rows", reached(ps_roi_pool), "and its gradient goes to", moved)
same = reached(roi_pool) == moved == [0, 1, 2, 3] and reached(ps_roi_pool) == [0, 1, 2]
sys.exit(None if same else "the behaviour has changed")
PYTHON
