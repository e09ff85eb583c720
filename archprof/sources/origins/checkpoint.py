"""A checkpoint: a file of weights that has the YAML of its network in it, as Ultralytics saves them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archprof.sources.files import WEIGHTS, is_file
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS

if TYPE_CHECKING:
    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec


class CheckpointFile(Origin):
    """``runs/train/weights/best.pt``. Its pickle is read, and never run."""

    order = 25
    form = "a checkpoint (best.pt)"
    suffixes = WEIGHTS

    def find(self, query: Query) -> Spec | None:
        """The network of the file of that name."""
        path = Path(query.text)
        if path.suffix.lower() not in WEIGHTS or not is_file(path):
            return None
        from archprof.sources.checkpoint.reader import read
        from archprof.sources.checkpoint.variant import variant

        return variant(read(path), reference=query.reference, scale=query.scale, name=path.stem)


ORIGINS.register("checkpoint", CheckpointFile())
