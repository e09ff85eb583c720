"""How a spec is to be built and run: what the command line's options add up to, free of torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

COUNTER_SECONDS = 300.0
"""What another counter may take over a model unless somebody says otherwise."""

_SIZE = re.compile(r"(\d{1,9})(?:[x×,](\d{1,9}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a spec is to be built and run.

    Attributes:
        size: The input's (height, width), (side,) of a square image, or (length,) for tokens; the model's own
            where None.
        batch: Samples at once.
        channels: Channels of the input image; 3 where None.
        fuse: Whether to fold normalisations into convolutions and drop branches that only train.
        static: Whether to replace every dynamic layer with the plain one: the model's static twin.
        device: "auto", "cpu", "cuda", "cuda:N" or "meta". With "auto" and "meta" it is counted without memory,
            so that counting never waits for a device; on the others the model really runs.
        dtype: The name of a torch dtype, of weights and images.
        backward: Whether to count a training step: the forward pass in training mode, and the backward pass.
        convention: The name of the convention that is reported beside the exact count.
    """

    size: tuple[int, ...] | None = None
    batch: int = 1
    channels: int | None = None
    fuse: bool = False
    static: bool = False
    device: str = "auto"
    dtype: str = "float32"
    backward: bool = False
    convention: str = "flops"


def sides_of(text: str) -> tuple[int, ...]:
    """``640`` or ``384x640`` -> one number or two; nothing where the text is neither."""
    match = _SIZE.fullmatch(text.strip())
    sides = tuple(int(side) for side in match.groups() if side) if match else ()
    return () if 0 in sides else sides
