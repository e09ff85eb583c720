from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, VariantError
from archprof.sources import families
from archprof.sources.origins.stock import stock
from archprof.sources.reference import resolve, scales
from archprof.sources.spec import RecipeSpec, VariantSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

MINE = """\
scales: {n: [0.33, 0.25, 1024], l: [1, 1, 512]}
backbone: [[-1, 1, Conv, [64]]]
"""


def variant(text: str, **more: str) -> VariantSpec:
    spec = resolve(text, **more)
    assert isinstance(spec, VariantSpec)
    return spec


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, so that nothing is found in it but what a test puts there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "name", "scale", "family"),
    [
        ("yolov13-DynamicConv", "yolov13-DynamicConv", "n", "yolov13"),
        ("yolov13-DynamicConv.yaml", "yolov13-DynamicConv", "n", "yolov13"),
        ("yolov13l-DynamicConv.yaml", "yolov13-DynamicConv", "l", "yolov13"),
        ("yolov10n-DynamicConv-1.yaml", "yolov10n-DynamicConv-1", "n", "yolov10"),
        ("parameternet-600m", "parameternet-600m", None, "parameternet"),
        ("yolo11s-seg.yaml", "yolo11-seg", "s", "ultralytics"),
        ("yolo11x-seg.yml", "yolo11-seg", "x", "ultralytics"),
        ("yolov8m-p6", "yolov8-p6", "m", "ultralytics"),
        ("yoloe-v8s-seg", "yoloe-v8-seg", "s", "ultralytics"),
        ("yolov10b", "yolov10b", "b", "ultralytics"),
        ("rtdetr-x", "rtdetr-x", "x", "ultralytics"),
        ("yolov9c", "yolov9c", None, "ultralytics"),
    ],
)
def test_names_of_the_zoo_and_of_ultralytics(text: str, name: str, scale: str | None, family: str) -> None:
    spec = variant(text)
    assert (spec.name, spec.scale, spec.family, spec.reference) == (name, scale, family, text)
    assert spec.path.is_file()


@pytest.mark.parametrize("name", [name for name in sorted(stock()) if re.search(r"\d", name)])
def test_a_scale_in_a_name_means_what_ultralytics_takes_it_for(name: str) -> None:
    from ultralytics.nn.tasks import guess_model_scale

    for scale in variant(name).scales:
        # Ultralytics looks for the letter after the first number.
        lettered = name if guess_model_scale(name) == scale else re.sub(r"(\d+)", rf"\1{scale}", name, count=1)
        if guess_model_scale(lettered) == scale:
            spec = variant(f"{lettered}.yaml")
            assert (spec.path.stem, spec.scale, spec.scale_assumed) == (name, scale, False)


@pytest.mark.parametrize("name", [name for _, name, _ in families.variants()])
def test_every_variant_of_the_zoo_resolves_at_every_scale(name: str) -> None:
    for scale in scales(name):
        assert variant(name, scale=scale).scale == scale
    assert variant(name).path.name == f"{name}.yaml"


def test_scales_in_the_order_of_the_file() -> None:
    assert scales("yolo11") == ("n", "s", "m", "l", "x")
    assert scales(resolve("yolov10n")) == ("n",)
    assert scales("yolov9c") == scales("timm:resnet18") == ()


def test_a_scale_that_is_asked_for_goes_before_the_one_in_the_name() -> None:
    assert variant("yolo11n", scale="x").scale == "x"


def test_a_file_goes_before_a_name(folder: Path) -> None:
    (folder / "yolo11.yaml").write_text(MINE)
    assert variant("yolo11.yaml").path == variant("yolo11").path == Path("yolo11.yaml")
    assert variant("yolo11l").path == Path("yolo11.yaml")


@pytest.mark.parametrize("suffix", ["yaml", "yml"])
def test_a_file_with_a_scale_in_its_name(folder: Path, suffix: str) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / f"yolov2-wide.{suffix}").write_text(MINE)
    spec = variant(f"deep/yolov2l-wide.{suffix}")
    assert (spec.path, spec.scale, spec.name) == (Path(f"deep/yolov2-wide.{suffix}"), "l", "yolov2-wide")
    assert variant("deep/yolov2-wide").scale_assumed


def test_a_file_of_just_that_name_is_that_file(folder: Path) -> None:
    (folder / "yolov2.yaml").write_text(MINE)
    (folder / "yolov2l.yaml").write_text(MINE.replace("64", "32"))
    assert variant("yolov2l").path == Path("yolov2l.yaml")


def test_a_folder_of_a_variants_name_does_not_hide_it(folder: Path) -> None:
    (folder / "yolo11").mkdir()
    assert variant("yolo11").path.is_file()


def test_a_family_from_the_name_of_a_users_own_file(folder: Path) -> None:
    (folder / "yolov13-mine.yaml").write_text(MINE)
    (folder / "yolo11.yaml").write_text(MINE)
    assert variant("yolov13-mine.yaml").family == "yolov13"
    assert variant("yolo11.yaml").family == "yolo11"


