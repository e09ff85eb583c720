"""A reference that was read -> the model that it means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from archprof.builder.device import find_device
from archprof.builder.dialect import CHANNELS, default_channels
from archprof.builder.dynamic_convolutions import with_dynamic_convolutions
from archprof.builder.given_inputs import image_of, with_inputs
from archprof.builder.graph import build_graph
from archprof.builder.meta import on_meta
from archprof.builder.network import assemble
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.errors import UnknownReferenceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.builder.built import Built
    from archprof.builder.input_spec import InputSpec
    from archprof.sources.checkpoint.variant import CheckpointSpec
    from archprof.sources.spec import RecipeSpec, Spec, VariantSpec


def build(
    spec: Spec,
    *,
    channels: int | None = None,
    device: str = "meta",
    fuse: bool = False,
    size: tuple[int, ...] | None = None,
    inputs: Sequence[InputSpec] = (),
) -> Built:
    """Build a model, in eval mode.

    Args:
        spec: What to build.
        channels: Channels of the input image, 3 by default; as in Ultralytics, a YAML does not say it.
        device: "meta" for a model without memory, else where its freshly initialised weights are to be.
        fuse: Whether to fold it as for deployment.
        size: The (height, width) or (side,) that it will be run at, where another than its own: some models are made
            for one size, and an error names the shapes at that size.
        inputs: What it will be run on, where that was asked for input by input; an image among them says its channels
            and size.

    Raises:
        BuildError: Where it cannot be built; the message names the row.
        PluginError: Where the variant's family cannot be loaded.
        UnknownReferenceError: Where there is no such family, or no such model.
        DeviceError: Where there is no such device.
        UsageError: Where it takes no such inputs.
    """
    find_device(device)
    image_channels, image_size = image_of(inputs)
    import_ultralytics()
    built = spec.build(_Builder(channels or image_channels, device, size or image_size))
    if inputs:
        built = with_inputs(built, inputs)
    if fuse:
        from archprof.builder.fuse import fuse as fused

        built = fused(built)
    return built


@dataclass(frozen=True, slots=True)
class _Builder:
    """Builds a spec in the way that it asks for."""

    channels: int | None
    device: str
    size: tuple[int, ...] | None

    def from_rows(self, spec: VariantSpec) -> Built:
        """Build a variant, once the blocks of its family are there."""
        from archprof.builder.plugins import load_family

        try:
            load_family(spec.family)
        except UnknownReferenceError as error:
            error.path, error.line = spec.path, spec.value_lines.get("family")
            raise
        return build_variant(spec, channels=self.channels or default_channels(spec), device=self.device, size=self.size)

    def from_checkpoint(self, spec: CheckpointSpec) -> Built:
        """Build a variant, and give it what the checkpoint's tensors say."""
        from archprof.builder.from_checkpoint import fitted

        return fitted(replace(self, channels=self.channels or spec.channels).from_rows(spec), spec.checkpoint)

    def from_recipe(self, spec: RecipeSpec) -> Built:
        """Build a model that some code makes."""
        from archprof.builder.named_models import build_named

        return build_named(spec, channels=self.channels or CHANNELS, device=self.device, size=self.size)


def build_variant(spec: VariantSpec, *, channels: int, device: str, size: tuple[int, ...] | None = None) -> Built:
    """Build a YAML variant.

    The weights are the same each time, and the caller's random state is left alone.
    """
    with on_meta():
        graph = build_graph(spec, channels)
    if device == "meta":
        return with_dynamic_convolutions(assemble(spec, graph, channels, size), spec)
    # Only now that it is known not to be larger than the machine.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        built = with_dynamic_convolutions(assemble(spec, build_graph(spec, channels), channels, size), spec)
    built.module.to(find_device(device))
    return built
