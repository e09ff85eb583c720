from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from archprof.sources.checkpoint.contents import parameters
from archprof.sources.checkpoint.reader import read

if TYPE_CHECKING:
    from pathlib import Path

# Ultralytics' documentation and its own summary of yolo11n.yaml: "YOLO11n summary: 181 layers, 2,624,080 parameters".
YOLO11N = 2_624_080

MODULES = ("last", "best", "module", "data_parallel", "legacy_module", "protocol_4")
STATE_DICTS = ("state_dict", "wrapped", "parallel", "legacy_state_dict", "safetensors")


@pytest.mark.parametrize("name", [*MODULES, *STATE_DICTS])
def test_tensors_are_those_of_the_state_dict(files: dict[str, Path], yolo: Any, name: str) -> None:
    checkpoint = read(files[name])

    assert checkpoint.shapes == {key: tuple(tensor.shape) for key, tensor in yolo.state_dict().items()}
    assert parameters(checkpoint) == YOLO11N


@pytest.mark.parametrize("name", MODULES)
def test_module_tree_is_that_of_the_model(files: dict[str, Path], yolo: Any, name: str) -> None:
    checkpoint = read(files[name])

    expected = {
        path: f"{type(module).__module__}.{type(module).__qualname__}"
        for path, module in yolo.named_modules(remove_duplicate=False)
    }
    assert {path: module.type for path, module in checkpoint.modules.items()} == expected
    for path, module in yolo.named_modules():
        if hasattr(module, "kernel_size") and isinstance(module.stride, tuple):
            names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups")
            expected = {key: getattr(module, key) for key in names}
            assert {key: checkpoint.modules[path].attributes[key] for key in names} == expected


@pytest.mark.parametrize("name", MODULES)
def test_roles_are_those_of_the_model(files: dict[str, Path], yolo: Any, name: str) -> None:
    tensors = read(files[name]).tensors

    assert [key for key, tensor in tensors.items() if tensor.role == "parameter"] == [
        key for key, _ in yolo.named_parameters()
    ]
    assert {key for key, tensor in tensors.items() if tensor.role == "buffer"} == {
        key for key, _ in yolo.named_buffers()
    }


@pytest.mark.parametrize(("name", "dtype", "item"), [("last", "float16", 2), ("state_dict", "float32", 4)])
def test_dtypes_strides_and_sizes(files: dict[str, Path], yolo: Any, name: str, dtype: str, item: int) -> None:
    tensors = read(files[name]).tensors

    for key, expected in yolo.state_dict().items():
        tensor = tensors[key]
        floating = expected.is_floating_point()  # num_batches_tracked is int64, half the model or not
        assert tensor.dtype == (dtype if floating else "int64")
        assert tensor.stride == expected.stride()
        assert (tensor.numel, tensor.bytes) == (expected.numel(), expected.numel() * (item if floating else 8))


def test_last_checkpoint_of_a_training(files: dict[str, Path], yolo: Any) -> None:
    checkpoint = read(files["last"])

    assert (checkpoint.kind, checkpoint.source, checkpoint.task, checkpoint.nc) == ("ultralytics", "ema", "detect", 80)
    assert checkpoint.model == "ultralytics.nn.tasks.DetectionModel"
    assert checkpoint.names == yolo.names
    assert checkpoint.yaml == yolo.yaml
    assert checkpoint.train_args == {"task": "detect", "imgsz": 640, "model": "yolo11n.yaml"}
    assert checkpoint.metadata == {
        "epoch": 3,
        "best_fitness": 0.25,
        "updates": 40,
        "date": "2025-11-30T04:58:00",
        "version": "8.4.190",
        "git.branch": "main",
        "git.commit": "abc",
    }
    assert checkpoint.foreign == ()
    assert checkpoint.notes == ()


def test_finished_checkpoint_has_its_network_in_model(files: dict[str, Path]) -> None:
    checkpoint = read(files["best"])

    assert (checkpoint.source, checkpoint.metadata["epoch"]) == ("model", -1)


def test_averaged_network_is_used_where_there_are_two(tmp_path: Path) -> None:
    import torch
    from torch import nn

    path = tmp_path / "both.pt"
    torch.save({"model": nn.Linear(2, 2), "ema": nn.Linear(2, 3)}, path)

    checkpoint = read(path)

    assert checkpoint.shapes["weight"] == (3, 2)
    assert checkpoint.notes == (
        "the file holds several networks: 'ema' is used, as Ultralytics does on loading, not 'model'",
    )


