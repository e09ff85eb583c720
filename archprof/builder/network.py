"""A variant's modules -> the model object, of the class that Ultralytics would make.

The forward, the fusing and the naming of modules are wanted of those classes; their constructors, which parse the
YAML anew and run the network, are not. So an object is made without its constructor and given the attributes that
this would have set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.builder.built import Built
from archprof.builder.head_kinds import kind_of, run_in_training
from archprof.builder.options import SIDE, SIDES
from archprof.builder.row_errors import naming_rows
from archprof.errors import RunError
from archprof.sources.task import task_of

if TYPE_CHECKING:
    from archprof.builder.graph import Graph
    from archprof.sources.spec import VariantSpec


def assemble(spec: VariantSpec, graph: Graph, channels: int, size: tuple[int, ...] | None = None) -> Built:
    """The model of a variant's modules, in eval mode, on the device that they are on.

    Args:
        spec: The variant.
        graph: Its modules.
        channels: Channels of the input image.
        size: Its (height, width) or (side,), for the shapes that an error names; by default the task's own.

    Raises:
        RunError: Where the strides are to be found out and the network does not run.
    """
    from ultralytics.nn import tasks
    from ultralytics.utils.torch_utils import initialize_weights

    head: Any = graph.model[-1]
    kind = kind_of(head)
    network: Any = getattr(tasks, kind.network) if isinstance(kind.network, str) else kind.network
    model: Any = object.__new__(network)
    nn.Module.__init__(model)
    model.yaml = {**spec.values, "channels": channels, "scale": spec.scale, "yaml_file": str(spec.path)}
    model.model = graph.model
    model.save = graph.save
    model.inplace = head.inplace = spec.values.get("inplace", True)
    model.names = _names(spec.values.get("nc"))
    if kind.prepare:
        kind.prepare(model, spec)
    model.eval()
    for row in graph.model:
        forget_strides(row)
    strides: tuple[float, ...] = ()
    task = kind.task or task_of(spec)
    side = SIDES.get(task or "", SIDE)
    if kind.strides:
        try:
            with naming_rows(model, spec, graph.layers):
                strides = kind.strides(model, channels, graph.body)
        except RunError:
            with naming_rows(model, spec, graph.layers):  # the error has the shapes at the size that was asked for
                run_in_training(model, channels, (2 * size)[:2] if size else (side, side))
            raise
        model.stride = head.stride = torch.tensor(strides, device="cpu")
        if kind.has_biases and not _on_meta(model):
            head.bias_init()
        initialize_weights(model)
    sequence = spec.values.get("sequence")
    return Built(
        module=model,
        spec=spec,
        layers=graph.layers,
        task="language" if sequence and not task else task,
        kind="tokens" if sequence else "image",
        channels=channels,
        size=(sequence,) if sequence else (side, side),
        remarks=graph.remarks,
        strides=tuple(max(round(stride), 1) for stride in strides),  # less for a map larger than the image
    )


def forget_strides(row: Any) -> None:
    """Give a row zeros for strides until they are known: heads steer by the values, which what is on meta has not.

    Ultralytics, too, works out the last row's only.
    """
    stride = getattr(row, "stride", None)
    if isinstance(stride, torch.Tensor):
        row.stride = torch.zeros(len(stride), device="cpu")


def _names(classes: Any) -> dict[int, str]:
    """Ultralytics' own names for classes that nobody named."""
    return {number: str(number) for number in range(classes)} if isinstance(classes, int) else {}


def _on_meta(model: nn.Module) -> bool:
    return any(parameter.is_meta for parameter in model.parameters())
