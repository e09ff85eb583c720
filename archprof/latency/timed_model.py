"""A model that is to be timed: counted already, and built with weights where it is to run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from archprof.builder.built import Built
    from archprof.builder.options import Options
    from archprof.records.profile import Profile

    Ready = tuple[Built, tuple[Tensor, ...]]


@dataclass(slots=True)
class TimedModel:
    """A model to be timed.

    Attributes:
        name: What it is called in print.
        options: How it is built; its device is that of where it is timed.
        profile: What it was counted to cost.
        build: Builds it with such options, and makes what it is run on.
        count_on: Counts it on a device: operations go by other names on some.
    """

    name: str
    options: Options
    profile: Profile
    build: Callable[[Options], Ready]
    count_on: Callable[[str], Profile]
    _ready: dict[str, Ready] = field(default_factory=dict, repr=False)

    def on(self, device: str) -> Ready:
        """The model with its weights on a device, and its inputs; built once for all backends there.

        Raises:
            ArchprofError: Where it cannot be built, or takes no such input.
        """
        if device not in self._ready:
            self._ready.clear()  # two devices' weights are never needed at once
            self._ready[device] = self.build(replace(self.options, device=device))
        return self._ready[device]

    def release(self) -> None:
        """Give the weights' memory back."""
        self._ready.clear()
