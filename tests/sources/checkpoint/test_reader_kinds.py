"""Tensors of every dtype and form that torch saves, and models of other people."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import warnings
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import archprof
from archprof.sources.checkpoint.contents import parameters
from archprof.sources.checkpoint.error import NoModelError
from archprof.sources.checkpoint.reader import read

if TYPE_CHECKING:
    from pathlib import Path


def _dtypes() -> list[torch.dtype]:
    """The dtypes whose tensors torch writes and reads: some it has in name only, or for quantisers."""
    dtypes = []
    for dtype in {value for value in vars(torch).values() if isinstance(value, torch.dtype)}:
        buffer = io.BytesIO()
        with contextlib.suppress(RuntimeError, TypeError, AttributeError, KeyError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental ones
            torch.save(torch.empty(2, 3, dtype=dtype), buffer)
            torch.load(io.BytesIO(buffer.getvalue()))
            dtypes.append(dtype)
    return sorted(dtypes, key=str)


@pytest.mark.filterwarnings("ignore:.*experimental")
@pytest.mark.parametrize("dtype", _dtypes(), ids=str)
def test_every_dtype_that_torch_saves(tmp_path: Path, dtype: torch.dtype) -> None:
    torch.save({"weight": torch.empty(2, 3, dtype=dtype)}, tmp_path / "weights.pt")

    tensor = read(tmp_path / "weights.pt").tensors["weight"]

    assert f"torch.{tensor.dtype}" == str(dtype)
    assert (tensor.shape, tensor.numel, tensor.bytes) == ((2, 3), 6, 6 * dtype.itemsize)


def _forms() -> dict[str, torch.Tensor]:
    base = torch.zeros(4, 6)
    return {
        "view": base[1:3, ::2],
        "transposed": base.t(),
        "expanded": torch.zeros(1).expand(1000),
        "scalar": torch.tensor(1.0),
        "empty": torch.zeros(0, 5),
        "parameter": nn.Parameter(torch.zeros(2)),
        "parameter with state": _with_state(nn.Parameter(torch.zeros(2))),
        "buffer": nn.Buffer(torch.zeros(3)),
        "meta": torch.zeros(10**6, 10**6, device="meta"),
        "channels last": torch.zeros(1, 3, 4, 4).to(memory_format=torch.channels_last),
    }


def _with_state(parameter: Any) -> Any:
    parameter.owner = "mine"
    return parameter


@pytest.mark.parametrize("form", _forms())
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_form_of_a_tensor(tmp_path: Path, form: str, protocol: int) -> None:
    expected = _forms()[form]
    torch.save({"weight": expected}, tmp_path / "weights.pt", pickle_protocol=protocol)

    tensor = read(tmp_path / "weights.pt").tensors["weight"]

    assert (tensor.shape, tensor.stride) == (tuple(expected.shape), expected.stride())
    assert tensor.numel == expected.numel()
    assert tensor.offset == expected.storage_offset()


def test_quantised_tensors(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are deprecated, and people have files with them
        weight = torch.quantize_per_tensor(torch.zeros(2, 5), 0.1, 0, torch.qint8)
    torch.save({"weight": weight}, tmp_path / "weights.pt")

    tensor = read(tmp_path / "weights.pt").tensors["weight"]

    assert (tensor.shape, tensor.dtype, tensor.bytes) == ((2, 5), "qint8", 10)


# In protocol 0 torch writes files that it cannot read.
@pytest.mark.parametrize("protocol", [1, 2, 3, 4])
def test_every_protocol_of_the_old_format(tmp_path: Path, protocol: int) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    torch.save(model, tmp_path / "model.pth", _use_new_zipfile_serialization=False, pickle_protocol=protocol)

    checkpoint = read(tmp_path / "model.pth")

    assert checkpoint.shapes == {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert checkpoint.modules["0"].type == "torch.nn.modules.conv.Conv2d"


class Model(nn.Module):
    """The attributes that a model of YOLOv5 has, in whose repository this class is ``models.yolo.Model``."""

    def __init__(self) -> None:
        super().__init__()
        self.yaml = {
            "nc": 2,
            "depth_multiple": 0.33,
            "width_multiple": 0.25,
            "anchors": [[10, 13, 16, 30, 33, 23]],
            "backbone": [[-1, 1, "Conv", [16, 3, 2]]],
            "head": [[[0], 1, "Detect", ["nc", "anchors"]]],
            "ch": 3,
        }
        self.names = ["cat", "dog"]
        self.nc = 2
        self.model = nn.Sequential(nn.Conv2d(3, 16, 3))


def test_yolov5(tmp_path: Path, classes_of: Any) -> None:
    with classes_of("models.yolo", Model=Model):
        torch.save({"epoch": 5, "model": Model(), "ema": None, "opt": {"imgsz": 640}}, tmp_path / "best.pt")

    checkpoint = read(tmp_path / "best.pt")

    assert (checkpoint.kind, checkpoint.source, checkpoint.task) == ("yolov5", "model", "detect")
    assert (checkpoint.nc, checkpoint.names) == (2, {0: "cat", 1: "dog"})
    assert checkpoint.yaml is not None
    assert checkpoint.yaml["head"] == [[[0], 1, "Detect", ["nc", "anchors"]]]
    assert (checkpoint.train_args, checkpoint.foreign) == ({"imgsz": 640}, ())
    assert parameters(checkpoint) == 3 * 16 * 9 + 16


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(7))


def test_a_users_own_class_is_read_and_named(tmp_path: Path, classes_of: Any) -> None:
    with classes_of("my_package.blocks", Block=Block):
        torch.save({"model": nn.Sequential(Block())}, tmp_path / "mine.pt")

    checkpoint = read(tmp_path / "mine.pt")

    assert checkpoint.kind == "module"
    assert checkpoint.modules["0"].type == "my_package.blocks.Block"
    assert parameters(checkpoint) == 7
    assert checkpoint.foreign == ("my_package.blocks.Block",)


def test_what_holds_no_model_is_said_to_hold_none(tmp_path: Path) -> None:
    torch.save({"epoch": 1, "loss": [0.5]}, tmp_path / "log.pt")

    checkpoint = read(tmp_path / "log.pt")

    assert checkpoint.kind == "unknown"
    assert checkpoint.notes == ("no model was recognised; its entries: 'epoch', 'loss'",)


class _Calls:
    """What a pickle calls when Python loads it: ``os.getpid()``, which does nothing."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.getpid, ()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_file_without_a_model_says_what_loading_it_would_call(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "call.pt"
    path.write_bytes(pickle.dumps(_Calls(), protocol=protocol))
    with pytest.raises(NoModelError, match=r"no model was recognised in it; .* call \w+\.getpid;"):
        archprof.profile(str(path))
