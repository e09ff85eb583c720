"""What is written out trains without archprof: Ultralytics and timm build the network that was counted."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from archprof.builder.load import build
from archprof.builder.options import Options
from archprof.sources.reference import resolve
from archprof.sources.yaml_file import load
from archprof.suggest.additive import parse_budgets
from archprof.suggest.placement import suggest
from archprof.suggest.problem import Question

if TYPE_CHECKING:
    from types import ModuleType

    from archprof.records.suggestion import Suggestion


def answer(
    reference: str, *maxima: str, scale: str | None = None, settings: dict[str, Any] | None = None
) -> Suggestion:
    spec = resolve(reference, scale=scale).with_values(settings or {})
    question = Question(experts=(2, 4), budgets=tuple(parse_budgets(maxima, [])), alternatives=0)
    return suggest(spec, Options(size=(64, 64)), question)


def written(result: Suggestion, folder: Path) -> ModuleType:
    """The Python file, imported."""
    name = result.stem.replace("-", "_")
    path = folder / f"{name}.py"
    path.write_text(result.python, encoding="utf-8")
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def shapes(model: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    ("reference", "scale", "settings"),
    [
        ("yolo11n", None, {}),
        pytest.param("yolov8", "s", {"nc": 3}, marks=pytest.mark.full),
        pytest.param("yolov10n", None, {}, marks=pytest.mark.full),
        pytest.param("yolo11n-seg", None, {}, marks=pytest.mark.full),
        pytest.param("yolo11n-pose", None, {}, marks=pytest.mark.full),
        pytest.param("yolo11n-obb", None, {}, marks=pytest.mark.full),
        pytest.param("yolo11n-cls", None, {"nc": 7}, marks=pytest.mark.full),
        pytest.param("yolo26n", None, {}, marks=pytest.mark.full),
        pytest.param("rtdetr-l", None, {}, marks=pytest.mark.full),
    ],
)
def test_ultralytics_builds_it(reference: str, scale: str | None, settings: dict[str, Any], tmp_path: Path) -> None:
    result = answer(reference, "flops=+0.5%", "bytes=+5%", scale=scale, settings=settings)
    assert result.placement
    file = written(result, tmp_path)

    model = file.build()

    assert "archprof" not in type(model).__module__
    assert sum(parameter.numel() for parameter in model.parameters()) == result.counted["parameters"]
    # The YAML, read and built by archprof, has the same parameters by the same names.
    path = tmp_path / f"{result.stem}.yaml"
    assert result.yaml is not None
    path.write_text(result.yaml, encoding="utf-8")
    read = build(load(path, scale=scale).with_values(settings), device="cpu").module
    assert shapes(read) == shapes(model)
    model.load_state_dict(read.state_dict())
    # A forward and a backward pass; every router and every expert learns.
    model.train()
    outputs = model(torch.rand(2, 3, 64, 64))
    total = sum(tensor.float().pow(2).sum() for tensor in tensors(outputs) if tensor.requires_grad)
    total.backward()
    for module in file.EXPERTS:
        convolution = model.get_submodule(module)
        assert type(convolution) is file.MixedConvolution
        assert convolution.weight.grad.abs().sum((0, 1)).gt(0).all()
        assert convolution.router.weight.grad.abs().sum() > 0


def tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in tensors(item)]
    return [tensor for item in value for tensor in tensors(item)] if isinstance(value, (list, tuple)) else []


def test_ultralytics_folds_it_exactly(tmp_path: Path) -> None:
    file = written(answer("yolo11n", "bytes=+5%"), tmp_path)
    model = file.build().eval()
    torch.manual_seed(0)
    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.5, 1.5)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = model(image)[0]
        after = model.fuse(verbose=False)(image)[0]

    assert any(type(part) is file.MixedConvolution for part in model.modules())
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)


def test_ultralytics_trains_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One epoch on two images, and one more from the checkpoint: it is the dynamic network that learns."""
    from PIL import Image
    from ultralytics import YOLO

    result = answer("yolo11n", "bytes=+5%")
    file = written(result, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # a checkpoint holds the class by the file's name
    monkeypatch.setitem(sys.modules, file.__name__, file)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for index in range(2):
        Image.new("RGB", (32, 32), (40 * index, 90, 200)).save(tmp_path / "images" / f"{index}.png")
        (tmp_path / "labels" / f"{index}.txt").write_text("0 0.5 0.5 0.4 0.4\n", encoding="utf-8")
    data = tmp_path / "data.yaml"
    data.write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: {{0: thing}}\n", encoding="utf-8")
    settings: dict[str, Any] = {
        "data": data, "epochs": 1, "imgsz": 32, "batch": 2, "device": "cpu", "workers": 0, "amp": False,
        "plots": False, "val": False, "project": tmp_path / "runs", "verbose": False,
    }  # fmt: skip

    model = YOLO("yolo11n.yaml")
    model.train(trainer=file.DynamicTrainer, **settings)

    checkpoint = model.trainer.last
    learnt = YOLO(checkpoint).model
    dynamic = {path for path, part in learnt.named_modules() if type(part) is file.MixedConvolution}
    assert dynamic == set(result.experts)


def test_timm_builds_it(tmp_path: Path) -> None:
    result = answer("timm:resnet18", "bytes=+10%", settings={"nc": 5})
    assert result.yaml is None
    model = written(result, tmp_path).build()

    assert sum(parameter.numel() for parameter in model.parameters()) == result.counted["parameters"]
    assert model.fc.out_features == 5
    model(torch.rand(2, 3, 64, 64)).sum().backward()


def test_its_header_says_that_there_is_no_condition_on_its_use(tmp_path: Path) -> None:
    """What is trained with it does not come under archprof's licence; the pages that say so say it alike."""
    file = written(answer("torchvision:resnet18", "bytes=+10%"), tmp_path)
    root = Path(__file__).parents[2]
    pages = [root / "README.md", root / "docs" / "guide" / "suggest.md"]

    for text in (file.__doc__ or "", *(page.read_text(encoding="utf-8") for page in pages)):
        assert re.search(r"authors\s+(of archprof\s+)?put\s+no\s+condition", text)


def test_it_does_not_need_archprof(tmp_path: Path) -> None:
    result = answer("torchvision:resnet18", "bytes=+10%")
    (tmp_path / "dynamic.py").write_text(result.python, encoding="utf-8")
    code = (
        "import sys; sys.modules['archprof'] = None; sys.modules['model_zoo'] = None\n"
        "import dynamic, torch; print(dynamic.build()(torch.rand(1, 3, 64, 64)).shape[1])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)

    assert (run.stdout, run.returncode) == ("1000\n", 0), run.stderr


def test_an_earlier_placement_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    rows = "nc: 2\ndynamic_convolutions:\n  model.0.conv: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n"
    path.write_text(f"{rows}  - [-1, 1, Conv, [32, 3, 2]]\nhead:\n  - [-1, 1, Classify, [nc]]\n", encoding="utf-8")

    result = answer(str(path), "bytes=+50%")

    assert result.yaml is not None
    path.write_text(result.yaml, encoding="utf-8")
    assert load(path).document["dynamic_convolutions"] == {"model.0.conv": 2, **result.experts}
    assert "model.0.conv" not in result.experts
