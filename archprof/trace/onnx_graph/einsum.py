"""Einstein's summation: the sizes of an equation's labels. onnx's own rule never ends on some texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.onnx_graph.record import Operation, Shape

_TERM = re.compile(r"[A-Za-z]*(?:\.\.\.[A-Za-z]*)?")


def terms(operation: Operation) -> tuple[list[dict[str, int]], list[str]]:
    """The size of each label of each factor, and the labels of the result; an ellipsis is labels of its own.

    Raises:
        ValueError: Where the equation is none, or does not fit its factors.
        ShapeUnknownError: Where a factor's shape is not known.
    """
    equation = operation.attributes["equation"].replace(" ", "")
    left, arrow, right = equation.partition("->")
    texts, shapes = left.split(","), [tensor.sizes for tensor in operation.read]
    if len(texts) != len(shapes) or not all(_TERM.fullmatch(text) for text in (*texts, right)):
        raise ValueError(f"the equation {equation!r} is none of {len(shapes)} factors")
    factors = [_sizes(text, shape) for text, shape in zip(texts, shapes, strict=True)]
    dots = max((factor for factor in factors), key=_hidden)
    hidden = [label for label in dots if label.startswith(".")]
    if arrow:
        before, ellipsis, behind = right.partition("...")
        return factors, [*before, *(hidden if ellipsis else ()), *behind]
    letters = [label for text in texts for label in text.replace("...", "")]
    return factors, [*hidden, *(label for label in sorted(set(letters)) if letters.count(label) == 1)]


def result_shape(operation: Operation) -> Shape:
    """The shape of what an Einsum gives.

    Raises:
        ValueError: Where two sizes of one label are neither equal nor 1, or the result has a label of its own.
    """
    factors, labels = terms(operation)
    sizes: dict[str, int] = {}
    for factor in factors:
        for label, size in factor.items():
            if 1 not in (size, before := sizes.get(label, size)) and size != before:
                raise ValueError(f"{label!r} is {before} and {size}")
            sizes[label] = size if before == 1 else before
    if foreign := [label for label in labels if label not in sizes]:
        raise ValueError(f"no factor has {foreign[0]!r}")
    return tuple(sizes[label] for label in labels)


def _hidden(factor: dict[str, int]) -> int:
    return sum(label.startswith(".") for label in factor)


def _sizes(text: str, shape: Shape) -> dict[str, int]:
    before, dots, behind = text.partition("...")
    hidden = len(shape) - len(before) - len(behind)
    if hidden < 0 or (hidden and not dots):
        raise ValueError(f"{text!r} has not {len(shape)} axes")
    # From the last on, as axes broadcast.
    labels: Sequence[str] = [*before, *(f".{index}" for index in reversed(range(hidden))), *behind]
    sizes: dict[str, int] = {}
    for label, size in zip(labels, shape, strict=True):
        sizes[label] = max(size, sizes.get(label, 1))
    return sizes
