"""What a counter is, and what it answers: another tool's opinion on the same model."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import io
import re
import warnings
from abc import ABC, abstractmethod
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib import metadata
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import torch
    from torch import nn

Family = Literal["convolution", "product"]
Covers = Literal["convolution", "product", "module"]

_PRODUCT = re.compile(r"(mm|mv|dot|matmul|linear|einsum|attention\w*|lstm\w*|gru\w*|rnn\w*)$")


def family(operation: str) -> Family | None:
    """Which multiply-accumulates an operation does, by its name in torch or in a tool; None for any other work."""
    plain = re.split(r"[.:]", operation)[-1].strip("_")
    if "conv" in plain:
        return "convolution"
    return "product" if _PRODUCT.search(plain) else None


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a counter's total.

    Attributes:
        module: The path of the module that it belongs to; empty for the model itself.
        operation: What the tool calls it.
        macs: How much of the total it is.
        covers: Which multiply-accumulates of that module it is a count of: its convolutions, its matrix products,
            or all ("module"); None where it counts anything else.
    """

    module: str
    operation: str
    macs: int
    covers: Covers | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool said.

    Attributes:
        value: The number that it gives.
        macs: The same in multiply-accumulates.
        items: Gives the parts of it, where the tool tells them; called when the clock has stopped.
    """

    value: float
    macs: int
    items: Callable[[], Iterable[Item]] = tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterResult:
    """What came of running a counter.

    Attributes:
        name: The counter.
        version: The version of the tool; None where it is not installed.
        unit: The unit as the tool uses it.
        value: What it gives, in that unit; None where it gave nothing.
        macs: The same in multiply-accumulates.
        seconds: How long it took, not counting what it loads when it is first used.
        items: The parts of ``macs``, where the tool tells them.
        per_image: Whether it looks at one image whatever the batch.
        warnings: What it warned of, each text once.
        error: Why it gave nothing.
    """

    name: str
    version: str | None
    unit: str
    value: float | None = None
    macs: int | None = None
    seconds: float | None = None
    items: tuple[Item, ...] = ()
    per_image: bool = False
    warnings: tuple[str, ...] = ()
    error: str | None = None


class Counter(ABC):
    """A third-party tool that counts.

    Attributes:
        name: What it is called here.
        distribution: What installs it.
        package: What is imported.
        unit: What it gives.
        per_image: Whether it looks at one image whatever the batch.
        rest: Why its parts may not add up to its total.
    """

    name: ClassVar[str]
    distribution: ClassVar[str]
    package: ClassVar[str]
    unit: ClassVar[str]
    per_image: ClassVar[bool] = False
    rest: ClassVar[str] = "the tool does not say where"

    @abstractmethod
    def count(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> Answer:
        """Ask the tool. The model is a copy that nobody else needs; whatever the tool raises may pass."""

    @property
    def version(self) -> str | None:
        """The version that is installed, if any is."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None

    def absent(self) -> str | None:
        """What to type where the tool is not installed."""
        if self.version and importlib.util.find_spec(self.package.partition(".")[0]):
            return None
        return f"not installed: pip install {self.distribution}"

    def load(self) -> None:
        """Import the tool."""
        importlib.import_module(self.package)

    def run(self, model: nn.Module, inputs: tuple[torch.Tensor, ...]) -> CounterResult:
        """Ask the tool about a copy of the model; a failure of its is a result too.

        Args:
            model: The model, in eval mode, with values unless the tool can do without; it is left as it is.
            inputs: The positional arguments of its forward.
        """
        import torch

        from archprof.counters.probe import probe_case

        given: dict[str, Any] = {"name": self.name, "version": self.version, "unit": self.unit}
        given["per_image"] = self.per_image
        if absent := self.absent():
            return CounterResult(**given, error=absent)
        with (
            warnings.catch_warnings(record=True) as caught,
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            torch.no_grad(),
        ):
            warnings.simplefilter("always")
            try:
                self.load()
                with suppress(Exception, SystemExit):
                    self.count(*probe_case())  # what it loads when it is first used is not its time
                copied = copy.deepcopy(model)
                start = perf_counter()
                answer = self.count(copied, inputs)
                given["seconds"] = perf_counter() - start
                given |= {"value": answer.value, "macs": answer.macs, "items": tuple(answer.items())}
            except (Exception, SystemExit) as error:
                given |= {"error": described(error)}
        return CounterResult(**given, warnings=tuple(dict.fromkeys(str(warning.message) for warning in caught)))


def described(error: BaseException) -> str:
    """An exception in one line."""
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
