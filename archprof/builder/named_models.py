"""Builds models that are not YAMLs: timm's, torchvision's, and what a user's own function returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from archprof.builder.built import Built
from archprof.builder.device import find_device
from archprof.builder.limits import limits
from archprof.builder.meta import keeping_values, on_meta
from archprof.errors import BuildError
from archprof.sources.usercode import framed
from archprof.trace.recorder import DataDependentError
from archprof.units import with_article

if TYPE_CHECKING:
    from archprof.sources.spec import Recipe, RecipeSpec


def build_named(
    spec: RecipeSpec, *, channels: int = 3, device: str = "meta", size: tuple[int, ...] | None = None
) -> Built:
    """Build a model that is not a YAML, in eval mode.

    Its weights are the same each time, and the caller's random state is left alone. It is built without memory
    where its constructor allows; a constructor that reads the values of tensors is given those of small ones,
    and failing that is run for real, which ``remarks`` then say.

    Args:
        spec: Which model.
        channels: Channels of the input image, unless the model says itself.
        device: "meta", or where the weights are to be.
        size: The image's (height, width) or (side,), for models that are made for one size.

    Raises:
        UnknownReferenceError: Where there is no such model; with the nearest names.
        BuildError: Where it cannot be built; with the user's own traceback where it is their code.
        UsageError: Where it takes no such image.
        DeviceError: Where there is no such device.
        DataDependentError: Where it cannot be without values, and is to be.
    """
    where = find_device(device)
    remarks: tuple[str, ...] = ()
    with torch.random.fork_rng(devices=[]):
        recipe = spec.recipe(channels, size)
        module = _without_memory(spec, recipe)
        if module is None:
            remarks = (f"{spec.reference} reads values while it is made, so it was built in memory",)
        if module is None or where.type != "meta":
            module = _make(spec, recipe)
    if where.type == "meta" and any(type(weight) is torch.Tensor for weight in module.parameters()):
        # Of a TorchScript file that was loaded; torch cannot exchange them.
        raise DataDependentError(f"{spec.reference} has weights that cannot be without values")
    module.to(where)  # on meta too: what kept its values while the constructor ran needs them no longer
    module.eval()
    shape = recipe.shape(module)
    return Built(
        module=module,
        spec=spec,
        task=recipe.task,
        kind="image" if len(shape) > 1 else "tokens",
        channels=shape[0] if len(shape) > 1 else channels,
        size=shape[1:] if len(shape) > 1 else shape,
        inputs=recipe.inputs,
        remarks=remarks,
    )


def _without_memory(spec: RecipeSpec, recipe: Recipe) -> nn.Module | None:
    """The model without memory, or None where its constructor reads values that it then has not."""
    for context in (keeping_values, on_meta):
        try:
            with limits(), context():
                return _make(spec, recipe)
        except BuildError as error:
            if not _wants_values(error.__cause__):
                raise
    return None


def _make(spec: RecipeSpec, recipe: Recipe) -> nn.Module:
    """The model, with the same weights each time."""
    torch.manual_seed(0)
    with framed(spec.reference, recipe.code, BuildError):
        module = recipe.make()
    if not isinstance(module, nn.Module):
        raise BuildError(f"{spec.reference} returned {with_article(type(module).__name__)}, not a torch.nn.Module")
    return module


def _wants_values(error: BaseException | None) -> bool:
    """Whether this was raised because a tensor has no memory. Torch has many such errors, and all name meta."""
    return isinstance(error, (NotImplementedError, RuntimeError, TypeError)) and "meta" in str(error).lower()
