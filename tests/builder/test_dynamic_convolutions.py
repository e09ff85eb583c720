"""The key ``dynamic_convolutions:`` of a YAML, and the convolution that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from archprof.builder.load import build
from archprof.builder.mixed_convolution import MixedConvolution, replace_convolutions
from archprof.builder.options import Options
from archprof.errors import BuildError, VariantError
from archprof.pipeline.counting import profile_spec
from archprof.sources.reference import resolve
from archprof.sources.yaml_file import load

if TYPE_CHECKING:
    from pathlib import Path

ROWS = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


def variant(folder: Path, key: str) -> Path:
    path = folder / "dynamic.yaml"
    path.write_text(f"{ROWS}{key}\n", encoding="utf-8")
    return path


def test_by_hand(tmp_path: Path) -> None:
    options = Options(size=(64, 64))
    plain = profile_spec(load(variant(tmp_path, "")), options)
    dynamic = profile_spec(load(variant(tmp_path, "dynamic_convolutions: {model.1.conv: 4}")), options)

    assert dynamic.parameternet is not None
    (layer,) = dynamic.parameternet.layers
    # A kernel of 32·16·9 = 4608, four of them; the router 16·4 + 4.
    assert (layer.module, layer.experts, layer.parameters.measured) == ("model.1.conv", 4, 4 * 4608 + 68)
    assert dynamic.totals.parameters - plain.totals.parameters == 3 * 4608 + 68
    # Mixing 4 · 4608, the router 16·4.
    assert dynamic.totals.macs - plain.totals.macs == 4 * 4608 + 64
    assert any("Ultralytics ignores dynamic_convolutions" in remark for remark in dynamic.environment.remarks)


def test_it_is_set_by_an_option(tmp_path: Path) -> None:
    spec = load(variant(tmp_path, "")).with_values({"dynamic_convolutions": {"model.0.conv": 2}})
    module = build(spec).module

    assert isinstance(module.get_submodule("model.0.conv"), MixedConvolution)
    assert not isinstance(module.get_submodule("model.1.conv"), MixedConvolution)


def test_a_row_that_is_a_convolution(tmp_path: Path) -> None:
    rows = "nc: 2\nbackbone:\n  - [-1, 1, nn.Conv2d, [3, 8, 3]]\nhead:\n  - [-1, 1, nn.Conv2d, [8, 4, 1]]\n"
    path = tmp_path / "plain.yaml"
    path.write_text(f"{rows}dynamic_convolutions: {{model.0: 2}}\n", encoding="utf-8")

    profile = profile_spec(load(path), Options(size=(32, 32)))

    # A kernel of 8·3·9 and 8 biases, twice; the router 3·2 + 2; the other row's 8·4 + 4.
    assert profile.totals.parameters == 2 * (216 + 8) + 8 + 36


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("model.1.con", "'model.1.con' is no module", "did you mean model.1.conv"),
        ("model.1.bn", "'model.1.bn' is a BatchNorm2d, not a plain convolution", "model.1.conv"),
    ],
)
def test_a_path_that_is_no_convolution(tmp_path: Path, path: str, message: str, hint: str) -> None:
    with pytest.raises(BuildError) as caught:
        build(load(variant(tmp_path, f"dynamic_convolutions: {{{path}: 4}}")))
    assert message in caught.value.message
    assert (caught.value.line, str(caught.value.path)) == (7, str(tmp_path / "dynamic.yaml"))
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("value", ["4", "[model.1.conv]", "{model.1.conv: 0}", "{model.1.conv: 1025}", "{a: yes}"])
def test_a_value_that_makes_no_sense(tmp_path: Path, value: str) -> None:
    with pytest.raises(VariantError, match="dynamic_convolutions must be paths of convolutions") as caught:
        load(variant(tmp_path, f"dynamic_convolutions: {value}"))
    assert caught.value.line == 7


def test_templates_stay_plain(tmp_path: Path) -> None:
    spec = resolve("yolo11n")
    for _ in range(3):  # a row is kept when it is built for the second time
        build(spec.with_values({"dynamic_convolutions": {"model.2.cv1.conv": 4}}))

    assert not any(isinstance(part, MixedConvolution) for part in build(spec).module.modules())


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_mixture_of_each_image(groups: int, bias: bool, batch: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 12, 3, stride=2, padding=1, groups=groups, bias=bias)
    mixed = MixedConvolution(plain, 3)
    images = torch.randn(batch, 8, 9, 7)

    with torch.no_grad():
        outputs = mixed(images)
        for image, output in zip(images, outputs, strict=True):
            scores = torch.sigmoid(mixed.router(image.mean((1, 2))))
            kernel = sum(score * mixed.weight[..., expert] for expert, score in enumerate(scores))
            kernel = kernel.view(plain.weight.shape)
            biases = sum(score * mixed.bias[:, expert] for expert, score in enumerate(scores)) if bias else None
            expected = nn.functional.conv2d(image[None], kernel, biases, 2, 1, 1, groups)
            torch.testing.assert_close(output[None], expected, rtol=1e-4, atol=1e-5)


def test_a_batch_norm_is_folded_into_every_expert() -> None:
    from ultralytics.nn.modules import Conv
    from ultralytics.utils.torch_utils import fuse_conv_and_bn

    torch.manual_seed(0)
    block = Conv(4, 6, 3).eval()
    for statistics in (block.bn.running_mean, block.bn.running_var, block.bn.weight.data, block.bn.bias.data):
        statistics.uniform_(0.5, 2)
    block.conv = MixedConvolution(block.conv, 3)
    images = torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        before = block(images)
        block.conv = fuse_conv_and_bn(block.conv, block.bn)
        after = block.forward_fuse(images)

    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_a_convolution_at_two_paths_stays_one() -> None:
    shared = nn.Conv2d(4, 4, 1)
    model = nn.Sequential(shared, nn.ReLU(), shared)

    replace_convolutions(model, {"0": 2})

    assert model[0] is model[2]
    assert isinstance(model[0], MixedConvolution)
