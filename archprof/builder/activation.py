"""A variant's ``activation:``, looked up instead of evaluated."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from torch import nn
from torch.nn.modules import activation as activations

from archprof.errors import BuildError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

ACTIVATIONS: dict[str, type[nn.Module]] = {
    name: kind
    for name in (*activations.__all__, "Identity")
    if name != "MultiheadAttention" and isinstance(kind := getattr(nn, name, None), type)
}
"""torch.nn's own activations by name."""


def parse_activation(text: object, *, path: Path | str | None = None, line: int | None = None) -> nn.Module:
    """``nn.LeakyReLU(0.1)`` -> the module; the arguments must be literals.

    Args:
        text: The value as it stands in the YAML: a call of a torch.nn activation, as ``nn.X(...)`` or
            ``torch.nn.X(...)``.
        path: The YAML, for the message.
        line: The value's line in it, for the message.

    Raises:
        BuildError: Where it is anything else.
    """

    def wrong(why: str, hint: str | None = None) -> BuildError:
        return BuildError(f"activation {text!r} {why}", path=path, line=line, hint=hint)

    form = "write it as nn.SiLU() or nn.LeakyReLU(0.1): a torch.nn activation, with literal arguments"
    if not isinstance(text, str):
        raise wrong("is not a text", form)
    try:
        call = ast.parse(text.strip(), mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError("not a call")
        package, _, name = ast.unparse(call.func).rpartition(".")
        positional = [ast.literal_eval(node) for node in call.args]
        keywords: dict[str, Any] = {
            keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg is not None
        }
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise wrong("is not a call with literal arguments", form) from None
    if package not in ("nn", "torch.nn") or len(keywords) != len(call.keywords):
        raise wrong("is not a torch.nn activation", form)
    if name not in ACTIVATIONS:
        raise wrong("is not a torch.nn activation", did_you_mean(name, ACTIVATIONS) or form)
    try:
        return ACTIVATIONS[name](*positional, **keywords)
    except (TypeError, ValueError) as error:
        raise wrong(f"cannot be made: {error}") from None
