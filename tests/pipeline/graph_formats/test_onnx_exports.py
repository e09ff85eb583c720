"""Models that torch's exporters wrote, held to the count of the model that was exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import archprof
from archprof.latency.backends.onnx_export import EXPORTERS
from archprof.sources.origins.stock import stock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archprof.records.profile import Profile

CASES = [
    ("yolo11n.yaml", 128, "torchscript"),
    ("yolo26n.yaml", 128, "torchscript"),
    ("timm:resnet18", 64, "torchscript"),
    ("timm:convnext_atto", 64, "dynamo"),
    ("timm:vit_tiny_patch16_224", 224, "dynamo"),
]
SLOW = [
    ("yolo11n.yaml", 128, "dynamo"),
    *(
        (f"{name}.yaml", 128, exporter)
        for name in ("yolov8n", "yolov10n", "yolo12n", "yolo11n-seg", "yolo11n-pose")
        for exporter in EXPORTERS
    ),
    ("rtdetr-l.yaml", 128, "torchscript"),
    ("yolov13-DynamicConv.yaml", 128, "dynamo"),
    *(
        (f"timm:{name}", size, exporter)
        for name, size in (
            ("efficientnet_b0", 64),
            ("mobilenetv4_conv_small", 64),
            ("fastvit_t8", 64),
            ("swin_tiny_patch4_window7_224", 224),
        )
        for exporter in EXPORTERS
    ),
]


@pytest.fixture
def exported(export_onnx: Callable[..., Path]) -> Callable[[str, int, str], Profile]:
    """The profile of what an exporter makes of a fused model."""
    return lambda reference, size, exporter: archprof.profile(str(export_onnx(reference, size, exporter)))


@pytest.mark.parametrize(
    ("reference", "size", "exporter"), [*CASES, *(pytest.param(*case, marks=pytest.mark.full) for case in SLOW)]
)
def test_an_export_has_the_products_of_the_model(
    reference: str, size: int, exporter: str, exported: Callable[..., Profile]
) -> None:
    profile = exported(reference, size, exporter)
    built = archprof.profile(reference, imgsz=size, fuse=True)
    assert profile.totals.macs == built.totals.macs
    assert profile.coverage.unknown == {}
    assert profile.environment.device == "meta"  # shapes alone told it all


def _stock() -> list[str]:
    """Every YAML that Ultralytics ships, at its smallest scale."""
    return [f"{name}.yaml" for name in sorted(stock())]


@pytest.mark.full
@pytest.mark.parametrize("reference", _stock())
def test_every_stock_yaml_is_exported_as_it_is_counted(reference: str, exported: Callable[..., Profile]) -> None:
    """By the exporter that Ultralytics uses; none has a product that the file has not, or the other way about."""
    # The exporter pools to 3×3 where that divides the maps alone: those of yolov8-world at 96 are of 12, 6 and 3.
    size = 256 if "p6" in reference else 96 if reference == "yolov8-world.yaml" else 128
    profile = exported(reference, size, "torchscript")
    built = archprof.profile(reference, imgsz=size, fuse=True)
    assert profile.totals.macs == built.totals.macs
    assert profile.coverage.unknown == {}


@pytest.mark.parametrize(("reference", "size"), [("yolo11n.yaml", 128), ("timm:resnet18", 64)])
def test_an_export_has_the_parameters_of_the_fused_model(
    reference: str, size: int, exported: Callable[..., Profile]
) -> None:
    profile = exported(reference, size, "torchscript")
    assert profile.totals.parameters == archprof.profile(reference, imgsz=size, fuse=True).totals.parameters


def test_rows_of_an_export_are_the_modules_of_the_model(exported: Callable[..., Profile]) -> None:
    profile = exported("yolo11n.yaml", 128, "torchscript")
    macs = {module.path: module.macs for module in profile.modules}
    built = archprof.profile("yolo11n.yaml", imgsz=128, fuse=True)
    rows = {f"module.{layer.path}": layer.macs for layer in built.layers}
    assert {path: macs[path] for path in rows if path in macs} == {path: rows[path] for path in rows if path in macs}
    # Upsampling and concatenation are without products, and without a module of their own where the exporter merged it.
    assert all(path in macs for path, number in rows.items() if number)


@pytest.mark.full
def test_products_of_constants_are_computed_by_the_exporter(exported: Callable[..., Profile]) -> None:
    """RT-DETR's encoder makes its positions anew in each pass: two outer products, of 4·4 positions by 64 frequencies.

    Both factors are constants at a fixed size, so the exporter of torch.export computes them, as it does all that
    follows.
    """
    profile = exported("rtdetr-l.yaml", 128, "dynamo")
    built = archprof.profile("rtdetr-l.yaml", imgsz=128, fuse=True)
    assert built.totals.macs - profile.totals.macs == 2 * 16 * 64
