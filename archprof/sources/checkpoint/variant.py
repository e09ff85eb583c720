"""The YAML in a checkpoint -> the variant that it means, through the same parser as a YAML file."""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from archprof.sources import yaml_file
from archprof.sources.checkpoint.error import CheckpointError

if TYPE_CHECKING:
    from archprof.sources.checkpoint.contents import Checkpoint
    from archprof.sources.spec import VariantSpec

_ROWS = ("backbone", "head")


def variant(checkpoint: Checkpoint, *, reference: str | None = None) -> VariantSpec:
    """The variant that a checkpoint's network was built from, at its scale.

    Args:
        checkpoint: The file.
        reference: What the user typed, where that is not the path.

    Raises:
        CheckpointError: Where the file has no YAML.
        VariantError: Where its YAML is no variant. Lines are those of :func:`yaml_text_of`.
    """
    if checkpoint.yaml is None:
        raise CheckpointError(
            f"the file holds weights, but no architecture ({_KINDS[checkpoint.kind]})",
            path=checkpoint.path,
            hint="name the YAML or the function that makes the model; a checkpoint of Ultralytics has its YAML in it",
        )
    scale = checkpoint.yaml.get("scale")
    scales = checkpoint.yaml.get("scales")
    file = checkpoint.yaml.get("yaml_file")
    return yaml_file.load(
        checkpoint.path,
        scale=scale if isinstance(scales, dict) and isinstance(scale, str) and scale in scales else None,
        reference=reference,
        name=PurePath(file.replace("\\", "/")).stem if isinstance(file, str) and file else None,
        data=yaml_text_of(checkpoint.yaml).encode(),
    )


_KINDS = {
    "ultralytics": "an Ultralytics model without a YAML",
    "yolov5": "a YOLOv5 model without a YAML",
    "module": "a pickled module whose class is Python code",
    "state_dict": "a state dict",
    "torchscript": "TorchScript",
    "safetensors": "a safetensors file",
    "unknown": "no model was recognised in it",
}


def yaml_text_of(yaml: dict[str, Any]) -> str:
    """A YAML as text, each row of the backbone and the head on a line of its own."""
    lines = [
        f"{_flow(key)}: {_flow(value)}" for key, value in yaml.items() if isinstance(key, str) and key not in _ROWS
    ]
    for key in _ROWS:
        rows = yaml.get(key)
        if isinstance(rows, list) and rows:
            lines += [f"{key}:", *(f"  - {_flow(row)}" for row in rows)]
        elif key in yaml:
            lines.append(f"{key}: {_flow(rows)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """A value as YAML on one line, in ASCII: a line break that Unicode knows is read back as a space unless escaped."""
    import yaml as pyyaml

    text = pyyaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False)
    return text.removesuffix("...\n").strip()
