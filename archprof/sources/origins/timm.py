"""A model of timm, never pretrained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.records.conventions import UNASKED
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

MODELS = "timm.models"
"""The package that its models are in."""

SIDE = 224
"""Side of the image for a model that does not say what it takes."""


class Timm(Origin):
    """``timm:resnet50``."""

    order = 10
    form = "timm:NAME"

    def names(self, folder: Path) -> Mapping[str, str]:
        """Every model that timm's files register."""
        return {name: f"timm:{name}" for name in registered(MODELS)}

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

    @property
    def reporters(self) -> tuple[str, ...]:
        """Also fvcore, by which timm's own tables are made."""
        return (*UNASKED, "fvcore")

    def missing(self) -> ArchprofError | None:
        """The error of a name that stands nowhere in timm's files."""
        architecture = self.target.partition(".")[0]  # what follows is the tag of weights
        return unknown_model(self, registered(MODELS)) if is_absent(architecture, MODELS) else None

    def recipe(self, channels: int, size: tuple[int, ...] | None = None) -> Recipe:
        """How timm makes it."""
        import timm

        # An exact name, so that no text (hf-hub:...) can send timm to the network.
        if not timm.is_model(self.target):
            raise unknown_model(self, timm.list_models())
        arguments = {"in_chans": channels, **as_keywords(self.settings)}
        config = timm.get_pretrained_cfg(self.target)
        fixed = config is not None and config.fixed_input_size
        sized = {"img_size": (2 * size)[:2]} if size and fixed else {}

        def make() -> Any:
            try:
                return timm.create_model(self.target, pretrained=False, **{**sized, **arguments})
            except TypeError as error:  # of one size, and no argument changes it
                if not sized or "img_size" not in str(error):
                    raise
                return timm.create_model(self.target, pretrained=False, **arguments)

        return Recipe(
            make, lambda model: (channels, *model.pretrained_cfg.get("input_size", (3, SIDE, SIDE))[1:]), "classify"
        )


ORIGINS.register("timm", Timm())
