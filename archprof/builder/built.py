"""A model that was built, with what is known of it beyond the module itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

    from archprof.builder.input_spec import InputSpec
    from archprof.sources.spec import Spec


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """What one row built.

    ``path`` is its module's path in the model; ``arguments`` are the constructor's, and ``written`` are the row's four
    items as the file has them. ``light_head`` says whether it "gives" later detection heads their light class branch,
    or "takes" it.
    """

    index: int
    sources: tuple[int, ...]
    repeats: int
    module: str
    path: str
    arguments: tuple[Any, ...]
    line: int | None = None
    written: tuple[Any, ...] = ()
    light_head: Literal["gives", "takes"] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """The model, in eval mode, and how to feed it.

    Attributes:
        module: The model.
        spec: What it was built from.
        layers: One entry a row; empty for a model that is not a YAML.
        task: "detect", "classify", "language" ..., or None where nothing tells.
        kind: "image" for a float tensor (batch, channels, height, width), "tokens" for an integer tensor
            (batch, length), "tensors" for anything else.
        channels: Channels of the input image.
        size: The input's default (height, width), (frames, height, width) for a clip, or (length,) for tokens.
        inputs: How many inputs of that size it takes at once: two images for optical flow.
        given: What it is run on instead, where that was asked for input by input.
        strides: The strides of the head's inputs; an image's sides must be multiples of the largest.
        fused: Whether it was fused as for deployment.
        static: Whether it is a static equivalent: its dynamic layers were replaced with plain ones.
        remarks: What a reader of the figures should know of the building.
    """

    module: nn.Module
    spec: Spec
    layers: tuple[BuiltLayer, ...] = ()
    task: str | None = None
    kind: str = "image"
    channels: int = 3
    size: tuple[int, ...] = (640, 640)
    inputs: int = 1
    given: tuple[InputSpec, ...] = ()
    strides: tuple[int, ...] = ()
    fused: bool = False
    static: bool = False
    remarks: tuple[str, ...] = field(default_factory=tuple)
