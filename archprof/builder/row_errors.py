"""Says which row of the YAML it was, where a network does not run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.registry import registry
from archprof.builder.row_arguments import wrong_argument
from archprof.errors import RunError
from archprof.sources.usercode import own_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import nn

    from archprof.builder.built import BuiltLayer
    from archprof.builder.row_arguments import WrongArgument
    from archprof.sources.spec import Spec


@contextmanager
def naming_rows(model: nn.Module, spec: Spec, layers: Sequence[BuiltLayer]) -> Iterator[None]:
    """While it holds, a RunError of a model that was built from rows gets the row, its line and what it was given.

    An argument of the row that no such block takes is named, and so is one of a row before it. Where the user's own
    code raised the error, its lines are shown.

    Args:
        model: The model.
        spec: What it was built from.
        layers: What each row built.
    """
    if not spec.rows:
        with _showing_own_lines():
            yield
        return
    entered: list[tuple[int, str]] = []

    def enter(module: Any, inputs: tuple[Any, ...]) -> None:
        entered.append((module.i, " and ".join(_shapes(inputs))))

    hooks = [row.register_forward_pre_hook(enter) for row in model.get_submodule("model").children()]
    try:
        with _showing_own_lines():
            yield
    except RunError as error:
        if error.line is None and entered:
            index, shapes = entered[-1]
            row = spec.rows[index]
            wrong = _wrong_argument(spec, layers[index])
            raised = error.message if wrong else None
            error.message = f"row {index}: {row.module} was given {shapes}: {wrong or error.message}"
            error.path, error.line = spec.path, row.line
            earlier = None if wrong else next(filter(None, (_earlier(spec, layer) for layer in layers[:index])), None)
            near = wrong.hint(spec.values) if wrong else None
            error.hint = "\n".join(part for part in (near, raised, earlier, error.hint) if part) or None
        raise
    finally:
        for hook in hooks:
            hook.remove()


def _wrong_argument(spec: Spec, layer: BuiltLayer) -> WrongArgument | None:
    block = registry.find(layer.module, spec.family or "")
    return wrong_argument(block.factory, layer.arguments) if block else None


def _earlier(spec: Spec, layer: BuiltLayer) -> str | None:
    """What is wrong with a row that did run, and may be why a later one does not."""
    wrong = _wrong_argument(spec, layer)
    return f"row {layer.index} (line {layer.line}): {layer.module}: {wrong}" if wrong else None


@contextmanager
def _showing_own_lines() -> Iterator[None]:
    try:
        yield
    except RunError as error:
        if error.__cause__ and (lines := own_lines(error.__cause__)):
            error.hint = "\n".join(part for part in (error.hint, lines) if part)
        raise


def _shapes(value: Any) -> Iterator[str]:
    """The shapes of the tensors in nested tuples and lists, as 1×64×80×80; of a map that was not kept "nothing"."""
    if isinstance(value, torch.Tensor):
        yield "×".join(str(side) for side in value.shape)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _shapes(item)
    elif value is None:
        yield "nothing"
