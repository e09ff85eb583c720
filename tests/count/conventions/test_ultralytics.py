"""The `ultralytics` convention says what the installed Ultralytics prints of the same YAML."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import archprof
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.count.conventions.ultralytics import sampling_is_known
from archprof.count.proxies import ProxyReading, at_size
from archprof.sources.families import variants

NETWORKS = {"-cls": "ClassificationModel", "-seg": "SegmentationModel", "rtdetr": "RTDETRDetectionModel"}
IN_CI = ("yolov8n", "yolo11n", "yolo11n-cls")
REST = (
    "rtdetr-l",
    "yolo11n-seg",
    "yolo12n",
    "yolo26n",
    "yolov10n",
    "yolov9t",
    "yolov6n",
    "yolov5n-p6",
    "rtdetr-resnet50",
)


def printed(name: str, size: tuple[int, int]) -> float:
    """The GFLOPs of Ultralytics' own model of a YAML of its own, as its `info` gives them."""
    import_ultralytics()
    from ultralytics.nn import tasks

    network = next((network for part, network in NETWORKS.items() if part in name), "DetectionModel")
    model: Any = getattr(tasks, network)(f"{name}.yaml", verbose=False)
    return float(model.info(imgsz=list(size))[3])


@pytest.mark.parametrize("name", [*IN_CI, *(pytest.param(name, marks=pytest.mark.full) for name in REST)])
def test_agrees_with_ultralytics(name: str) -> None:
    profile = archprof.profile(name)
    height, width = profile.input.shapes[0][-2:]
    assert profile.reported["ultralytics"].gflops == pytest.approx(printed(name, (height, width)), rel=1e-12)


@pytest.mark.parametrize("size", [(320, 256), (96, 64), (32, 32)])
def test_agrees_at_other_sizes(size: tuple[int, int]) -> None:
    # Where there is no room for smaller images, the image that was asked for is profiled itself.
    reported = archprof.profile("yolo11n", imgsz=size).reported["ultralytics"]
    assert reported.gflops == pytest.approx(printed("yolo11n", size), rel=1e-12)
    assert reported.input_shape == [1, 3, *size]


@pytest.mark.parametrize(
    "name", [name if name == "yolov13-DynamicConv" else pytest.param(name, marks=pytest.mark.full)
             for family, name, _ in variants() if family.name != "llama"],
)  # fmt: skip
def test_agrees_with_the_counter_that_is_run_for_real(name: str) -> None:
    (opinion,) = archprof.audit(name, counters=["ultralytics"]).opinions
    reported = archprof.profile(name).reported.get("ultralytics")
    assert opinion.value == (pytest.approx(reported.gflops, rel=1e-12) if reported else None)


class Net(nn.Module):
    """A convolution of 3 × 3 and stride 16 to 4 channels, then a product of all tokens with each other."""

    def __init__(self, *, functional: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, 16, 1, bias=False)
        self.functional = functional

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        convolution = self.convolution
        if self.functional:
            tokens = nn.functional.conv2d(image, convolution.weight, stride=16, padding=1).flatten(2)
        else:
            tokens = convolution(image).flatten(2)
        return tokens.transpose(1, 2) @ tokens


IMAGE = torch.zeros(1, 3, 256, 256)
TOKENS = 16 * 16
CONVOLUTION = TOKENS * 4 * 3 * 3 * 3
PRODUCT = TOKENS * TOKENS * 4


@pytest.mark.parametrize("batch", [1, 3])
def test_what_runs_as_a_function(batch: int) -> None:
    """Products are counted since thop 2.2, convolutions as functions are not; one image is profiled."""
    images = IMAGE.expand(batch, -1, -1, -1)
    profile = archprof.profile(Net(functional=True), images, conventions=["ultralytics"])
    reported = profile.reported["ultralytics"]
    assert reported.gflops == 2 * PRODUCT / 1e9
    assert [(part.operation, part.calls, part.flops) for part in reported.missed] == [
        ("aten.convolution", 1, 2 * CONVOLUTION)
    ]
    assert reported.added == []
    assert reported.per_image
    assert reported.exact_macs == CONVOLUTION + PRODUCT
    assert profile.totals.macs == batch * (CONVOLUTION + PRODUCT)


