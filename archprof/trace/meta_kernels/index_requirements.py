"""The indices that torch refuses on the CPU: of other types or shapes, beyond the end, or of what has no elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from archprof.trace.meta_kernels.layout import broadcast_sizes
from archprof.trace.meta_kernels.requirements import need, overloads, requires, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from archprof.trace.meta_kernels.requirements import Check


class Indices(NamedTuple):
    """Where an operation has indices, and what they count.

    Attributes:
        position: The argument that they are.
        dimension: The argument that says which dimension they pick from, by its position; of those with none,
            ``"first"`` for the first dimension, ``"class"`` for the second or that of a vector, ``"all"`` for every
            element.
        from_the_end: Whether they may be negative.
        ignored: The argument with an index that is left out.
        any_type_if_empty: Whether the type of indices does not matter where there are none.
    """

    position: int
    dimension: int | str
    from_the_end: bool = False
    ignored: int | None = None
    any_type_if_empty: bool = False


_OPERATIONS = {
    "index_select index_add index_add_ index_copy index_copy_ index_reduce index_reduce_": Indices(2, 1),
    "index_fill index_fill_": Indices(2, 1, from_the_end=True),
    "gather scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_": Indices(
        2, 1, any_type_if_empty=True
    ),
    "embedding _embedding_bag _embedding_bag_forward_only": Indices(1, "first"),
    "embedding_dense_backward": Indices(1, "all"),
    "take put put_": Indices(1, "all", from_the_end=True),
    "nll_loss_forward nll_loss2d_forward": Indices(1, "class", ignored=4),
    "multi_margin_loss": Indices(1, "class"),
}
INDICES = {operation: indices for names, indices in _OPERATIONS.items() for operation in overloads(names)}
_BY_OFFSETS = frozenset(overloads("_embedding_bag _embedding_bag_forward_only"))
_BY_INDEX_LISTS = frozenset(overloads("index index_put index_put_ _index_put_impl_"))
_INDEX_TYPES = (torch.int64, torch.int32, torch.uint8, torch.bool)


def check_known_indices(operation: Any, args: Sequence[Any]) -> None:
    """Refuse indices whose values are known, and lie beyond the end of what they pick from.

    Raises:
        IndexError: As torch does.
        RuntimeError: The same of the offsets at which bags of indices begin.
    """
    if operation in _BY_OFFSETS:
        _check_offsets(args[1], args[2])
    if operation in _BY_INDEX_LISTS:
        for index, dim in picked_dimensions(args[1]):
            if index.dtype not in (torch.bool, torch.uint8):
                _check_bounds(index, args[0].shape[dim], dim, from_the_end=True)
        return
    indices = INDICES.get(operation)
    if indices is None or len(args) <= indices.position:
        return
    index = args[indices.position]
    if indices.ignored is not None and not index.is_meta and len(args) > indices.ignored:
        index = index[index != args[indices.ignored]]
    dim, size = _picked(indices, args)
    _check_bounds(index, size, dim, from_the_end=indices.from_the_end)


def _picked(indices: Indices, args: Sequence[Any]) -> tuple[int, int]:
    """The dimension that indices pick from, and how many elements it has."""
    tensor = args[0]
    if indices.dimension == "all":
        return 0, tensor.numel()
    if not tensor.ndim:
        return 0, 1
    dim = 0
    if isinstance(indices.dimension, int):
        dim = args[indices.dimension] % tensor.ndim
    elif indices.dimension == "class":
        dim = min(tensor.ndim - 1, 1)
    return dim, tensor.shape[dim]


def _check_bounds(index: Tensor, size: int, dim: int, *, from_the_end: bool) -> None:
    if index.is_meta or not index.numel() or index.is_floating_point():
        return
    low, high = (int(bound) for bound in index.aminmax())
    worst = high if high >= size else low
    if high >= size or low < (-size if from_the_end else 0):
        raise IndexError(f"index {worst} is out of bounds for dimension {dim} with size {size}")


def _check_offsets(indices: Tensor, offsets: Tensor) -> None:
    if offsets.is_meta or not offsets.numel():
        return
    first, last, length = int(offsets[0]), int(offsets[-1]), indices.numel()
    need(first == 0, f"offsets[0] has to be 0, the beginning of the first sequence, but got {first}")
    need(last <= length, f"offsets[-1] can not be greater than the input's length {length}, but got {last}")


def picked_dimensions(indices: Sequence[Tensor | None]) -> Iterator[tuple[Tensor, int]]:
    """Each index of a list, and the first dimension that it picks from: a mask picks from as many as it has."""
    dim = 0
    for index in indices:
        if index is not None:
            yield index, dim
        dim += index.ndim if index is not None and index.dtype in (torch.bool, torch.uint8) else 1


# -- what needs no values -------------------------------------------------------------------------------------


def _of_something(indices: Indices) -> Check:
    """The check that indices are whole numbers, and that there is something for them to pick."""

    def check(*args: Any, **kwargs: Any) -> None:
        index = args[indices.position]
        is_integer = not (index.dtype.is_floating_point or index.dtype.is_complex)
        unread = indices.any_type_if_empty and not index.numel()
        need(is_integer or unread, f"Expected dtype int32 or int64 for index, but got {type_name(index.dtype)}")
        dim, size = _picked(indices, args)
        need(size > 0 or not index.numel(), f"index is out of bounds for dimension {dim} with size 0", IndexError)

    return check


for _operation, _indices in INDICES.items():
    requires(_operation)(_of_something(_indices))


@requires(*overloads("index_select index_reduce index_reduce_"))
def _vector(tensor: Tensor, dim: int, index: Tensor, *args: Any, **kwargs: Any) -> None:
    need(index.ndim < 2, f"Index is supposed to be a vector, but got {list(index.shape)}", IndexError)
    scalar = f"Index to scalar can have only 1 value, but got {index.numel()}"
    need(tensor.ndim > 0 or index.numel() == 1, scalar)


@requires(*overloads("index_add index_add_ index_reduce index_reduce_"))
def _source(tensor: Tensor, dim: int, index: Tensor, source: Tensor, *args: Any, **kwargs: Any) -> None:
    expected = list(tensor.shape)
    if expected:
        expected[dim % tensor.ndim] = index.numel()
    fits = list(source.shape) == expected
    need(fits, f"source tensor shape must match self tensor shape: expected {expected}, but got {list(source.shape)}")


@requires(*_BY_INDEX_LISTS, *overloads("_unsafe_index"))
def _index_list(tensor: Tensor, indices: Sequence[Tensor | None], *args: Any, **kwargs: Any) -> None:
    for index, dim in picked_dimensions(indices):
        types = "tensors used as indices must be long, int, byte or bool tensors"
        need(index.dtype in _INDEX_TYPES, f"{types}, but got {type_name(index.dtype)}", IndexError)
        if index.dtype not in (torch.bool, torch.uint8):
            is_inside = dim >= tensor.ndim or tensor.shape[dim] > 0 or not index.numel()
            need(is_inside, "index is out of bounds for dimension with size 0", IndexError)
            continue
        covered = tensor.shape[dim : dim + index.ndim]
        shapes = f"The shape of the mask {list(index.shape)} does not match {list(covered)} of {list(tensor.shape)}"
        need(covered == index.shape, shapes, IndexError)


@requires(*overloads("index_put index_put_ _index_put_impl_"))
def _values(tensor: Tensor, indices: Sequence[Tensor | None], values: Tensor, *args: Any, **kwargs: Any) -> None:
    picked = [index for index in indices if index is not None]
    if any(index.dtype in (torch.bool, torch.uint8) for index in picked):
        return  # how many a mask picks depends on its values
    shape = torch.ops.aten.index.Tensor(tensor, indices).shape
    fits = broadcast_sizes(shape, values.shape) == list(shape)
    message = f"value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of {list(shape)}"
    need(fits, f"shape mismatch: {message}")
