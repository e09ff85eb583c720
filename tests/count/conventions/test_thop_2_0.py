"""The `thop-2.0` convention says what ultralytics-thop 2.0.14 says, to the operation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from archprof.builder.load import build
from archprof.count.conventions import report, reports
from archprof.count.conventions.subject import Subject
from archprof.count.ledger import count
from archprof.records.conventions import find_convention
from archprof.sources.families import variants
from archprof.sources.reference import resolve
from archprof.trace.run import trace

if TYPE_CHECKING:
    from archprof.records.profile import Reported

STOCK = {
    "yolo11n": ["", "-seg", "-pose", "-obb", "-cls"],
    "yolo12n": [""],
    "yolo26n": ["", "-seg"],
    "yolov10n": [""],
    "yolov3-tiny": [""],
    "yolov5n": ["", "-p6"],
    "yolov6n": [""],
    "yolov8n": ["", "-cls", "-ghost", "-p2", "-p6", "-pose", "-seg"],
    "yolov9t": [""],
    "yolov9s": [""],
    "rtdetr-resnet50": [""],
}
NAMES = [stem + tail for stem, tails in STOCK.items() for tail in tails]
OTHERS = ["timm:resnet18", "timm:convnext_atto", "torchvision:mobilenet_v3_small"]
ZOO = [name for family, name, _ in variants() if family.name != "llama"]  # a language model takes no image
IN_CI = {"yolo11n-seg", "yolo12n", "yolo26n", "yolov6n", "yolov8n-ghost", "yolov8n-p6", "rtdetr-resnet50", *OTHERS}
IN_CI |= {name for name in ZOO if name.startswith("yolo")}
REFERENCES = [name if name in IN_CI else pytest.param(name, marks=pytest.mark.full) for name in [*NAMES, *OTHERS, *ZOO]]


@pytest.fixture(scope="module")
def real(thop_2_0: Path, request: pytest.FixtureRequest) -> dict[str, tuple[float, int]]:
    """What the old thop prints, run once for all the references that are asked for."""
    asked = [
        item.callspec.params["reference"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]
    environment = {**os.environ, "PYTHONPATH": str(thop_2_0)}
    script = Path(__file__).with_name("run_thop.py")
    run = subprocess.run(
        [sys.executable, str(script), *asked], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    answers: dict[str, tuple[float, int]] = json.loads(run.stdout.splitlines()[-1])
    return answers


def replayed(model: nn.Module, side: int) -> Reported:
    image = torch.empty(1, 3, side, side, device="meta")
    return report(find_convention("thop-2.0"), Subject(model, (image,), count(trace(model, (image,)))))


@pytest.mark.parametrize("reference", REFERENCES)
def test_agrees_with_the_package(reference: str, real: dict[str, tuple[float, int]]) -> None:
    built = build(resolve(reference))
    answer = replayed(built.module, built.size[0])
    assert [answer.operations, answer.input_shape[-1]] == real[reference]


# Those that thop 2.0 has a rule for, and some that it has none for.
KINDS = """
    AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool2d AvgPool1d AvgPool2d AvgPool3d BatchNorm1d
    BatchNorm2d BatchNorm3d Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d GroupNorm
    InstanceNorm1d InstanceNorm2d LayerNorm Linear MaxPool2d MultiheadAttention PReLU ReLU LeakyReLU RNN GRU LSTM
    RNNCell GRUCell LSTMCell Softmax Softmin ZeroPad2d TransformerEncoderLayer
"""


def test_agrees_with_the_package_on_modules(thop_2_0: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(thop_2_0)}
    script = Path(__file__).with_name("run_thop_modules.py")
    names = [f"nn.{name}" for name in KINDS.split()]
    run = subprocess.run(
        [sys.executable, str(script), *names], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout.splitlines()[-1])
    assert [case for case, real, replay in results if real != replay] == []
    # Both numbers and stops are among them.
    stops = [case for case, real, _ in results if real == "stops"]
    assert len(results) - len(stops) > 80
    assert any("nn.Conv2d" in case and "keyword" in case for case in stops)


def test_at_least_twenty_stock_variants() -> None:
    assert len(NAMES) >= 20


def test_one_convolution_by_hand() -> None:
    # At 32×32: output 8·32·32 = 8192 elements of 3·9 products, normalisation 4 an element.
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)).eval()
    answer = replayed(model, 64)
    assert answer.operations == 8192 * 27 + 4 * 8192
    # Doubled, and four times the area.
    assert answer.gflops == pytest.approx((8192 * 27 + 4 * 8192) * 2 * 4 / 1e9)
    assert answer.missed == []
    # The convolution is given what it takes; the normalisation 4 an element, doubled, and four times the area.
    assert [(added.operation, added.calls, added.flops) for added in answer.added] == [
        ("BatchNorm2d", 1, 4 * 8192 * 2 * 4)
    ]


def test_what_does_not_grow_with_the_area_is_added_as_often_as_the_area_grew() -> None:
    # A Linear of 3·5 products behind pooling to one pixel: at 32×32 as at 64×64, and 4 times that is 3 times too much.
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(3, 5)).eval()
    answer = replayed(model, 64)
    assert [(added.operation, added.flops) for added in answer.added] == [("Linear", 3 * 15 * 2)]


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, self.weight)


def test_a_convolution_run_as_a_function_is_missed_and_said_to_be() -> None:
    answer = replayed(Functional(), 64)
    assert answer.operations == 0
    # 8·64·64 elements of 3 products, 2 FLOPs each.
    assert [(missed.operation, missed.calls, missed.flops) for missed in answer.missed] == [
        ("aten.convolution", 1, 8 * 64 * 64 * 3 * 2)
    ]


def test_a_model_that_takes_no_image_has_no_figure() -> None:
    model = nn.Embedding(3, 4)
    tokens = torch.zeros(1, 2, dtype=torch.int64)
    subject = Subject(model, (tokens,), count(trace(model, (tokens,))), image=False)
    # Unasked there is nothing to say; who asks is told.
    assert reports(subject, ["thop-2.0"]) == ({}, ())
    assert reports(subject, ["thop-2.0"], asked=["thop-2.0"]) == (
        {},
        ("--convention thop-2.0 cannot be given: it is for models that take images",),
    )