def test_shares_add_up() -> None:
    reported = archprof.profile(Net(functional=False), IMAGE, conventions=["ultralytics"]).reported["ultralytics"]
    shares = {(share.module, share.operation): (share.amount, share.macs) for share in reported.shares}
    assert shares == {
        ("convolution", "Conv2d"): (CONVOLUTION, CONVOLUTION),
        ("", "matmul"): (PRODUCT, PRODUCT),
    }
    assert (reported.missed, reported.added) == ([], [])


def test_what_thop_notes_is_gone_afterwards() -> None:
    model = Net(functional=False)
    before = {name: dict(vars(module)) for name, module in model.named_modules()}
    archprof.profile(model, IMAGE, conventions=["ultralytics"])
    assert {name: dict(vars(module)) for name, module in model.named_modules()} == before


def test_asked_of_what_takes_no_image() -> None:
    profile = archprof.profile(nn.Linear(4, 4), torch.zeros(2, 4), conventions=["ultralytics"])
    assert profile.reported == {}
    assert profile.environment.remarks == [
        "--convention ultralytics cannot be given: it is for models that take images"
    ]


class Picky(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 4, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Ultralytics makes an image with the channels of the first weight, 4."""
        if image.shape[1] != 3:
            raise ValueError("images have 3 channels")
        return self.convolution(torch.cat((image, image[:, :1]), 1))  # type: ignore[no-any-return]


def test_where_ultralytics_prints_none_the_exact_count_stands() -> None:
    profile = archprof.profile(Picky(), torch.zeros(1, 3, 64, 64), conventions=["ultralytics"])
    assert profile.totals.macs == 64 * 64 * 4 * 4
    (remark,) = (text for text in profile.environment.remarks if "ultralytics" in text)
    assert remark.startswith("--convention ultralytics cannot be given: Ultralytics itself prints none: ")
    assert remark.endswith("images have 3 channels")


def test_the_images_that_the_installed_thop_looks_at_are_known() -> None:
    """Else no full profile of a YAML is put together from its rows."""
    assert sampling_is_known()


@pytest.mark.parametrize(
    ("amount", "fixed", "functions", "expected"),
    [
        # 256 × 256 is 64 cells of 32 × 32. One image is taken to be proportional: 64 × (7 + 1).
        (lambda cells: 7 * cells + 1, False, 0, 64 * 8),
        # Two images give the line itself.
        (lambda cells: 7 * cells + 1, True, 0, 64 * 7 + 1),
        # Four give the parabola, and what is none is profiled as it is.
        (lambda cells: 3 * cells**2 + 5 * cells, False, 1, 3 * 64**2 + 5 * 64 + 64),
        (lambda cells: cells**3, False, 1, 64**3 + 64),
    ],
)
def test_from_small_images_to_the_one_asked_for(amount: Any, fixed: bool, functions: int, expected: int) -> None:
    def read(height: int, width: int) -> ProxyReading:
        cells = height * width // 32**2
        return ProxyReading({("a", "A"): amount(cells)}, {("", "f"): functions * cells}, fixed, quadratic=False)

    assert at_size((256, 256), 32, 1, read).total == expected


def test_a_head_may_need_more_than_one_stride() -> None:
    """Its first image is two strides wide here, and costs 7·2 + 1."""

    def read(fixed: bool) -> Any:
        return lambda height, width: ProxyReading({("a", "A"): 7 * height * width // 32**2 + 1}, {}, fixed, False)

    # In proportion to the area, 64 strides of 15/2 each; on the line through two images, 7·64 + 1.
    assert at_size((256, 256), 32, 2, read(fixed=False)).total == 480
    assert at_size((256, 256), 32, 2, read(fixed=True)).total == 449


def test_timm_has_fvcores_figure_unasked() -> None:
    (opinion,) = archprof.audit("timm:resnet18", counters=["fvcore"]).opinions
    assert archprof.profile("timm:resnet18").reported["fvcore"].operations == opinion.value
