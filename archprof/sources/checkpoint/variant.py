"""The YAML in a checkpoint -> the variant that it means, through the same parser as a YAML file."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from archprof.errors import UsageError
from archprof.sources import yaml_file
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.spec import Constructor, VariantSpec, encode_key

if TYPE_CHECKING:
    from archprof.sources.checkpoint.contents import Checkpoint
    from archprof.sources.spec import Built

_ROWS = ("backbone", "head")
_OF_THE_RUN = ("scale", "yaml_file", "channels", "ch")
"""Keys that Ultralytics writes into the YAML when it builds a model of it."""

_CHANNELS = 3


@dataclass(frozen=True, kw_only=True)
class CheckpointSpec(VariantSpec):
    """The network of a checkpoint: the variant that is in the file, with the widths of its tensors.

    Attributes:
        checkpoint: What the file says.
        channels: Channels of the image that it was built for.
    """

    origin = "checkpoint"

    checkpoint: Checkpoint
    channels: int = _CHANNELS

    @property
    def content_key(self) -> bytes | None:
        """The variant's, and all that was read of the file."""
        return encode_key(super().content_key, self.checkpoint.digest)

    def check_setting(self, key: str, value: Any) -> None:
        """Nothing may be: its tensors are as they are.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{key} cannot be changed in a checkpoint, whose weights are for the network that it holds",
            hint="name the YAML that it was made from",
        )

    def edited(self, name: str, value: Any) -> Self:
        """Nothing may be.

        Raises:
            UsageError: Always.
        """
        self.check_setting(name, value)
        return self

    def build(self, constructor: Constructor[Built]) -> Built:
        """From its rows, and then held against its tensors."""
        return constructor.from_checkpoint(self)


def variant(
    checkpoint: Checkpoint, *, reference: str | None = None, scale: str | None = None, name: str | None = None
) -> CheckpointSpec:
    """The variant that a checkpoint's network was built from, at its scale.

    Args:
        checkpoint: The file.
        reference: What the user typed, where that is not the path.
        scale: The scale that is asked for: its own is the only one.
        name: What to call it; by default as the YAML was called that it was made from.

    Raises:
        CheckpointError: Where the file has no YAML, or another scale.
        VariantError: Where its YAML is no variant. Lines are those of :func:`yaml_text_of`.
    """
    if checkpoint.yaml is None:
        raise CheckpointError("the file has no YAML of its network", path=checkpoint.path)
    own = _own_scale(checkpoint.yaml)
    if scale is not None and scale != own:
        raise CheckpointError(
            f"no scale {scale!r}: the weights are those of {f'scale {own}' if own else 'a network without scales'}",
            path=checkpoint.path,
            hint="leave out --scale, or name a YAML",
        )
    file = checkpoint.yaml.get("yaml_file")
    made_from = PurePath(file.replace("\\", "/")).stem if isinstance(file, str) and file else None
    document = {key: value for key, value in checkpoint.yaml.items() if key not in _OF_THE_RUN}
    spec = yaml_file.load(
        checkpoint.path,
        scale=own,
        reference=reference,
        name=made_from,
        data=yaml_text_of(document).encode(),
        strict=False,
    )
    channels = checkpoint.yaml.get("channels", checkpoint.yaml.get("ch"))
    fields = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    fields["name"] = name or spec.name
    fields["scales"] = {own: spec.scales[own]} if own else {}
    if own is None:
        fields["scale"] = None
    return CheckpointSpec(
        **fields,
        checkpoint=checkpoint,
        channels=channels if isinstance(channels, int) and channels > 0 else _CHANNELS,
    )


def _own_scale(yaml: dict[str, Any]) -> str | None:
    """The scale that a network was built at; None where its YAML has no scales."""
    scales = yaml.get("scales")
    if not isinstance(scales, dict) or not scales:
        return None
    # Of a file whose name has no letter of a scale, Ultralytics builds the first, and saves an empty text as the scale.
    own = yaml.get("scale") or next(iter(scales))
    return own if isinstance(own, str) and own in scales else None


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
