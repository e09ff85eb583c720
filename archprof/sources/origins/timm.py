"""A model of timm, never pretrained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.sources.model_names import unknown_model
from archprof.sources.origin import Origin
from archprof.sources.settings import as_keywords
from archprof.sources.spec import Recipe, RecipeSpec

if TYPE_CHECKING:
    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec

SIDE = 224
"""Side of the image for a model that does not say what it takes."""


class Timm(Origin):
    """``timm:resnet50``."""

    order = 10
    form = "timm:NAME"

    def find(self, query: Query) -> Spec | None:
        """Whatever stands behind ``timm:``; whether there is such a model, only timm knows for certain."""
        origin, _, target = query.text.partition(":")
        if origin != "timm" or not target:
            return None
        return TimmSpec(name=target, reference=query.text, target=target)


class TimmSpec(RecipeSpec):
    """One of timm's models; ``nc`` is its ``num_classes``, other settings go to its constructor."""

    origin = "timm"
    trusted = True

    def recipe(self, channels: int) -> Recipe:
        """How timm makes it."""
        import timm

        # An exact name, so that no text (hf-hub:...) can send timm to the network.
        if not timm.is_model(self.target):
            raise unknown_model(self, timm.list_models())
        arguments = as_keywords(self.settings)
        return Recipe(
            lambda: timm.create_model(self.target, pretrained=False, in_chans=channels, **arguments),
            lambda model: (channels, *model.pretrained_cfg.get("input_size", (3, SIDE, SIDE))[1:]),
            "classify",
        )
