"""Runs an old thop for real, in a process of its own where it owns the import name.

Usage: python run_thop.py REFERENCE... ; prints a JSON object: reference -> [operations, height of the image].
"""

from __future__ import annotations

import copy
import json
import sys

import thop
import torch

from archprof.builder.load import build
from archprof.sources.reference import resolve


def operations(reference: str) -> tuple[float, int]:
    """What Ultralytics 8.3 did: an image of the stride's size, and the full size only where that fails."""
    built = build(resolve(reference), device="cpu")
    model = built.module
    strides = getattr(model, "stride", None)
    small = max(int(strides.max()), 32) if isinstance(strides, torch.Tensor) else 32
    channels = next(model.parameters()).shape[1]
    for side in (small, built.size[0]):
        try:
            image = torch.zeros(1, channels, side, side)
            return thop.profile(copy.deepcopy(model), inputs=[image], verbose=False)[0], side
        except Exception:
            continue
    raise SystemExit(f"thop fails on {reference}")


if __name__ == "__main__":
    print(json.dumps({reference: operations(reference) for reference in sys.argv[1:]}))
