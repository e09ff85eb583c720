"""What a backend is: it takes a model and its inputs and gives what is to be timed."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a backend is to run a model.

    Attributes:
        threads: Threads to compute with; None leaves that to the backend.
        channels_last: Whether images and weights lie with the channels innermost.
        autocast: The type that torch casts to where that is safe: "bfloat16", "float16"; None for none.
        inference_mode: Whether it runs in torch's inference mode, else only without gradients.
        cuda_graph: Whether a graphics card's queue is recorded once and replayed.
    """

    threads: int | None = None
    channels_last: bool = False
    autocast: str | None = None
    inference_mode: bool = True
    cuda_graph: bool = False

    def wanted(self) -> list[str]:
        """What was asked for beyond the usual, in words."""
        return [
            *(["channels_last"] if self.channels_last else []),
            *([f"autocast {self.autocast}"] if self.autocast else []),
            *([] if self.inference_mode else ["no_grad"]),
            *(["CUDA graph"] if self.cuda_graph else []),
        ]


class Backend(ABC):
    """One way to run a model.

    Attributes:
        name: Its name on the command line.
        aliases: Other names that people have for it.
        packages: What it imports, and what to install for it.
        extra: The extra of archprof that installs it.
        devices: The kinds of devices that it runs on here.
        dtypes: The types of weights that it takes.
        tunable: Whether it takes what :class:`Settings` holds of torch's own.
        graphs: Whether it takes a CUDA graph.
        files: Whether it runs ONNX files.
    """

    name: str
    aliases: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    extra: str | None = None
    devices: tuple[str, ...] = ("cpu", "cuda")
    dtypes: tuple[str, ...] = ("float32", "float16", "bfloat16", "float64")
    tunable: bool = True
    graphs: bool = False
    files: bool = False

    def missing(self) -> list[str]:
        """Those of its packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]

    @abstractmethod
    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """Make what is timed: a function that runs the model once on those inputs and returns its outputs.

        Args:
            module: The model, in eval mode, on its device.
            inputs: What it is run on, on the same device.
            settings: How to run it.
        """

    def threads(self, settings: Settings) -> int | None:
        """How many threads it computes with, where it says so."""
        return torch.get_num_threads()


def forward(module: Callable[..., Any], inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
    """Run something of torch's on some inputs, without gradients, as the settings have it."""
    mode = torch.inference_mode if settings.inference_mode else torch.no_grad
    if settings.autocast is None:

        def run() -> Any:
            with mode():
                return module(*inputs)

        return run
    kind, dtype = inputs[0].device.type, getattr(torch, settings.autocast)

    def run_cast() -> Any:
        with mode(), torch.autocast(kind, dtype):
            return module(*inputs)

    return run_cast


def laid_out(module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> tuple[Tensor, ...]:
    """The inputs as they are to lie in memory; the module's weights are laid out likewise, in place."""
    if not settings.channels_last:
        return inputs
    module.to(memory_format=torch.channels_last)
    return tuple(tensor.to(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor for tensor in inputs)


def leaves(outputs: Any) -> list[Tensor]:
    """The tensors of a model's outputs, in order, however they are nested."""
    return [torch.as_tensor(leaf) for leaf in pytree.tree_leaves(outputs) if hasattr(leaf, "shape")]


class Flat(torch.nn.Module):
    """A model whose outputs are a flat tuple of tensors, which is what exporters take."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.eval()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the model."""
        return tuple(leaves(self.module(*inputs)))


@contextlib.contextmanager
def threads_of_torch(threads: int | None) -> Any:
    """While it holds torch computes with so many threads; None leaves them alone."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
