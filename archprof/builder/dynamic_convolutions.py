"""The key ``dynamic_convolutions:`` of a YAML: convolutions by path, and how many experts each has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import nn

from archprof.builder.dialect import PLAIN_CONVOLUTIONS
from archprof.builder.mixed_convolution import replace_convolutions
from archprof.errors import BuildError, did_you_mean
from archprof.sources.settings import DYNAMIC_CONVOLUTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.builder.built import Built
    from archprof.sources.spec import VariantSpec


def with_dynamic_convolutions(built: Built, spec: VariantSpec) -> Built:
    """The model with the convolutions dynamic that the YAML names, changed in place.

    Raises:
        BuildError: Where a path is no plain convolution's, with the key's line and the nearest path.
    """
    experts: Mapping[str, int] = spec.values.get(DYNAMIC_CONVOLUTIONS) or {}
    if not experts:
        return built
    make_dynamic(built.module, experts, spec)
    return replace(built, remarks=(*built.remarks, PLAIN_CONVOLUTIONS))


def make_dynamic(module: nn.Module, experts: Mapping[str, int], spec: VariantSpec | None = None) -> None:
    """Replace convolutions of a model, whose new weights are the same each time.

    Raises:
        BuildError: Where a path is no plain convolution's, with the nearest path.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            replace_convolutions(module, experts)
        except ValueError as error:
            plain = [path for path, part in module.named_modules() if type(part) is nn.Conv2d]
            unknown = next((path for path in experts if path not in plain), "")
            raise BuildError(
                f"{DYNAMIC_CONVOLUTIONS}: {error}",
                path=spec.path if spec else None,
                line=spec.value_lines.get(DYNAMIC_CONVOLUTIONS) if spec else None,
                hint=did_you_mean(unknown, plain) or f"the model has {len(plain)} plain convolutions",
            ) from None
