"""A checkpoint: a file of weights, which may have the YAML of its network in it, as Ultralytics saves them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import UsageError
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
        from archprof.sources.checkpoint.error import NoModelError
        from archprof.sources.checkpoint.reader import read
        from archprof.sources.checkpoint.variant import variant
        from archprof.sources.checkpoint.weights import WeightsSpec

        checkpoint = read(path)
        if checkpoint.yaml is not None:
            return variant(checkpoint, reference=query.reference, scale=query.scale, name=path.stem)
        if not checkpoint.tensors:
            reason = "; ".join(checkpoint.notes) or "no tensors were found in it"
            raise NoModelError(reason, path=path, hint="name the file that holds the model")
        if query.scale is not None:
            raise UsageError(f"a file of weights has no scales: {path}", hint="leave out --scale")
        return WeightsSpec(name=path.stem, reference=query.reference, path=path, checkpoint=checkpoint)


ORIGINS.register("checkpoint", CheckpointFile())
