"""A model of torchvision, without weights."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError
from archprof.sources.model_names import is_absent, registered, unknown_model
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.settings import as_keywords
from archprof.sources.spec import Recipe, RecipeSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archprof.errors import ArchprofError
    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec

MODELS = "torchvision.models"
"""The package that its models are in."""

FLOW_SIZE = (512, 512)
"""Height and width of the two images for a model of optical flow: those that torchvision's own figures are of."""

FRAMES = 16
"""Frames of the clip for a video model that does not ask for more."""

KINDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "segmentation": ("semantic", {"weights_backbone": None}),
    "detection": ("detect", {"weights_backbone": None}),
    "video": ("classify", {}),
    "optical_flow": ("flow", {}),
    "classification": ("classify", {}),
}
"""Kinds of torchvision models, by the package they are in: the task, and what their constructors need."""


class Torchvision(Origin):
    """``torchvision:resnet50``."""

    order = 20
    form = "torchvision:NAME"

    def names(self, folder: Path) -> Mapping[str, str]:
        """Every model that torchvision's files register."""
        return {name: f"torchvision:{name}" for name in registered(MODELS)}

    def find(self, query: Query) -> Spec | None:
        """Whatever stands behind ``torchvision:``; whether there is such a model, only torchvision knows."""
        origin, _, target = query.text.partition(":")
        if origin != "torchvision" or not target:
            return None
        return TorchvisionSpec(name=target, reference=query.text, target=target)


class TorchvisionSpec(RecipeSpec):
    """One of torchvision's models; ``nc`` is its ``num_classes``, other settings go to its constructor."""

    origin = "torchvision"
    trusted = True

    def missing(self) -> ArchprofError | None:
        """The error of a name that stands nowhere in torchvision's files."""
        return unknown_model(self, registered(MODELS)) if is_absent(self.target, MODELS) else None

    def recipe(self, channels: int, size: tuple[int, ...] | None = None) -> Recipe:
        """How torchvision makes it."""
        from torchvision import models

        if self.target not in models.list_models():
            raise unknown_model(self, models.list_models())
        if channels != 3:
            raise UsageError(f"{self.reference} takes images of 3 channels, not {channels}")
        module = models.get_model_builder(self.target).__module__
        kind = next((kind for kind in KINDS if f".{kind}." in module), "classification")
        task, needed = KINDS[kind]
        arguments = {**needed, **as_keywords(self.settings)}

        def make() -> Any:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # advice on how weights are initialised
                return models.get_model(self.target, weights=None, **arguments)

        def shape(model: Any) -> tuple[int, ...]:
            if kind == "detection":
                return (channels, *(model.transform.fixed_size or 2 * model.transform.min_size[-1:]))
            if kind == "optical_flow":
                return (channels, *FLOW_SIZE)
            if side := getattr(model, "image_size", None):
                return (channels, side, side)
            weights = models.get_model_weights(self.target).DEFAULT
            preset = weights.transforms()
            side = getattr(preset, "crop_size", preset.resize_size)
            frames = (max(FRAMES, weights.meta.get("min_temporal_size", 0)),) if kind == "video" else ()
            return (channels, *frames, *(2 * side)[-2:])

        return Recipe(make, shape, task, inputs=2 if kind == "optical_flow" else 1)


ORIGINS.register("torchvision", Torchvision())
