"""A model of the user's own that takes other inputs: what its forward takes, what it was given, and what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.builder.options import Options
from archprof.errors import ArchprofError
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve
from archprof.sources.selection import find_specs

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import torch
from torch import nn

class Two(nn.Module):
    def forward(self, image, text: str, scale=1.0):
        return image

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
    def forward(self, tokens):
        return self.table(tokens)

class Features(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(64, 10)
    def forward(self, features):
        return self.layer(features)

class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv3d(3, 4, 3)
    def forward(self, clip):
        return self.layer(clip)

def grey():
    return nn.Sequential(nn.Conv2d(1, 8, 3))

def needs(width, depth=2, *, classes):
    return nn.Conv2d(3, width, depth)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def refusal(reference: str, **settings: object) -> ArchprofError:
    with pytest.raises(ArchprofError) as caught:
        profile_spec(find_specs(reference, settings=settings)[0], Options(size=(32, 32)))
    return caught.value


GIVEN = "was given 1 tensor, 1×3×32×32 float32"


@pytest.mark.parametrize(
    ("name", "takes", "layer"),
    [
        ("Two", f"Two.forward(image, text, scale=1.0) {GIVEN}", "type --input image=SHAPE --input text=SHAPE"),
        (
            "Text",
            f"Text.forward(tokens) {GIVEN}",
            "an Embedding, which takes whole numbers: --input tokens=1x128:int64:0..10",
        ),
        ("Features", f"Features.forward(features) {GIVEN}", "a Linear, which takes 64 features: --input features=1x64"),
        ("Clip", f"Clip.forward(clip) {GIVEN}", "takes clips: --input clip=1x3x16x224x224"),
        ("grey", f"Sequential.forward(input) {GIVEN}", "its first layer takes 1 channel: --channels 1"),
    ],
)
def test_what_it_takes_and_what_to_type(name: str, takes: str, layer: str) -> None:
    hint = refusal(f"nets.py:{name}").hint
    assert hint is not None
    assert hint.startswith(f"{takes}\n")
    assert layer in hint
    assert "--imgsz" in hint
    assert "input_size" in hint
    assert "a SHAPE is 1x3x640x640, or 1x128:int64:0..30000" in hint


def test_what_is_advised_works() -> None:
    profile = profile_spec(resolve("nets.py:grey"), Options(size=(32, 32), channels=1))
    assert profile.totals.parameters == 8 * 9 + 8


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({}, "missing a required argument: 'width'", "type --set width=VALUE --set classes=VALUE"),
        ({"width": 8}, "missing a required argument: 'classes'", "type --set classes=VALUE"),
        ({"width": 8, "classes": 2, "depht": 1}, "got an unexpected keyword argument 'depht'", "classes)"),
    ],
)
def test_a_function_that_takes_arguments(settings: dict[str, object], message: str, hint: str) -> None:
    error = refusal("nets.py:needs", **settings)
    assert error.message == f"nets.py:needs: {message}"
    assert error.hint is not None
    assert error.hint.startswith("needs takes (width, depth=2, *, classes)")
    assert error.hint.endswith(hint)


def test_an_installed_model_is_not_the_users_to_change() -> None:
    hint = refusal("timm:vit_tiny_patch16_224", img_size=64).hint
    assert "input_size" not in (hint or "")
