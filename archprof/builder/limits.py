"""Refuses what could never be run before it eats the machine.

A model is built without memory first, so that a block of 10**12 parameters costs nothing and is only counted; what
does cost is the number of modules.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from archprof.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

MAX_ROWS = 10_000
MAX_REPEATS = 10_000
MAX_MODULES_OF_ROWS = 6_000
"""Of a YAML, which may be a stranger's: about four seconds. The largest that is published has fewer than 2,000."""
MAX_MODULES = 30_000
MAX_CLASSES = 1_000_000
"""Each has a name."""
MAX_PARAMETERS = 500_000_000_000


class Tally:
    """What was registered in modules: modules, and elements of parameters."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.modules = self.parameters = 0

    def add(self, modules: int, parameters: int) -> None:
        """Count more of them.

        Raises:
            BuildError: Where they are too many.
        """
        self.modules += modules
        self.parameters += parameters
        if self.modules > self.limit:
            raise BuildError(f"the model has more than {self.limit:,} modules")
        if self.parameters > MAX_PARAMETERS:
            raise BuildError(f"the model has more than {MAX_PARAMETERS:,} parameters")


@contextmanager
def limits(most: int = MAX_MODULES) -> Iterator[Tally]:
    """While it holds, a module or a parameter over the limits raises a BuildError in whoever registers it.

    Args:
        most: How many modules are allowed.

    Yields:
        What was registered so far.
    """
    from torch.nn.modules.module import (
        register_module_module_registration_hook,
        register_module_parameter_registration_hook,
    )

    tally = Tally(most)

    def count_module(parent: nn.Module, name: str, child: nn.Module | None) -> None:
        tally.add(1, 0)

    def count_parameter(parent: nn.Module, name: str, parameter: nn.Parameter) -> None:
        tally.add(0, parameter.numel())

    hooks = (
        register_module_module_registration_hook(count_module),
        register_module_parameter_registration_hook(count_parameter),
    )
    try:
        yield tally
    finally:
        for hook in hooks:
            hook.remove()
