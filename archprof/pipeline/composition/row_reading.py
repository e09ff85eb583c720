"""The rows of a variant in one pass over a small image -> what thop, 2.0 and installed, gives each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archprof.builder.wiring import IMAGE
from archprof.count.conventions import thop_2_0
from archprof.count.conventions.ultralytics import kinds_of, read_once
from archprof.pipeline.composition.passes import NotComposableError
from archprof.pipeline.composition.records import Output, RowReading
from archprof.pipeline.composition.row_pass import STRANGE, structure_of
from archprof.pipeline.composition.variant import inputs_of
from archprof.trace.nested import flat
from archprof.trace.run import trace

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from archprof.pipeline.composition.variant import PlannedRow
    from archprof.trace.record import Trace

Parts = list[tuple[str, str, int]]

Described = tuple[Any, list[Output]]
"""How what a row gives is nested, and its tensors."""


class Chain(nn.Module):
    """A network that calls its rows one after the other, and says what each gives."""

    def __init__(self, rows: Sequence[PlannedRow], modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.model = nn.Sequential(*modules)
        self._rows = rows

    def forward(self, image: torch.Tensor) -> tuple[Any, list[Described]]:
        """What the last row gives, and what is known of what each gives."""
        values: dict[int, Any] = {IMAGE: image}
        results = []
        for row, module in zip(self._rows, self.model, strict=True):
            inputs = inputs_of(row, values)
            values[row.row.index] = result = module(inputs)
            results.append(_described(result, inputs))
        return result, results


def take(chain: Chain, shape: Sequence[int], dtype: torch.dtype, shared: Collection[int]) -> list[RowReading]:
    """Have thop profile the rows of a variant on an image of a shape.

    Args:
        chain: The rows.
        shape: The shape of the image.
        dtype: Its type.
        shared: The modules, by identity, that hang on classes.

    Raises:
        NotComposableError: Where thop stops, or something has no form that is known.
    """
    traces: list[Trace] = []
    results: list[Described] = []

    def run(model: nn.Module, inputs: tuple[Any, ...]) -> None:
        hook = model.register_forward_hook(lambda *given: results.extend(given[-1][1]))
        try:
            traces.append(trace(model, inputs))
        finally:
            hook.remove()

    try:
        reading = read_once(chain, (torch.empty(*shape, device="meta", dtype=dtype),), run)
        before = [(item.path, item.operation, item.amount) for item in thop_2_0.given(thop_2_0.amounts(traces[0]))]
    except Exception as error:  # where Ultralytics looks at another image, or prints nothing
        raise NotComposableError(f"thop stops: {error}") from error
    of_classes = {path for path, module in chain.named_modules() if id(module) in shared}
    modules, functions = (
        [(path, name, amount) for (path, name), amount in amounts.items()]
        for amounts in (reading.modules, reading.functions)
    )
    if any(path in of_classes or not path.startswith("model.") for path, _, _ in (*before, *modules, *functions)):
        # Of a module that rows share, thop 2.0 gives the square of the times that it stands in the tree.
        raise NotComposableError("thop gives something to what rows share")
    if any(STRANGE in repr(structure) for structure, _ in results[:-1]):
        raise NotComposableError("what a row gives has no form that is known")
    parts = zip(
        chain.model, results, *(_by_row(kind, len(results)) for kind in (before, modules, functions)), strict=True
    )
    return [
        RowReading(outputs, structure, of_2_0, of_modules, of_functions, *kinds_of(module))
        for module, (structure, outputs), of_2_0, of_modules, of_functions in parts
    ]


def _by_row(parts: Iterable[tuple[str, str, int]], number: int) -> list[Parts]:
    """What each row is given, by the paths in it."""
    rows: list[Parts] = [[] for _ in range(number)]
    for path, name, amount in parts:
        _, index, *inner = path.split(".", 2)
        rows[int(index)].append((".".join(inner), name, amount))
    return rows


def _described(result: Any, inputs: Any) -> Described:
    """What is known of what a row gives."""
    described: list[Any] = []
    structure = structure_of(result, {}, described)
    distinct = {id(tensor): tensor for tensor in flat(result)}
    given = list({id(tensor): tensor for tensor in flat(inputs)})
    return structure, [
        Output((tuple(distinct[key].shape), strides, dtype), given.index(key) if key in given else -1)
        for strides, dtype, key in described
        if key in distinct
    ]
