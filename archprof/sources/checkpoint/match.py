"""A network's tensors held against a checkpoint's: whether they are the same, and where not, which layers differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int, ...]

State = Literal["resized", "missing", "additional"]
"""Of a layer: some tensor has another shape; a tensor of the network is not in the file; the file has one more."""

_NORMALISATION = frozenset({"weight", "bias", "running_mean", "running_var", "num_batches_tracked"})
_MAX_LISTED = 3


class LayerDifference(msgspec.Struct, frozen=True):
    """A layer whose tensors differ.

    Attributes:
        path: The module's path, as "model.4.cv1.conv".
        state: How it differs.
        network: The shapes of its differing tensors in the network, by their own names ("weight").
        file: The same in the file.
    """

    path: str
    state: State
    network: dict[str, Shape]
    file: dict[str, Shape]


class Match(msgspec.Struct, frozen=True):
    """What a comparison of tensors found.

    Attributes:
        layers: The layers that differ, in the network's order, then those that only the file has.
        tensors: How many tensors have the same name and shape.
        fused: Whether the file differs by its normalisations only, which were folded into the convolutions.
        sentence: All that in one line.
    """

    layers: tuple[LayerDifference, ...]
    tensors: int
    fused: bool
    sentence: str

    @property
    def matches(self) -> bool:
        """Whether names and shapes are all the same."""
        return not self.layers


def match(network: Mapping[str, Shape], file: Mapping[str, Shape]) -> Match:
    """Hold the tensors of a network against those of a checkpoint. Their dtypes may differ.

    Args:
        network: The shapes of a built module's state dict, by name.
        file: Those of the checkpoint.
    """
    same = sum(file.get(name) == shape for name, shape in network.items())
    layers = tuple(_differences(network, file))
    fused = _is_fused(layers)
    return Match(layers, same, fused, _sentence(layers, same, len(file), fused))


def _differences(network: Mapping[str, Shape], file: Mapping[str, Shape]) -> list[LayerDifference]:
    names = (*network, *(name for name in file if name not in network))
    by_layer: dict[str, list[str]] = {}
    for name in names:
        if network.get(name) != file.get(name):
            by_layer.setdefault(name.rpartition(".")[0], []).append(name)
    return [
        LayerDifference(path, _state(differing, network, file), _own(differing, network), _own(differing, file))
        for path, differing in by_layer.items()
    ]


def _state(names: list[str], network: Mapping[str, Shape], file: Mapping[str, Shape]) -> State:
    if any(name in network and name in file for name in names):
        return "resized"
    return "missing" if any(name in network for name in names) else "additional"


def _own(names: list[str], shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    return {name.rpartition(".")[2]: shapes[name] for name in names if name in shapes}


def _is_fused(layers: tuple[LayerDifference, ...]) -> bool:
    """Whether the normalisations are gone and the convolutions have biases, as after ``model.fuse()``."""
    gone = [layer for layer in layers if layer.state == "missing"]
    biases = [layer for layer in layers if layer.state == "additional"]
    return (
        bool(gone)
        and len(gone) + len(biases) == len(layers)
        and all({"running_mean"} <= layer.network.keys() <= _NORMALISATION for layer in gone)
        and all(layer.file.keys() == {"bias"} for layer in biases)
    )


def _sentence(layers: tuple[LayerDifference, ...], same: int, total: int, fused: bool) -> str:
    if not layers:
        return f"the checkpoint matches the network: {_counted(total, 'tensor')} of the same names and shapes"
    if fused:
        folded = sum(layer.state == "missing" for layer in layers)
        return (
            f"the checkpoint was saved fused: {_counted(folded, 'normalisation')} "
            "folded, all other tensors as in the network"
        )
    parts = []
    for state in ("resized", "missing", "additional"):
        paths = [layer.path or "the model itself" for layer in layers if layer.state == state]
        if paths:
            more = f" and {len(paths) - _MAX_LISTED} more" if len(paths) > _MAX_LISTED else ""
            parts.append(f"{_counted(len(paths), 'layer')} {_WORDS[state]} ({', '.join(paths[:_MAX_LISTED])}{more})")
    pruned = "a pruned network? " if all(layer.state == "resized" for layer in layers) else ""
    return f"the checkpoint differs from the network: {pruned}{'; '.join(parts)}; {_counted(same, 'tensor')} the same"


_WORDS: Mapping[State, str] = {
    "resized": "of other shapes",
    "missing": "missing from the file",
    "additional": "in the file only",
}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
