"""Files as torch and Ultralytics write them, of YOLO11n and of ResNet-18."""

from __future__ import annotations

import contextlib
import sys
import warnings
import zipfile
from copy import deepcopy
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import nn


@pytest.fixture(scope="session")
def yolo() -> Any:
    """YOLO11n as Ultralytics builds it, float32, in training mode."""
    from ultralytics import YOLO

    return YOLO("yolo11n.yaml").model


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, yolo: nn.Module) -> dict[str, Path]:
    """One file of each kind, by a name for it."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("checkpoints")
    half = deepcopy(yolo).half()
    # The keys of a checkpoint as Ultralytics' trainer writes it (ultralytics/engine/trainer.py, save_model); and as
    # strip_optimizer leaves it when training ends (ultralytics/utils/torch_utils.py).
    training = {
        "epoch": 3,
        "best_fitness": 0.25,
        "model": None,
        "ema": half,
        "updates": 40,
        "optimizer": torch.optim.SGD(yolo.parameters(), lr=0.01, momentum=0.9).state_dict(),
        "scaler": {},
        "train_args": {"task": "detect", "imgsz": 640, "model": "yolo11n.yaml"},
        "train_metrics": {"fitness": 0.25},
        "train_results": {"epoch": [1, 2, 3]},
        "date": "2025-11-30T04:58:00",
        "version": "8.4.190",
        "git": {"root": "None", "branch": "main", "commit": "abc", "origin": None},
    }
    stripped = {**training, "epoch": -1, "model": half, "ema": None, "optimizer": None, "scaler": None}
    parallel = {f"module.{name}": tensor for name, tensor in yolo.state_dict().items()}
    values: dict[str, Any] = {
        "last": training,
        "best": stripped,
        "module": yolo,
        "state_dict": yolo.state_dict(),
        "wrapped": {"epoch": 7, "state_dict": yolo.state_dict(), "optimizer": {}},
        "parallel": parallel,
        "data_parallel": torch.nn.DataParallel(yolo),
    }
    paths = {}
    for name, value in values.items():
        paths[name] = folder / f"{name}.pt"
        torch.save(value, paths[name])
    for name in ("state_dict", "module"):
        paths[f"legacy_{name}"] = folder / f"legacy_{name}.pth"
        torch.save(values[name], paths[f"legacy_{name}"], _use_new_zipfile_serialization=False)
    paths["protocol_4"] = folder / "protocol_4.pt"
    torch.save(training, paths["protocol_4"], pickle_protocol=4)
    paths["safetensors"] = folder / "yolo11n.safetensors"
    save_file({name: tensor.clone() for name, tensor in yolo.state_dict().items()}, paths["safetensors"])
    return paths


@pytest.fixture(scope="session")
def torchscript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Torchvision's ResNet-18 as ``torch.jit.save`` writes it."""
    import torch
    import torchvision

    path = tmp_path_factory.mktemp("torchscript") / "resnet18.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and people have its files
        traced = torch.jit.trace(torchvision.models.resnet18(weights=None).eval(), torch.rand(1, 3, 64, 64))
        torch.jit.save(traced, str(path))
    return path


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def written(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return written


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[..., Path]:
    """A zip file of the given records, laid out as torch.save does."""

    def written(records: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED, root: str = "archive/") -> Path:
        path = tmp_path / "model.pt"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in records.items():
                archive.writestr(root + name, data)
        return path

    return written


@pytest.fixture
def classes_of() -> Callable[..., AbstractContextManager[None]]:
    """Gives a module of a name some classes, while it holds, as a user's own file would."""
    return contextlib.contextmanager(_classes_of)


def _classes_of(module: str, **classes: type) -> Iterator[None]:
    parts = module.split(".")
    names = [".".join(parts[: index + 1]) for index in range(len(parts))]
    made = {name: ModuleType(name) for name in names}
    for name, value in classes.items():
        value.__module__, value.__qualname__ = module, name
        setattr(made[module], name, value)
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
