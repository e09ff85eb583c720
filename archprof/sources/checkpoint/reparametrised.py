"""Tensors that torch keeps in several pieces -> the plain tensor that a layer computes with.

Names are those of ``torch.nn.utils.prune`` (``weight_orig``, ``weight_mask``), ``weight_norm`` (``weight_g``,
``weight_v``), ``spectral_norm`` (``weight_orig``, ``weight_u``) and ``torch.nn.utils.parametrize``
(``parametrizations.weight.original``).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int, ...]


class Plain(NamedTuple):
    """The shapes of a file with each tensor in one piece, and what had pieces, in sentences."""

    shapes: dict[str, Shape]
    notes: tuple[str, ...]


_PARAMETRISED = re.compile(r"^(?P<module>.*?)parametrizations\.(?P<tensor>[^.]+)\.(?P<piece>.+)$")


def plain(shapes: Mapping[str, Shape]) -> Plain:
    """Undo what only splits a tensor: its name and shape become those of an untouched network.

    Args:
        shapes: The shapes of a checkpoint's tensors, by name.
    """
    result: dict[str, Shape] = {}
    kinds: Counter[str] = Counter()
    for name, shape in shapes.items():
        base, kind, is_complete = _piece(name, shapes)
        if is_complete:
            result[base] = shape
            kinds[kind] += 1
    return Plain(
        result, tuple(text.format(count=f"{kinds[kind]:,}") for kind, text in _SENTENCES.items() if kinds[kind])
    )


def _piece(name: str, shapes: Mapping[str, Shape]) -> tuple[str, str, bool]:
    """The tensor that a piece belongs to, what split it, and whether the piece has the tensor's own shape."""
    if match := _PARAMETRISED.match(name):
        weight_norm = f"{match['module']}parametrizations.{match['tensor']}.original1" in shapes
        is_complete = match["piece"] == ("original1" if weight_norm else "original")
        return f"{match['module']}{match['tensor']}", "norm" if weight_norm else "parametrisation", is_complete
    for ending, rules in _PIECES.items():
        base = name.removesuffix(ending)
        if base == name or base in shapes:
            continue
        for other, kind, is_complete in rules:
            if base + other in shapes:
                return base, kind, is_complete
    return name, "", True


_PIECES: Mapping[str, tuple[tuple[str, str, bool], ...]] = {
    "_orig": (("_mask", "mask", True), ("_u", "parametrisation", True)),
    "_mask": (("_orig", "mask", False),),
    "_u": (("_orig", "parametrisation", False),),
    "_v": (("_orig", "parametrisation", False), ("_g", "norm", True)),
    "_g": (("_v", "norm", False),),
}
"""How the name of a piece ends: what else is then there, what split the tensor, and whether it is of its shape."""

_SENTENCES = {
    "mask": "{count} tensors have pruning masks (torch.nn.utils.prune), which set weights to zero and leave every "
    "layer as wide as it was: figures are those of the dense layers",
    "norm": "{count} tensors are split by weight normalisation: figures are those of the plain layers",
    "parametrisation": "{count} tensors are parametrised (torch.nn.utils.parametrize or spectral_norm): figures are "
    "those of the plain layers",
}