@pytest.mark.parametrize("name", STATE_DICTS)
def test_state_dict_gives_parameters_and_says_what_is_missing(files: dict[str, Path], name: str) -> None:
    checkpoint = read(files[name])

    assert checkpoint.kind == ("safetensors" if name == "safetensors" else "state_dict")
    assert (checkpoint.yaml, checkpoint.modules, checkpoint.nc) == (None, {}, None)
    rows: dict[str, int] = {}
    for tensor_name, tensor in checkpoint.tensors.items():
        row = ".".join(tensor_name.split(".")[:2])
        rows[row] = rows.get(row, 0) + (tensor.numel if tensor.role != "buffer" else 0)
    # Row 0 is Conv(3, 16, 3): 16·3·3·3 = 432 of the kernel, 2·16 = 32 of the normalisation.
    assert rows["model.0"] == 464
    assert parameters(checkpoint) == sum(rows.values()) == YOLO11N
    assert len(rows) == 24 - 6  # 24 rows, of which two upsample and four concatenate
    assert "order of the layers" in checkpoint.notes[-1]


@pytest.mark.parametrize(("name", "source"), [("state_dict", None), ("wrapped", "state_dict")])
def test_state_dict_in_an_entry(files: dict[str, Path], name: str, source: str | None) -> None:
    assert read(files[name]).source == source


def test_prefix_of_data_parallel_is_left_out_with_a_note(files: dict[str, Path]) -> None:
    assert read(files["parallel"]).notes[0].startswith("the prefix 'module.' of all names, which DataParallel adds")
    assert read(files["data_parallel"]).notes == ("the model is wrapped in DataParallel, which is left out",)


def test_torchscript(torchscript: Path) -> None:
    import torchvision

    model = torchvision.models.resnet18(weights=None)

    checkpoint = read(torchscript)

    assert (checkpoint.kind, checkpoint.model) == ("torchscript", "torchvision.models.resnet.ResNet")
    assert checkpoint.shapes == {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    # torchvision's documentation of ResNet18_Weights: num_params 11689512.
    assert parameters(checkpoint) == 11_689_512
    assert {key for key, tensor in checkpoint.tensors.items() if tensor.role == "buffer"} == {
        key for key, _ in model.named_buffers()
    }
    assert checkpoint.modules["layer1.0.conv1"].type == "torch.nn.modules.conv.Conv2d"
    assert checkpoint.foreign == ()


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated, and Ultralytics' exporter warns of the model's size
def test_torchscript_of_ultralytics_has_names_and_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ultralytics import YOLO

    monkeypatch.chdir(tmp_path)  # the exporter writes into the working folder
    (tmp_path / "tiny.yaml").write_text(
        "nc: 3\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n", encoding="utf-8"
    )
    model = YOLO(str(tmp_path / "tiny.yaml"), task="classify")
    path = model.export(format="torchscript", imgsz=32)

    checkpoint = read(path)

    assert (checkpoint.task, checkpoint.nc, checkpoint.names) == ("classify", 3, {0: "0", 1: "1", 2: "2"})
    assert parameters(checkpoint) == sum(parameter.numel() for parameter in model.model.fuse().parameters())


def test_tied_weights_count_once(tmp_path: Path) -> None:
    import torch
    from torch import nn

    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 10, bias=False))
    model[1].weight = model[0].weight
    for name, value in (("module", model), ("state_dict", model.state_dict())):
        path = tmp_path / f"{name}.pt"
        torch.save(value, path)

        checkpoint = read(path)

        assert list(checkpoint.tensors) == ["0.weight", "1.weight"]
        assert parameters(checkpoint) == 40


def test_buffers_that_a_state_dict_leaves_out_are_left_out(tmp_path: Path) -> None:
    import torch
    from torch import nn

    model = nn.Linear(2, 2)
    model.register_buffer("kept", torch.zeros(3))
    model.register_buffer("transient", torch.zeros(4), persistent=False)
    torch.save(model, tmp_path / "model.pt")

    checkpoint = read(tmp_path / "model.pt")

    assert checkpoint.kind == "module"
    assert checkpoint.shapes == {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}


def test_digest_changes_with_the_architecture_and_not_with_the_weights(tmp_path: Path) -> None:
    import torch
    from torch import nn

    digests = []
    for seed, features in ((0, 2), (1, 2), (0, 3)):
        torch.manual_seed(seed)
        torch.save(nn.Linear(2, features).state_dict(), tmp_path / "weights.pt")
        digests.append(read(tmp_path / "weights.pt").digest)

    assert digests[0] == digests[1] != digests[2]


def test_reading_imports_neither_torch_nor_numpy(files: dict[str, Path]) -> None:
    code = (
        "import sys; from archprof.sources.checkpoint.reader import read\n"
        "for path in sys.argv[1:]: read(path)\n"
        "print([name for name in ('torch', 'numpy', 'ultralytics') if name in sys.modules])"
    )

    run = subprocess.run(
        [sys.executable, "-c", code, *map(str, files.values())], capture_output=True, text=True, check=True
    )

    assert run.stdout == "[]\n"
