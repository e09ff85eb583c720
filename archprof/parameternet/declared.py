"""What a block says of its own dynamic layer, held against what was found in the trace."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

METHOD = "dynamic_layer"
"""The method by which a block says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicDeclaration:
    """What a module returns from a method ``dynamic_layer()``, to say which dynamic layer it is.

    It is found without; what is said is checked against what ran, and a difference is a remark of the layer.

    Attributes:
        experts: M.
        in_channels: Channels or features in.
        out_channels: Channels or features out.
        kernel: The kernel's sides; empty for a linear layer.
        groups: Groups of the convolution.
        top_k: Of how many experts each sample or token makes use; 0 where all are mixed.
    """

    experts: int
    in_channels: int
    out_channels: int
    kernel: tuple[int, ...] = ()
    groups: int = 1
    top_k: int = 0


def declaration(model: nn.Module, path: str) -> tuple[str, DynamicDeclaration] | None:
    """What the innermost module that says something, from a path upwards, says; with its own path."""
    while True:
        module: Any = model.get_submodule(path)
        method = getattr(module, METHOD, None)
        if callable(method):
            return path, method()
        if not path:
            return None
        path = path.rpartition(".")[0]


def disagreements(declared: DynamicDeclaration, detected: DynamicDeclaration) -> Iterator[str]:
    """Where what was said is not what was found, in words."""
    for field in fields(DynamicDeclaration):
        declared_value, detected_value = getattr(declared, field.name), getattr(detected, field.name)
        if declared_value != detected_value:
            yield f"{METHOD}() declares {field.name} {_text(declared_value)}, and {_text(detected_value)} ran"


def _text(value: int | tuple[int, ...]) -> str:
    return str(value) if isinstance(value, int) else "×".join(map(str, value)) or "none"
