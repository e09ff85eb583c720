"""What timm, torchvision and a user's own function need to make a model, and what each knows of its input."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from archprof.builder.usercode import import_code, importable, root_of
from archprof.errors import BuildError, UnknownReferenceError, UsageError, did_you_mean, nearest
from archprof.sources.settings import is_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from archprof.sources.spec import ModelSpec

SIDE = 640
"""Side of the image for a model that does not say what it takes."""

CLASSIFIER_SIDE = 224
"""The same for a classifier."""

FLOW_SIZE = (512, 512)
"""Height and width of the two images for a model of optical flow: those that torchvision's own figures are of."""

FRAMES = 16
"""Frames of the clip for a video model that does not ask for more."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one model.

    Attributes:
        make: Makes it, on whatever device new tensors go to.
        shape: The shape of one input, without the batch, of the model that was made: (channels, height, width),
            (channels, frames, height, width) for a clip, (length,) for tokens.
        task: What it is for, where that is known.
        inputs: How many inputs of that shape it takes at once.
        code: The file or folder whose lines a traceback shows, where the user wrote what makes it.
    """

    make: Callable[[], Any]
    shape: Callable[[Any], tuple[int, ...]]
    task: str | None = None
    inputs: int = 1
    code: Path | None = None


def timm_recipe(spec: ModelSpec, channels: int) -> Recipe:
    """A model of timm, never pretrained; ``nc`` is its ``num_classes``, other settings go to its constructor."""
    import timm

    # An exact name, so that no text (hf-hub:...) can send timm to the network.
    if not timm.is_model(spec.target):
        raise _unknown(spec, timm.list_models())
    return Recipe(
        lambda: timm.create_model(spec.target, pretrained=False, in_chans=channels, **_arguments(spec)),
        lambda model: (channels, *model.pretrained_cfg.get("input_size", (3, CLASSIFIER_SIDE, CLASSIFIER_SIDE))[1:]),
        "classify",
    )


def torchvision_recipe(spec: ModelSpec, channels: int) -> Recipe:
    """A model of torchvision, without weights; settings as for timm."""
    from torchvision import models

    if spec.target not in models.list_models():
        raise _unknown(spec, models.list_models())
    if channels != 3:
        raise UsageError(f"{spec.reference} takes images of 3 channels, not {channels}")
    module = models.get_model_builder(spec.target).__module__
    kind = next((kind for kind in _TORCHVISION if f".{kind}." in module), "classification")
    task, arguments = _TORCHVISION[kind]

    def make() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on how weights are initialised
            return models.get_model(spec.target, weights=None, **arguments, **_arguments(spec))

    def shape(model: Any) -> tuple[int, ...]:
        if kind == "detection":
            return (channels, *(model.transform.fixed_size or 2 * model.transform.min_size[-1:]))
        if kind == "optical_flow":
            return (channels, *FLOW_SIZE)
        if side := getattr(model, "image_size", None):
            return (channels, side, side)
        weights = models.get_model_weights(spec.target).DEFAULT
        preset = weights.transforms()
        side = getattr(preset, "crop_size", preset.resize_size)
        frames = (max(FRAMES, weights.meta.get("min_temporal_size", 0)),) if kind == "video" else ()
        return (channels, *frames, *(2 * side)[-2:])

    return Recipe(make, shape, task, inputs=2 if kind == "optical_flow" else 1)


def python_recipe(spec: ModelSpec, channels: int) -> Recipe:
    """What the user's function returns; settings are its keyword arguments.

    The model may say what it takes in an attribute ``input_size``: a side, (height, width), (channels, height,
    width), or (length,) for a model of tokens.
    """
    place, _, path = spec.target.rpartition(":")
    try:
        module = import_code(place, BuildError)
    except BuildError as error:  # tim:resnet50 reads as a function of a module
        if near := nearest(place, ORIGINS, 1):
            error.hint = error.hint or f"did you mean {near[0]}:{path}?"
        raise
    factory: Any = module
    for name in path.split("."):
        if not hasattr(factory, name):
            functions = [key for key, value in vars(factory).items() if callable(value)]
            raise UnknownReferenceError(f"{place} has no {name!r}", hint=did_you_mean(name, functions))
        factory = getattr(factory, name)
    if not callable(factory) or isinstance(factory, nn.Module):
        kind = type(factory).__name__
        raise BuildError(f"{spec.target} must be a function that returns a torch.nn.Module; it is a {kind}")
    root = root_of(module.__spec__) if module.__spec__ else None

    def make() -> Any:
        with importable(root.parent) if root else nullcontext():
            return factory(**spec.settings)

    def shape(model: Any) -> tuple[int, ...]:
        size = getattr(model, "input_size", None)
        if size is None:
            return (channels, SIDE, SIDE)
        sides = (size, size) if isinstance(size, int) else size
        if not isinstance(sides, (tuple, list)) or not 1 <= len(sides) <= 4 or not all(map(is_count, sides)):
            raise BuildError(f"{spec.target}: input_size must be 1 to 4 whole numbers, not {size!r}")
        return (channels, *sides) if len(sides) == 2 else tuple(sides)

    return Recipe(make, shape, code=root)


ORIGINS: Mapping[str, Callable[[ModelSpec, int], Recipe]] = {
    "timm": timm_recipe,
    "torchvision": torchvision_recipe,
    "python": python_recipe,
}
"""What makes the models of each origin."""

_TORCHVISION: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "segmentation": ("semantic", {"weights_backbone": None}),
    "detection": ("detect", {"weights_backbone": None}),
    "video": ("classify", {}),
    "optical_flow": ("flow", {}),
    "classification": ("classify", {}),
}
"""Kinds of torchvision models, by the package they are in: the task, and what their constructors need."""


def _arguments(spec: ModelSpec) -> dict[str, Any]:
    """A spec's settings as arguments of a constructor that calls the number of classes ``num_classes``."""
    return {"num_classes" if key == "nc" else key: value for key, value in spec.settings.items()}


def _unknown(spec: ModelSpec, names: Iterable[str]) -> UnknownReferenceError:
    near = [f"{spec.origin}:{name}" for name in nearest(spec.target, names)]
    hint = f"did you mean {' or '.join(near)}?" if near else None
    return UnknownReferenceError(f"{spec.origin} has no model {spec.target!r}", hint=hint)
