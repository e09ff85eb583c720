"""What is typed by mistake is answered with what to type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archprof.errors import ArchprofError, UnknownReferenceError
from archprof.sources.reference import resolve


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two YAMLs in a folder, and a saved profile."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    for name in ("a.yaml", "b.yml", "notes.txt"):
        (tmp_path / "models" / name).touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "outer" / "inner").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "c.yaml").touch()
    (tmp_path / "saved.json").write_text(json.dumps({"version": 2}), encoding="utf-8")
    (tmp_path / "there.pt").touch()
    (tmp_path / "nets.py").write_text("def helper(): ...\n\ndef make_net(): ...\n", encoding="utf-8")
    return tmp_path


HUB = "is a name on Hugging Face's hub: nothing is downloaded"
RESNET50 = "type timm:resnet50, the same architecture"
SEVERAL = "name models/a.yaml or models/b.yml; `archprof summary "


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("imgsz=640", "'imgsz=640' is not a model: archprof does not take key=value", "write it as --imgsz 640"),
        ("model=x.yaml", "'model=x.yaml' is not a model", "give the model by itself: x.yaml"),
        ("weights=x.pt", "'weights=x.pt' is not a model", "give the model by itself: x.pt"),
        ("git@github.com:a/b.git", "is an address: nothing is downloaded", "download it"),
        ("reg_max=8", "'reg_max=8' is not a model", "--set reg_max=8"),
        ("https://example.org/x.yaml", "is an address: nothing is downloaded", "download it"),
        (
            "yolo11n.pt",
            "there is no file 'yolo11n.pt', and weights are not downloaded",
            "name the architecture: yolo11n, yolo11n.yaml or FILE.py:",
        ),
        ("best.pt", "there is no file 'best.pt'", "name the architecture that it holds weights of: a YAML"),
        ("./yolo11s-seg.yaml", "model './yolo11s-seg.yaml' not found", "did you mean yolo11s-seg.yaml?"),
        ("ultralytics/yolo11n", "model 'ultralytics/yolo11n' not found", "did you mean yolo11n?"),
        ("nets", "model 'nets' not found", "did you mean nets.py:make_net?"),
        ("nets.py", "'nets.py' is a file of Python", "name the function that makes the model, as nets.py:make_net"),
        ("there.pt", "the file is empty", "copy or download the file again"),
        ("x.engine", "'x.engine' is an exported model", "name what it was exported from"),
        ("x.onnx", "there is no file 'x.onnx'", None),
        ("saved.json", "'saved.json' is a JSON file, not a model", "archprof compare saved.json MODEL"),
        ("models/*.y*ml", "'models/*.y*ml' matches 2 files, and one model is wanted", SEVERAL),
        ("models/*.json", "no file matches 'models/*.json'", None),
        ("models", "a folder, not a model", SEVERAL),
        ("empty", "a folder without a model (.", None),
        ("outer", "a folder without a model (.", "there are some in outer/inner"),
        ("nodir/", "'nodir/' not found: there is no folder 'nodir'", None),
        ("model/a.yaml", "'model/a.yaml' not found: there is no folder 'model'", "did you mean models/?"),
        ("outer/iner/c.yaml", "there is no folder 'outer/iner'", "did you mean outer/inner/?"),
        ("models/zzzz.yaml", "model 'models/zzzz.yaml' not found", "models/ has a.yaml, b.yml"),
        ("nodir/best.pt", "there is no folder 'nodir'", None),
        ("nodir/*.yaml", "no file matches 'nodir/*.yaml'", "there is no folder 'nodir'"),
        ("resnet50", "model 'resnet50' not found", "did you mean timm:resnet50 or torchvision:resnet50?"),
        (
            "torchvision.models.vit_b_16",
            "model 'torchvision.models.vit_b_16' not found",
            "did you mean torchvision:vit_b",
        ),
        ("pytorch/vision:vit_b_16", "model 'pytorch/vision:vit_b_16' not found", "did you mean torchvision:vit_b_16?"),
        ("microsoft/resnet-50", "model 'microsoft/resnet-50' not found", "did you mean timm:resnet50"),
        ("vit_b_16", "model 'vit_b_16' not found", "did you mean torchvision:vit_b_16?"),
    ],
)
def test_the_answer_says_what_to_type(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ArchprofError) as caught:
        resolve(text)
    assert message in caught.value.message
    assert hint is None if caught.value.hint is None else hint is not None and hint in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("prefix", ["hf-hub:timm/", "hf_hub:timm/", "timm/", "timm.", "https://huggingface.co/timm/"])
@pytest.mark.parametrize("name", ["resnet50", "resnet50.a1_in1k"])
def test_a_name_on_a_hub_is_answered_with_timms(prefix: str, name: str) -> None:
    with pytest.raises(UnknownReferenceError, match=HUB) as caught:
        resolve(prefix + name)
    assert (caught.value.hint or "").startswith(RESNET50)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("hf-hub:microsoft/resnet-50", "did you mean timm:resnet50?"),
        ("hf-hub:ultralytics/zzzzzz", "name the architecture: timm:NAME, torchvision:NAME or FILE.py:FACTORY"),
    ],
)
def test_a_name_on_a_hub_that_timm_has_not(text: str, hint: str) -> None:
    with pytest.raises(UnknownReferenceError, match=HUB) as caught:
        resolve(text)
    assert caught.value.hint == hint


@pytest.mark.parametrize("text", ["timm:timm/resnet50", "timm:hf-hub:timm/resnet50.a1_in1k"])
def test_a_hubs_name_behind_timm(text: str) -> None:
    error = resolve(text).missing()
    assert error is not None
    assert error.hint == "did you mean timm:resnet50?"


# The numbers of classes are those that the data sets are known for: COCO 80, Pascal VOC 20, ImageNet 1,000.
@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("coco128.yaml", "80"),
        ("data/coco.yaml", "80"),
        ("coco8-seg.yaml", "80"),
        ("coco128", "80"),
        ("VOC.yaml", "20"),
        ("voc.yaml", "20"),
        ("ImageNet.yaml", "1000"),
        ("imagenet10.yaml", "N"),
        ("imagenet100", "N"),
        ("data.yaml", "N"),
        ("dataset.yml", "N"),
        ("cifar100.yaml", "N"),
    ],
)
def test_the_name_of_a_data_set(text: str, classes: str) -> None:
    with pytest.raises(UnknownReferenceError) as caught:
        resolve(text)
    assert caught.value.message == f"{text!r} is the name of a dataset, not of a model"
    assert f"archprof summary yolo11n --nc {classes}" in (caught.value.hint or "")


def test_every_yaml_of_ultralytics_that_is_no_model_is_named() -> None:
    import ultralytics

    root = Path(ultralytics.__file__).parent / "cfg"
    others = [file for file in root.rglob("*.yaml") if "models" not in file.parts]
    assert len(others) > 40
    for file in others:
        with pytest.raises(UnknownReferenceError, match=r"is the name of .*, not of a model"):
            resolve(file.name)


def test_a_variant_of_such_a_name_is_one(folder: Path) -> None:
    (folder / "imgsz=640.yaml").write_text("backbone: [[-1, 1, Conv, [8]]]", encoding="utf-8")
    (folder / "net.json.yaml").write_text("backbone: [[-1, 1, Conv, [8]]]", encoding="utf-8")
    assert resolve("imgsz=640.yaml").name == "imgsz=640"
    assert resolve("net.json").name == "net.json"


BROKEN = {
    "dynamic.yaml": (
        "backbone: [[-1, 1, DynamicConv, [8]]]",
        "dynamic.yaml:1: row 0: unknown block 'DynamicConv'\n",
    ),
    "typing.yaml": ("backbone: [[-1, 1, Cnov, [8]]]", "typing.yaml:1: row 0: unknown block 'Cnov'\ndid you mean Conv"),
    "torch.yaml": (
        "backbone: [[-1, 1, nn.Upsmaple, [8]]]",
        "torch.yaml:1: row 0: unknown block 'nn.Upsmaple'\ndid you mean nn.Upsample",
    ),
    "zoo.yaml": (
        "family: yolov13\nbackbone: [[-1, 1, DynamcConv, [8]]]",
        "zoo.yaml:2: row 0: unknown block 'DynamcConv'\ndid you mean DynamicConv",
    ),
    "classes.yaml": (
        "backbone: [[-1, 1, Conv, [8]]]\nhead: [[-1, 1, Classify, [nc]]]",
        "classes.yaml:2: row 1: Classify needs the number of classes, and the file has no nc\nadd `nc: 80`",
    ),
    "key.yaml": ("backbone: [[-1, 1, Conv, [8]]]\nwith_multiple: 0.5", "key.yaml:2: nothing reads 'with_multiple'"),
}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("timm:resnet5", "timm has no model 'resnet5'\ndid you mean timm:resnet50 or "),
        ("torchvision:vgg61", "torchvision has no model 'vgg61'\ndid you mean torchvision:vgg1"),
        ("yolo11n --plugin nowhere.py", "nowhere.py: no such file"),
        ("yolo11n --plugin nowhere", "no module named 'nowhere'\na file is named with its extension: nowhere.py"),
        ("resnet50", "model 'resnet50' not found"),
        *((name, message) for name, (_, message) in BROKEN.items()),
    ],
)
def test_what_needs_no_torch_is_said_without_it(folder: Path, arguments: str, message: str) -> None:
    for name, (text, _) in BROKEN.items():
        (folder / name).write_text(text, encoding="utf-8")
    code = """
import sys
from archprof.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 2, end.code
assert not {"torch", "timm", "torchvision"} & set(sys.modules)
"""
    command = [sys.executable, "-c", code, "summary", *arguments.split(), "--no-cache"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert result.stderr.startswith(f"error: {message}")


def test_what_is_no_regular_file(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("elsewhere.yaml")
    with pytest.raises(ArchprofError, match=r"^link.yaml: is a link to elsewhere.yaml, which does not exist$"):
        resolve("link.yaml")
    os.mkfifo(folder / "pipe.yaml")
    with pytest.raises(ArchprofError, match=r"^pipe.yaml: is no regular file\n"):
        resolve("pipe.yaml")
