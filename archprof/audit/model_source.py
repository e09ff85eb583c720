"""A spec as something that another process can make its model from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

    from archprof.builder.options import Options
    from archprof.sources.spec import Spec


@dataclass(frozen=True, slots=True)
class ProgramSource:
    """Builds an exported program with the values of the file, on the CPU.

    Attributes:
        spec: The file.
        options: The size of its inputs.
    """

    spec: Spec
    options: Options

    def __call__(self) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
        """What runs the program, and what it is run on."""
        from archprof.pipeline.graph_formats.pt2 import load

        program = load(self.spec, self.options, "cpu")
        return program.module, program.inputs


@dataclass(frozen=True, slots=True)
class SpecSource:
    """Builds a spec as counters want it: with values, on the CPU unless another device is asked for.

    Attributes:
        spec: What to build.
        options: How to build and feed it.
        plugins: The user's files or modules that register its blocks.
    """

    spec: Spec
    options: Options
    plugins: tuple[str, ...] = ()

    def __call__(self) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
        """The model and its inputs."""
        from archprof.builder.plugins import load_plugins
        from archprof.pipeline.counting import prepare

        load_plugins(self.plugins)
        device = "cpu" if self.options.device == "auto" else self.options.device
        built, inputs = prepare(self.spec, replace(self.options, device=device))
        return built.module, inputs
