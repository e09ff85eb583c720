"""Networks that Ultralytics saved, read back from their files, beside the networks themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.errors import BuildError, UsageError
from archprof.sources.checkpoint.error import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 64


def saved(tmp_path: Path, model: nn.Module, **entries: Any) -> str:
    torch.save({"model": model, "ema": None, "version": "8.3.0", **entries}, tmp_path / "best.pt")
    return str(tmp_path / "best.pt")


def network(name: str, **options: Any) -> Any:
    from ultralytics.nn import tasks

    kinds = {"cls": tasks.ClassificationModel, "seg": tasks.SegmentationModel, "pose": tasks.PoseModel}
    kind = next((kind for suffix, kind in kinds.items() if suffix in name), tasks.DetectionModel)
    return kind(name, verbose=False, **options).eval()


def figures(model: nn.Module, channels: int = 3) -> tuple[int, int]:
    """Parameters, and FLOPs of a real pass by torch's own counter."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.float()(torch.zeros(1, channels, SIDE, SIDE))
    return sum(parameter.numel() for parameter in model.parameters()), int(counter.get_total_flops())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("yolo11n.yaml", {}),
        ("yolo11s.yaml", {"nc": 3}),
        ("yolov8n-seg.yaml", {}),
        ("yolov8n-pose.yaml", {"data_kpt_shape": (5, 2)}),
        ("yolo11n-cls.yaml", {"nc": 7}),
        ("yolov8n.yaml", {"ch": 1}),
    ],
)
@pytest.mark.parametrize("fused", [False, True], ids=["as trained", "fused"])
def test_it_is_the_network_that_was_saved(tmp_path: Path, name: str, options: dict[str, Any], fused: bool) -> None:
    model = network(name, **options)
    if fused:
        model.fuse(verbose=False)
    path = saved(tmp_path, model.half())

    profile = archprof.profile(path, imgsz=SIDE)

    assert (profile.totals.parameters, profile.totals.flops) == figures(model, options.get("ch", 3))
    assert profile.variant.origin == "checkpoint"
    sentence = "saved fused" if fused else "matches the network"
    assert any(sentence in remark for remark in profile.environment.remarks)


def test_an_average_of_the_weights_goes_before_the_weights(tmp_path: Path) -> None:
    small, large = network("yolo11n.yaml"), network("yolo11s.yaml")

    profile = archprof.profile(saved(tmp_path, large, ema=small), imgsz=SIDE)

    assert profile.totals.parameters == figures(small)[0]


def test_a_network_with_other_layers_is_refused(tmp_path: Path) -> None:
    model = network("yolo11n.yaml")
    model.model[0].more = nn.Linear(3, 4)

    with pytest.raises(BuildError, match=r"1 layer in the file only \(model.0.more\)") as caught:
        archprof.profile(saved(tmp_path, model), imgsz=SIDE)

    assert "saved by Ultralytics 8.3.0" in str(caught.value)


def test_what_is_in_the_file_cannot_be_changed(tmp_path: Path) -> None:
    path = saved(tmp_path, network("yolo11n.yaml"))

    with pytest.raises(UsageError, match="nc cannot be changed in a checkpoint"):
        archprof.profile(path, nc=3)
    with pytest.raises(CheckpointError, match="no scale 's': the weights are those of scale n"):
        archprof.profile(path, scale="s")
