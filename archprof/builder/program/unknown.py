"""Operators that are not torch's own, or that this torch does not have: they give what the file says, and do not run.

Each is registered under its own name with a kernel that makes tensors of the shapes in the file and computes nothing,
so that a trace has it as any other operation, and the count as unknown.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.program.arguments import DTYPES, Name, names_in
from archprof.builder.program.operators import name_of
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.sizes import UnreadableSizeError, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from archprof.builder.program.plan import Step
    from archprof.sources.program_file.program import TensorMeta

_NUMBERS = count()
_LIBRARIES: dict[str, torch.library.Library] = {}
_NAME = re.compile(r"\w+")


def stand_in(
    step: Step, values: Mapping[str, TensorMeta], symbols: Mapping[str, int], path: Path
) -> Callable[..., Any]:
    """An operator with the name of a node's, which gives tensors of the shapes that the file has for them.

    Args:
        step: The node; its arguments become the tensors among them.
        values: What the file says of the tensors of the node's graph.
        symbols: The sizes of the file's symbols.
        path: The file, for messages.

    Raises:
        ProgramFileError: Where the file does not tell the shapes.
    """
    name = name_of(step.node.target)
    names = [Name(entry.rpartition(".")[2]) for entry in names_in(step.outputs)]
    tensors = []
    for entry in names:
        meta = values.get(entry)
        if meta is None or meta.dtype not in DTYPES:
            raise ProgramFileError(f"nothing is known of {name}, nor of what it gives", path=path)
        try:
            shape = [size_of(size, symbols) for size in meta.sizes]
        except UnreadableSizeError as error:
            raise ProgramFileError(
                f"nothing is known of {name}, and the shape that it gives depends on values: {error}", path=path
            ) from None
        tensors.append((shape, DTYPES[meta.dtype]))

    def kernel(inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        device = inputs[0].device if inputs else torch.device("cpu")
        return [torch.empty(shape, dtype=dtype, device=device) for shape, dtype in tensors]

    namespace, _, operator = name.rpartition(".")
    namespace = namespace if _NAME.fullmatch(namespace) else "unknown"
    overload = f"file{next(_NUMBERS)}"
    if namespace not in _LIBRARIES:
        _LIBRARIES[namespace] = torch.library.Library(namespace, "FRAGMENT")  # type: ignore[no-untyped-call]
    library = _LIBRARIES[namespace]
    operator = "_".join(_NAME.findall(operator)) or "operator"
    library.define(f"{operator}.{overload}(Tensor[] tensors) -> Tensor[]")  # type: ignore[no-untyped-call]
    library.impl(f"{operator}.{overload}", kernel, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    function = getattr(getattr(getattr(torch.ops, namespace), operator), overload)
    step.arguments, step.keywords = [names_in([step.arguments, step.keywords])], {}
    step.outputs = names_in(step.outputs)
    return lambda tensors: function([value for value in tensors if isinstance(value, torch.Tensor)])
