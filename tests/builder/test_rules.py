"""How rows become calls at the scales that change them; each expectation is read off Ultralytics' parse_model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from archprof.builder import rules, stock_rules
from archprof.builder.registry import RowContext
from archprof.sources.spec import Row

if TYPE_CHECKING:
    from archprof.builder.registry import Call, Rule


def call(
    rule: Rule,
    *arguments: Any,
    inputs: tuple[int, ...] = (64,),
    repeats: int = 2,
    scale: str | None = "n",
    width: float = 0.5,
    limit: float = 512,
    **values: Any,
) -> Call:
    row = Row(0, (-1,), False, repeats, "Block", arguments, 1)
    return rule(
        RowContext(
            row=row,
            inputs=inputs,
            arguments=arguments,
            repeats=repeats,
            scale=scale,
            width=width,
            max_channels=limit,
            values=values,
        )
    )


# 512 at most, × 0.5, up to a multiple of 8.
@pytest.mark.parametrize(("written", "scaled"), [(64, 32), (100, 56), (512, 256), (1024, 256), (1, 8)])
def test_channels_are_capped_scaled_and_rounded(written: int, scaled: int) -> None:
    made = call(rules.convolution, written, 3, 2)
    assert (made.arguments, made.channels, made.repeats) == ((64, scaled, 3, 2), scaled, 2)


def test_a_repeated_block_gets_the_repeats() -> None:
    made = call(rules.repeated, 128, True)
    assert (made.arguments, made.channels, made.repeats) == ((64, 64, 2, True), 64, 1)


@pytest.mark.parametrize(
    ("scale", "arguments", "expected"),
    [
        ("n", (128, False, 0.25), (False, 0.25)),
        ("s", (128,), ()),
        ("m", (128, False, 0.25), (True, 0.25)),
        ("l", (128,), (True,)),
        ("x", (128, True, 0.5), (True, 0.5)),
        (None, (128, False), (False,)),
    ],
)
def test_c3k2_is_deeper_at_the_larger_scales(scale: str | None, arguments: tuple[Any, ...], expected: Any) -> None:
    assert call(stock_rules.c3k2, *arguments, scale=scale).arguments == (64, 64, 2, *expected)


@pytest.mark.parametrize(("scale", "extra"), [("n", ()), ("m", ()), ("l", (True, 1.2)), ("x", (True, 1.2))])
def test_a2c2f_gets_a_residual_at_the_largest_scales(scale: str, extra: tuple[Any, ...]) -> None:
    assert call(stock_rules.a2c2f, 128, True, 4, scale=scale).arguments == (64, 64, 2, True, 4, *extra)


def test_c2f_attn_scales_its_heads_and_takes_its_hidden_width() -> None:
    # Heads: min(8, 512 // 2 // 32 = 8) × 0.5 = 4; hidden: 256 × 0.5 = 128, a multiple of 4.
    made = call(stock_rules.c2f_attn, 512, 256, 8)
    assert (made.arguments, made.channels) == ((64, 256, 2, 128, 4), 256)
    # Hidden 8 × 0.5 = 4 cannot be shared by 3 heads (6 × 0.5).
    with pytest.raises(ValueError, match="4 hidden channels cannot be divided among 3 heads"):
        call(stock_rules.c2f_attn, 16, 256, 6)


def test_blocks_that_are_not_scaled() -> None:
    assert call(stock_rules.hg_stem, 32, 48).arguments == (64, 32, 48)
    assert call(stock_rules.hg_block, 48, 128, 3, True).arguments == (64, 48, 128, 3, 2, True)
    assert call(stock_rules.classify, 1000).arguments == (64, 1000)
    # A bottleneck stage of width 64 gives 256 channels; the stem stage gives its own 64.
    assert call(stock_rules.resnet_layer, 64, 64, 1, False, 3).channels == 256
    assert call(stock_rules.resnet_layer, 3, 64, 1, True, 1).channels == 64
    assert call(stock_rules.torchvision_backbone, 512, "resnet18", "DEFAULT", True, 2).arguments == (
        "resnet18",
        None,
        True,
        2,
    )
    assert call(stock_rules.torchvision_backbone, 512, "resnet18").arguments == ("resnet18", None)


def test_blocks_of_several_inputs() -> None:
    several = (64, 128, 256)
    assert call(rules.concatenation, 1, inputs=several).channels == 448
    assert call(rules.last_input, [0, 1], inputs=several).channels == 256
    assert call(rules.all_channels_second, 80, 7, inputs=several).arguments == (80, [64, 128, 256], 7)
    assert call(rules.all_channels_last, 19, inputs=several).arguments == (19, [64, 128, 256])
    assert call(stock_rules.depth_head, 256, "old", inputs=several).arguments == (256, [64, 128, 256])


def test_detection_heads_take_top_level_values() -> None:
    several = (64, 128, 256)
    assert call(rules.detection_head, 80, inputs=several).arguments == (80, 16, None, [64, 128, 256])
    steered = call(rules.detection_head, 80, inputs=several, reg_max=1, end2end=True)
    assert steered.arguments == (80, 1, True, [64, 128, 256])
    # The mask prototypes' 256 channels are scaled by 0.5.
    assert call(rules.segmentation_head, 80, 32, 256, inputs=several).arguments[:3] == (80, 32, 128)
