"""A state dict: tensors by name, alone or within the entries that training scripts wrap it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archprof.sources.checkpoint.limits import MAX_TENSORS
from archprof.sources.checkpoint.modules import join, read
from archprof.sources.checkpoint.nodes import Name, Node, Object, text_entries
from archprof.sources.checkpoint.tensors import Storages, is_tensor

if TYPE_CHECKING:
    from archprof.sources.checkpoint.contents import Tensor

WRAPPERS = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema",
    "params_ema",
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "module",
    "params",
    "weights",
)
"""Entries that hold a state dict, averaged weights first, as timm and Ultralytics load them."""

_MAX_WRAPPERS = 3
_PREFIXES = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}
_BUFFERS = frozenset({"running_mean", "running_var", "num_batches_tracked"})


def find(node: Node, source: str = "", depth: int = 0) -> tuple[str, dict[str, Node]] | None:
    """The entry that holds a state dict, and its tensors; None where there is none."""
    entries = _entries(node)
    values = {name: value for name, value in entries.items() if is_tensor(value)}
    if values and 2 * len(values) >= len(entries):
        return source, values
    if depth < _MAX_WRAPPERS:
        for key in WRAPPERS:
            if key in entries and (inner := find(entries[key], f"{source}.{key}".strip("."), depth + 1)):
                return inner
    return None


def read_all(values: dict[str, Node], storages: Storages) -> dict[str, Tensor]:
    """The tensors of a state dict.

    Raises:
        ValueError: Where one is damaged, or there are too many.
    """
    if len(values) > MAX_TENSORS:
        raise ValueError(f"the state dict has more than {MAX_TENSORS:,} tensors")
    read_values = {name: read(join("", name), value, storages) for name, value in values.items()}
    return {name: tensor for name, tensor in read_values.items() if tensor is not None}


def unwrapped(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Tensors without the prefixes of wrappers that all of their names have, and a note for each prefix."""
    notes: list[str] = []
    while tensors:
        prefix = next((prefix for prefix in _PREFIXES if all(name.startswith(prefix) for name in tensors)), None)
        if prefix is None or len(notes) == _MAX_WRAPPERS:
            break
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
        notes.append(f"the prefix {prefix!r} of all names, which {_PREFIXES[prefix]} adds, is left out")
    return tensors, tuple(notes)


def with_roles(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors with the role that their names tell: the statistics of a normalisation are buffers."""
    return {
        name: msgspec.structs.replace(tensor, role="buffer") if name.rpartition(".")[2] in _BUFFERS else tensor
        for name, tensor in tensors.items()
    }


def _entries(node: Node) -> dict[str, Node]:
    """The entries of a dict, or of an OrderedDict as Python 2 writes it: called with a list of pairs."""
    if isinstance(node, Object) and isinstance(node.callee, Name) and node.callee.name == "OrderedDict":
        pairs = node.arguments[0] if node.arguments else None
        if isinstance(pairs, list):
            return {
                pair[0]: pair[1]
                for pair in pairs
                if isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str)
            }
    return text_entries(node)
