"""A file of weights without an architecture that could be built: its parameters are known, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError
from archprof.sources.checkpoint.contents import Checkpoint, parameters
from archprof.sources.spec import Constructor, Spec, encode_key

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.sources.spec import Built

_HINT = "name the YAML or the function that makes the model; summary, compare and check tell a file's parameters"


@dataclass(frozen=True, kw_only=True)
class WeightsSpec(Spec):
    """A file of weights: a state dict, or a module whose class is Python code.

    Attributes:
        checkpoint: What the file says.
    """

    origin = "checkpoint"
    graph_format = "weights"
    trusted = True

    path: Path
    checkpoint: Checkpoint

    @property
    def content_key(self) -> bytes | None:
        """All that was read of the file, and what it is called."""
        return encode_key(self.origin, self.name, self.reference, str(self.path), self.checkpoint.digest)

    def check_setting(self, key: str, value: Any) -> None:
        """Nothing may be: its tensors are as they are.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"{key} cannot be changed in a file of weights", hint=_HINT)

    def build(self, constructor: Constructor[Built]) -> Built:
        """It has no architecture, and nothing can be built of it.

        Raises:
            UsageError: Always.
        """
        raise self.no_operations()

    def no_operations(self) -> UsageError:
        """It has none: what is computed with its weights is not in it."""
        return UsageError(
            f"{self.reference} holds {parameters(self.checkpoint):,} parameters, but no architecture "
            f"({KINDS[self.checkpoint.kind]})",
            hint=_HINT,
        )


KINDS = {
    "ultralytics": "an Ultralytics model without a YAML",
    "yolov5": "a YOLOv5 model without a YAML",
    "module": "a pickled module whose class is Python code",
    "state_dict": "a state dict",
    "torchscript": "TorchScript",
    "safetensors": "a safetensors file",
}
"""What the files of a kind are that have no YAML."""
