"""Tensors that torch keeps in pieces, as torch itself splits them."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import archprof
from archprof.sources.checkpoint.reparametrised import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _pruned(layer: nn.Module) -> None:
    prune.l1_unstructured(layer, "weight", 0.3)
    prune.random_unstructured(layer, "bias", 0.5)


SPLITS: dict[str, Callable[[nn.Module], object]] = {
    "masks": _pruned,
    "weight norm": parametrizations.weight_norm,
    "weight norm of old": nn.utils.weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "spectral norm of old": nn.utils.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
}


@pytest.mark.parametrize("layer", [lambda: nn.Conv2d(4, 8, 3), lambda: nn.Linear(5, 6)], ids=["convolution", "linear"])
@pytest.mark.parametrize("split", SPLITS)
def test_the_plain_tensors_come_back(split: str, layer: Callable[[], nn.Module]) -> None:
    network = nn.Sequential(layer(), nn.BatchNorm2d(8))
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of old are deprecated, and people have files of them
        SPLITS[split](network[0])
    split_shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert split_shapes != expected

    shapes, notes = plain(split_shapes)

    assert shapes == expected
    assert len(notes) == 1


def test_plain_tensors_stay() -> None:
    # Names that end like pieces, of which the other pieces are not there.
    shapes = {"weight_v": (1,), "attention_mask": (2,), "scale_u": (3,), "a.weight_orig": (4,)}

    assert plain(shapes) == (shapes, ())


def test_a_network_with_pruning_masks_costs_what_the_dense_one_does(tmp_path: Path) -> None:
    from ultralytics.nn.tasks import DetectionModel

    model = DetectionModel("yolo11n.yaml", verbose=False)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            prune.l1_unstructured(module, "weight", 0.3)
    torch.save({"model": model, "ema": None}, tmp_path / "pruned.pt")

    profile = archprof.profile(str(tmp_path / "pruned.pt"), imgsz=64)

    dense = archprof.profile("yolo11n.yaml", imgsz=64)
    assert (profile.totals.parameters, profile.totals.flops) == (dense.totals.parameters, dense.totals.flops)
    masks = sum(isinstance(module, nn.Conv2d) for module in model.modules())
    assert any(remark.startswith(f"{masks} tensors have pruning masks") for remark in profile.environment.remarks)
