"""PyTorch as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.latency.backends import BACKENDS
from archprof.latency.backends.interface import Backend, Settings, forward, laid_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class Eager(Backend):
    """Each operation runs when Python reaches it."""

    name = "eager"
    graphs = True

    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """The module's own call, or a recorded graph of what it puts into a card's queue."""
        run = forward(module, laid_out(module, inputs, settings), settings)
        return recorded(run, inputs[0].device) if settings.cuda_graph else run


def recorded(run: Callable[[], Any], device: torch.device) -> Callable[[], Any]:
    """Record what a call puts into a card's queue, and give what replays it.

    The calls before the recording are on a stream of their own, as
    https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs asks for. The recording is on the same one: torch
    keeps one stream for all recordings, which is another card's where that was the first to record.
    """
    with torch.cuda.device(device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=side):
            outputs = run()

    def replay() -> Any:
        graph.replay()
        return outputs

    return replay


BACKENDS.register(Eager.name, Eager())
