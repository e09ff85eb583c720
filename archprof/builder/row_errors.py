"""Says which row of the YAML it was, where a network does not run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from archprof.errors import RunError
from archprof.sources.usercode import own_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

    from archprof.sources.spec import Spec


@contextmanager
def naming_rows(model: nn.Module, spec: Spec) -> Iterator[None]:
    """While it holds, a RunError of a model that was built from rows gets the row, its line and what it was given.

    Where the user's own code raised it, its lines are shown.
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
            error.message = f"row {index}: {row.module} was given {shapes}: {error.message}"
            error.path, error.line = spec.path, row.line
        raise
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _showing_own_lines() -> Iterator[None]:
    try:
        yield
    except RunError as error:
        if error.__cause__ and (lines := own_lines(error.__cause__)):
            error.hint = "\n".join(part for part in (error.hint, lines) if part)
        raise


def _shapes(value: Any) -> Iterator[str]:
    """The shapes of the tensors in nested tuples and lists, as 1×64×80×80."""
    if isinstance(value, torch.Tensor):
        yield "×".join(str(side) for side in value.shape)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _shapes(item)
