"""``torch.FloatTensor`` and its like, for models that ask with ``isinstance`` what a tensor without memory is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Torch: Any = torch


class LegacyType:
    """Takes such a type's place: it makes the same tensors, and also knows those that are said to be of the type.

    Args:
        true: The type.
        name_of: Gives the name of the type, with its modules, that a tensor without memory is said to be of; None for
            whatever is told as it is.
    """

    def __init__(self, true: Any, name_of: Callable[[Any], str | None]) -> None:
        self.true = true
        self._name_of = name_of

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A tensor of the type."""
        return self.true(*args, **kwargs)

    def __instancecheck__(self, value: Any) -> bool:
        name = self._name_of(value)
        return isinstance(value, self.true) if name is None else name == f"{self.true.__module__}.{self.true.__name__}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.true, name)


def legacy_types(kind: str, name_of: Callable[[Any], str | None]) -> Iterator[tuple[Any, str, LegacyType]]:
    """What takes the place of the types of dense tensors on a kind of device: the module, the name, and that.

    Args:
        kind: The kind of device, as "cpu" or "cuda".
        name_of: As :class:`LegacyType` has it.
    """
    owner = _Torch if kind == "cpu" else getattr(_Torch, kind, None)
    for true in _Torch._tensor_classes:
        if true.__module__ == getattr(owner, "__name__", None):
            yield owner, true.__name__, LegacyType(true, name_of)
