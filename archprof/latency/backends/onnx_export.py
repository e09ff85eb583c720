"""A model as ONNX, for the backends that read it: by whichever of torch's two exporters gives the model's own outputs.

Neither takes every model. The one that traces with TorchScript is many times as fast and older: it has no ``.mT``, no
antialiased and no nearest-exact resizing, and no unfolding of what was padded. The one on top of ``torch.export`` has
these, and refuses what ``torch.export`` does. So both are tried, the fast one first.
"""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import torch

from archprof.errors import RunError
from archprof.latency.agreement import agreement, disagreement, dtype_of, rounding_changes
from archprof.latency.backends.interface import Flat, leaves
from archprof.latency.graph_file import GraphFile
from archprof.latency.output_capture import output_logged
from archprof.latency.parting import parting

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Inputs = tuple[Tensor, ...]
    Exporter = Callable[[Flat, Inputs], bytes]


_REASON = 200
"""Characters of what an exporter raises that are shown; some name every module on the way."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """Runs an ONNX file once; ``exporter`` is what made it here, one of :data:`EXPORTERS`; None if it was there."""

    run: Callable[[], Any]
    exporter: str | None

    def __call__(self) -> Any:
        """The outputs of the model."""
        return self.run()


def run_exported(
    module: torch.nn.Module, inputs: Inputs, load: Callable[[bytes | str], Callable[[], Any]]
) -> ExportedModel:
    """Export a model for these very shapes, and load the first file that gives the outputs of eager PyTorch.

    What exporters print is logged as a warning.

    Args:
        module: The model, in eval mode.
        inputs: What it is run on; in the file they are named input0, input1 ...
        load: Makes of an ONNX file's bytes, or its path, what runs it once on these inputs.

    Raises:
        RunError: Where no exporter gives such a file; it has the reason of each.
    """
    if isinstance(module, GraphFile):
        return ExportedModel(load(str(module.path)), None)
    flat = Flat(module)
    with torch.no_grad():
        # Anchors and other tensors that a model makes once are there before it is exported.
        expected = [tensor.clone() for tensor in flat(*inputs)]
    reasons = {}
    for name, export in EXPORTERS.items():
        try:
            with warnings.catch_warnings(), torch.no_grad(), output_logged(f"torch's {name} exporter to ONNX"):
                warnings.simplefilter("ignore")
                content = export(flat, inputs)
                run = load(content)
                outputs = leaves(run())
        except Exception as error:  # an exporter or a runtime raises what it likes
            first, *_ = str(error).strip().splitlines() or ["no message"]
            reasons[name] = shorten(f"{type(error).__name__}: {first}", _REASON, placeholder=" ...")
            continue
        difference = agreement(expected, outputs, dtype_of((*inputs, *flat.parameters())))
        if difference.holds or (difference.relative is not None and rounding_changes(flat, inputs, expected)):
            return ExportedModel(run, name)
        reasons[name] = disagreement(difference)
        if node := _parting(flat, inputs, content):
            reasons[name] += f"; {node}"
    raise RunError(
        "no ONNX export of it runs and agrees with eager PyTorch: "
        + "; ".join(f"by the exporter {name}: {reason}" for name, reason in reasons.items())
    )


def _parting(flat: Flat, inputs: Inputs, content: bytes) -> str | None:
    """Where the file and the model part; None where that cannot be found."""
    try:
        with output_logged("ONNX Runtime"):
            return parting(flat, inputs, content, dtype_of((*inputs, *flat.parameters())))
    except Exception:  # a remark that fails takes nothing with it; the runtime raises what it likes
        return None


def _trace(flat: Flat, inputs: Inputs) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        torch.onnx.export(flat, inputs, file, input_names=_names(inputs), dynamo=False)
        return file.read_bytes()


def _torch_export(flat: Flat, inputs: Inputs) -> bytes:
    if find_spec("onnxscript") is None:
        raise RunError("it needs onnxscript, which is not installed: python -m pip install onnxscript")
    program = torch.onnx.export(flat, inputs, input_names=_names(inputs), dynamo=True, verbose=False)
    assert program is not None
    content: bytes = program.model_proto.SerializeToString()
    return content


def _names(inputs: Inputs) -> list[str]:
    return [f"input{index}" for index in range(len(inputs))]


EXPORTERS: dict[str, Exporter] = {"torchscript": _trace, "dynamo": _torch_export}
"""torch's exporters in the order in which they are tried; ``torch.onnx.export(dynamo=False)`` is the first."""
