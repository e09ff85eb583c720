"""An ONNX file as a module, so that it is timed like any model; it computes what ONNX Runtime does unoptimised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.built import Built
from archprof.errors import RunError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from archprof.records.profile import Profile
    from archprof.sources.spec import Spec

REFERENCE = "those of ONNX Runtime without its optimisations"
"""What outputs of a file are held to."""

_TYPES = {
    "float": torch.float32,
    "float16": torch.float16,
    "double": torch.float64,
    "int64": torch.int64,
    "int32": torch.int32,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
}


class GraphFile(torch.nn.Module):
    """A file that backends load as it is.

    Attributes:
        path: The file, with its weights in it or beside it.

    Raises:
        RunError: Where ONNX Runtime cannot load it.
    """

    def __init__(self, path: Path) -> None:
        import onnxruntime

        super().__init__()
        self.path = path
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # it raises a class of its own for each kind of failure
            raise RunError(f"ONNX Runtime cannot load it: {in_one_line(error)}", path=path) from None

    def inputs(self, shapes: Sequence[Sequence[int]]) -> tuple[Tensor, ...]:
        """What it is run on: floating-point numbers in [0, 1), the same every time, and ones of any other type.

        Raises:
            RunError: Where an input of it is no tensor of numbers.
        """
        generator = torch.Generator().manual_seed(0)
        tensors = []
        for argument, shape in zip(self._session.get_inputs(), shapes, strict=True):
            dtype = _TYPES.get(argument.type.removeprefix("tensor(").removesuffix(")"))
            if dtype is None:
                raise RunError(f"its input {argument.name!r} is a {argument.type}", path=self.path)
            floating = dtype.is_floating_point
            tensors.append(
                torch.rand(*shape, generator=generator).to(dtype) if floating else torch.ones(*shape, dtype=dtype)
            )
        return tuple(tensors)

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        """Run the file."""
        names = [argument.name for argument in self._session.get_inputs()]
        results: list[Any] = self._session.run(
            None, dict(zip(names, (tensor.numpy() for tensor in inputs), strict=True))
        )
        return [torch.as_tensor(result) for result in results]


def prepare(spec: Spec, profile: Profile) -> tuple[Built, tuple[Tensor, ...]]:
    """A file to be timed, and what it is run on.

    Args:
        spec: The file.
        profile: What it was counted to cost, at the shapes that it is run on.

    Raises:
        RunError: Where ONNX Runtime cannot load it.
    """
    assert spec.path is not None
    module = GraphFile(spec.path)
    return Built(module=module, spec=spec, kind=profile.input.kind), module.inputs(profile.input.shapes)