@pytest.mark.parametrize(
    ("text", "origin", "target", "name"),
    [
        ("timm:resnet18", "timm", "resnet18", "resnet18"),
        ("torchvision:vit_b_16", "torchvision", "vit_b_16", "vit_b_16"),
        ("package.module:make", "python", "package.module:make", "make"),
        ("module:Class.make", "python", "module:Class.make", "Class.make"),
        ("nets.py:make", "python", "nets.py:make", "make"),
    ],
)
def test_models_that_are_no_yaml(folder: Path, text: str, origin: str, target: str, name: str) -> None:
    (folder / "nets.py").touch()
    spec = resolve(text)
    assert isinstance(spec, RecipeSpec)
    assert (spec.origin, spec.target, spec.name, spec.reference) == (origin, target, name, text)
    with pytest.raises(UsageError, match="has no scales\nleave out --scale"):
        resolve(text, scale="s")


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("yolo11-sge", UnknownReferenceError, "model 'yolo11-sge' not found\ndid you mean yolo11-seg or"),
        (
            "yolov13-dynamicconv",
            UnknownReferenceError,
            "model 'yolov13-dynamicconv' not found\ndid you mean yolov13-",
        ),
        ("mien.yaml", UnknownReferenceError, "model 'mien.yaml' not found\ndid you mean mine.yaml?"),
        ("deep/mien.yaml", UnknownReferenceError, "model 'deep/mien.yaml' not found\ndid you mean deep/mine.yml?"),
        ("deep/yolo11.yaml", UnknownReferenceError, "model 'deep/yolo11.yaml' not found\ndid you mean yolo11.yaml?"),
        (
            "zzzzzz.yaml",
            UnknownReferenceError,
            "model 'zzzzzz.yaml' not found\n"
            "give timm:NAME, torchvision:NAME, a checkpoint (best.pt), an ONNX file (best.onnx), an exported ",
        ),
        ("resnet18", UnknownReferenceError, "model 'resnet18' not found\ndid you mean "),
        ("YOLO11n", UnknownReferenceError, "model 'YOLO11n' not found\ndid you mean yolo11n?"),
        (
            "Yolov8s-Seg.yaml",
            UnknownReferenceError,
            "model 'Yolov8s-Seg.yaml' not found\ndid you mean yolov8s-seg.yaml?",
        ),
        ("yolo11n ", UnknownReferenceError, "model 'yolo11n ' not found\ndid you mean yolo11n?"),
        ("yolo11n@640", UnknownReferenceError, "model 'yolo11n@640' not found\ntype yolo11n --imgsz 640"),
        ("yolo11n:384x640", UnknownReferenceError, "model 'yolo11n:384x640' not found\ntype yolo11n --imgsz 384x640"),
        ("netz.py:make", UnknownReferenceError, "no file 'netz.py'\ndid you mean nets.py?"),
        (
            "timm:",
            UnknownReferenceError,
            "model 'timm:' not found\ngive timm:NAME, torchvision:NAME, a checkpoint (best.pt), an ONNX file (best",
        ),
        ("", UnknownReferenceError, "the name of the model is empty\ngive timm:NAME"),
        ("a" * 300, VariantError, "cannot be read: File name too long"),
        ("a\0b", UnknownReferenceError, "model 'a\\x00b' not found"),
        ("yolo11q", UnknownReferenceError, "'yolo11q': no scale 'q'; yolo11 has n, s, m, l, x\ntype yolo11n or"),
        ("yolov13m", VariantError, "the name 'yolov13m' asks for scale 'm', which the file does not have\navailable "),
        ("deep", VariantError, "a folder, not a model"),
        (".", VariantError, "a folder, not a model"),
        ("/", VariantError, "a folder without a model (."),
    ],
)
def test_what_means_nothing(folder: Path, text: str, kind: type[ArchprofError], message: str) -> None:
    (folder / "deep").mkdir()
    for name in ("mine.yaml", "deep/mine.yml", "nets.py"):
        (folder / name).touch()
    with pytest.raises(kind) as caught:
        resolve(text)
    assert f"{caught.value.message}\n{caught.value.hint}".startswith(message)


def test_a_folder_that_may_not_be_entered(folder: Path, locked: Callable[[Path], AbstractContextManager[None]]) -> None:
    private = folder / "private"
    private.mkdir()
    (private / "mine.yaml").write_text(MINE)
    with locked(private), pytest.raises(VariantError, match="cannot be read: Permission denied"):
        resolve(str(private / "mine.yaml"))


def test_resolving_imports_no_framework() -> None:
    code = """
import sys
from archprof.claims.catalogue import catalogue
from archprof.sources.reference import resolve
from archprof.sources.settings import apply, parse
apply(resolve("yolov13l-DynamicConv"), parse(["nc=3"]))
resolve("yolo11s-seg")
resolve("timm:resnet18")
assert catalogue()
heavy = {"torch", "torchvision", "timm", "ultralytics", "numpy", "rich"} & set(sys.modules)
assert not heavy, heavy
assert not [name for name in sys.modules if name.startswith("model_zoo.")]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "has", "first"),
    [
        ("yolov13q-DynamicConv.yaml", "yolov13-DynamicConv has n, s, l, x", "yolov13n-DynamicConv.yaml"),
        ("yolov13q-DynamicConv", "yolov13-DynamicConv has n, s, l, x", "yolov13n-DynamicConv"),
        ("yolo11q-seg", "yolo11-seg has n, s, m, l, x", "yolo11n-seg"),
        ("yolov8z.yaml", "yolov8 has n, s, m, l, x", "yolov8n.yaml"),
    ],
)
def test_a_letter_that_is_no_scale(text: str, has: str, first: str) -> None:
    with pytest.raises(UnknownReferenceError) as caught:
        resolve(text)
    assert caught.value.message.endswith(f"; {has}")
    assert caught.value.message.startswith(f"{text!r}: no scale ")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"type {first} or ")
    assert resolve(first).scale == "n"
