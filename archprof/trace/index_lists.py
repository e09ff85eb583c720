"""Lists as indices, whose numbers torch would lose: it makes a tensor of them where the tensor is that they index."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def with_tensors(index: Any) -> Any:
    """An index with a tensor that has its values in the place of each list, range or array of whole numbers in it."""
    if isinstance(index, tuple):
        return tuple([_as_tensor(item) for item in index])
    return _as_tensor(index) if not _is_nested(index) else index  # which torch may take for several indices


def _as_tensor(item: Any) -> Any:
    if isinstance(item, np.ndarray):
        return torch.from_numpy(item.astype(np.int64)) if item.dtype.kind in "iu" and item.size else item
    return torch.tensor(item) if isinstance(item, (list, range)) and len(item) and _is_whole(item) else item


def _is_whole(item: Any) -> bool:
    """Whether a list has whole numbers alone, or such lists of one length."""
    if isinstance(item, range) or all(type(number) is int for number in item):
        return True
    lists = all(isinstance(inner, list) and inner and _is_whole(inner) for inner in item)
    return lists and len({len(inner) for inner in item}) == 1


def _is_nested(index: Any) -> bool:
    return isinstance(index, list) and any(isinstance(item, (list, tuple, range)) for item in index)
