"""Dynamic layers of every kind are found, and what the formulas predict of them is what is counted."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest
import timm
import torch
from torch import nn

import archprof
from archprof.count.ledger import count
from archprof.count.memory import measure
from archprof.parameternet.analysis import analyse
from archprof.records.parameternet import DynamicLayer, Figures, ParameterNet
from archprof.trace.run import RunSpec
from model_zoo.dynamic import DynamicConv2d
from model_zoo.llama.experts import MixtureLinear


def analysed(model: nn.Module, *shape: int) -> ParameterNet | None:
    return analysed_and_aside(model, *shape)[0]


def analysed_and_aside(model: nn.Module, *shape: int) -> tuple[ParameterNet | None, list[str]]:
    run = RunSpec(inputs=(torch.empty(shape, device="meta"),))
    ledger = count(run(model.eval()))
    return analyse(ledger, measure(ledger.trace), run)


def single_layer(model: nn.Module, *shape: int) -> DynamicLayer:
    result = analysed(model, *shape)
    assert result is not None
    (layer,) = result.layers
    return layer


def test_the_papers_layer_is_what_the_paper_says() -> None:
    layer = single_layer(DynamicConv2d(8, 16, 3, experts=4, router="mlp"), 1, 8, 10, 10)

    # Router 8·8 + 8·4 = 96; kernels 4 · 16·8·9 = 4608; plain 16·8·9 = 1152.
    assert layer.parameters == Figures(static=1152, as_built=4704, measured=4704)
    # Router 96, mixing 4 · 1152 = 4608, convolution 100 · 1152 = 115,200.
    assert layer.macs == Figures(static=115_200, as_built=119_904, measured=119_904)
    # 4704 / 1152 = 49/12, and 119,904 / 115,200 = 1 + 4704/115,200; approximately 1/9 + 4 and 1.
    assert layer.parameters_ratio.paper == layer.parameters_ratio.measured == pytest.approx(49 / 12)
    assert layer.flops_ratio.paper == layer.flops_ratio.measured == pytest.approx(1 + 4704 / 115_200)
    assert layer.parameters_ratio.paper_approximation == pytest.approx(1 / 9 + 4)
    assert layer.flops_ratio.paper_approximation == 1
    assert (layer.experts, layer.in_channels, layer.out_channels, layer.kernel) == (4, 8, 16, [3, 3])
    assert (layer.groups, layer.stride, layer.output_size, layer.batch) == (1, [1, 1], [10, 10], 1)
    assert (layer.notes, layer.broken_assumptions) == ([], [])


def test_groups_batch_stride_and_another_router_are_in_the_formula_as_built() -> None:
    layer = single_layer(DynamicConv2d(8, 16, 3, 2, g=2, experts=4), 3, 8, 4, 4)

    # Router 8·4 + 4 = 36; kernels 4 · 16·4·9 = 2304; plain 576.
    assert layer.parameters == Figures(static=576, as_built=2340, measured=2340)
    # For each of 3 images: router 32, mixing 2304, convolution at 2·2 places 4 · 576 = 2304; plain 2304.
    assert layer.macs == Figures(static=6912, as_built=13_920, measured=13_920)
    assert (layer.groups, layer.batch, layer.output_size) == (2, 3, [2, 2])
    # The paper: 1 + (8 + 4)/(16·9·4) + 4/4 = 2.0208; measured 13,920/6912 = 2.0139; the approximation, 1, is off.
    assert "H'W' 4 is not much more than M 4" in layer.broken_assumptions


def test_mixing_moves_every_expert_to_make_one_kernel() -> None:
    layer = single_layer(DynamicConv2d(8, 16, 3, experts=4), 1, 8, 10, 10)

    # Read: 4 weights and 4 · 1152 elements of the bank; written: 1152; 4 bytes each.
    assert layer.mixing_bytes == 4 * (4 + 4608 + 1152)
    # The plain one: 800 in, 1152 of the kernel, 1600 out.
    assert layer.static_bytes == 4 * (800 + 1152 + 1600)
    assert layer.static_intensity == pytest.approx(2 * 115_200 / 14_208)
    assert layer.intensity < layer.static_intensity


def test_traffic_is_predicted_from_sizes_alone() -> None:
    """Each of archprof's own terms by hand, in elements of 4 bytes; the zoo's blocks move what it says, to the byte."""
    layer = single_layer(DynamicConv2d(8, 16, 3, experts=4), 1, 8, 10, 10)
    # Router: the mean reads 800 and writes 8; its layer reads 8, 32 weights and 4 biases, writes 4; a sigmoid 4 + 4.
    router = 800 + 8 + (8 + 32 + 4 + 4) + (4 + 4)
    # Mixing reads 4 coefficients and 4 kernels of 1152, writes one. The layer: 800 in, the kernel, 16·10·10 out.
    assert layer.predicted_bytes == layer.moved_bytes == 4 * (router + (4 + 4608 + 1152) + (800 + 1152 + 1600))

    # Two layers, 8 -> 8 and 8 -> 4, without biases; a ReLU and a softmax.
    layer = single_layer(DynamicConv2d(8, 16, 3, experts=4, router="mlp"), 1, 8, 10, 10)
    router = 800 + 8 + (8 + 64 + 8) + (8 + 8) + (8 + 32 + 4) + (4 + 4)
    assert layer.predicted_bytes == layer.moved_bytes == 4 * (router + (4 + 4608 + 1152) + (800 + 1152 + 1600))

    # Three images, in two groups: kernels of 16·4·9 = 576; 3·8·4·4 = 384 in, 3·16·2·2 = 192 out.
    layer = single_layer(DynamicConv2d(8, 16, 3, 2, g=2, experts=4), 3, 8, 4, 4)
    router = (384 + 24) + (24 + 32 + 4 + 12) + (12 + 12)
    assert layer.predicted_bytes == layer.moved_bytes == 4 * (router + (12 + 2304 + 3 * 576) + (384 + 3 * 576 + 192))


def test_traffic_of_what_is_not_in_the_formula_is_the_difference(layers: Any) -> None:
    # A mixed matrix for each of 2 samples of 5 tokens of 8: mean 80 + 16; 24 weights; kernels of 128; 160 out.
    layer = single_layer(layers.Dense(), 2, 5, 8)
    router = (80 + 16) + (16 + 24 + 6) + (6 + 6)
    assert layer.predicted_bytes == layer.moved_bytes == 4 * (router + (6 + 384 + 256) + (80 + 256 + 160))
    # Attention to channels and places weighs the kernels once more: what the formula leaves out is on top.
    attention = single_layer(layers.Attention4(), 2, 4, 8, 8)
    assert 0 < (attention.predicted_bytes or 0) < attention.moved_bytes
    # There is no formula for experts that tokens choose among: they read those that they are sent to.
    assert single_layer(layers.TopOne(), 2, 4, 8, 8).predicted_bytes is None


def test_experts_that_tokens_choose_among() -> None:
    layer = single_layer(MixtureLinear(8, 16, 4), 2, 5, 8)

    # Router 8·4 = 32, matrices 4 · 128 = 512; each of 10 tokens: router 32, one matrix 128.
    assert layer.parameters == Figures(static=128, as_built=544, measured=544)
    assert layer.macs == Figures(static=1280, as_built=1600, measured=1600)
    assert (layer.kind, layer.experts, layer.top_k, layer.batch) == ("experts", 4, 1, 10)
    assert layer.flops_ratio.paper is None


def test_a_users_own_that_mixes_element_by_element(layers: Any) -> None:
    layer = single_layer(layers.Weighed(), 2, 4, 8, 8)

    # Router weights 8 + 6 + 12, biases 3 + 6; bank 3 · 216; plain 216.
    assert layer.parameters == Figures(static=216, as_built=683, measured=683)
    # For each of 2 images: router 26, convolution 64 · 216 = 13,824; the mixing is no multiply-accumulate.
    assert layer.macs == Figures(static=27_648, as_built=27_700, measured=27_700)
    assert (layer.experts, layer.type, layer.batch) == (3, "Weighed", 2)


def test_one_mixture_for_the_whole_batch(layers: Any) -> None:
    layer = single_layer(layers.Shared(), 2, 4, 8, 8)

    # Router 8 + 2, kernels 2 · 24; router once, convolution 2 · 64 · 24.
    assert layer.parameters == Figures(static=24, as_built=58, measured=58)
    assert layer.macs == Figures(static=3072, as_built=3080, measured=3080)


def test_a_linear_layer_that_is_mixed(layers: Any) -> None:
    layer = single_layer(layers.Dense(), 2, 5, 8)

    # Router 24, bank 3 · 128; for each of 2 samples: router 24, mixing 384, 5 · 128 for its tokens.
    assert layer.parameters == Figures(static=128, as_built=408, measured=408)
    assert layer.macs == Figures(static=1280, as_built=2096, measured=2096)
    assert (layer.kind, layer.in_channels, layer.out_channels) == ("linear", 8, 16)


def test_attention_to_channels_and_places_belongs_to_the_layer(layers: Any) -> None:
    layer = single_layer(layers.Attention4(), 2, 4, 8, 8)

    # Squeezing 4·2 and a BatchNorm of 2·2; attentions 2·4 + 4, 2·6 + 6, 2·9 + 9, 2·3 + 3; bank 3 · 216.
    assert layer.parameters == Figures(static=216, as_built=726, measured=726)
    # For each of 2 images: 8 + 8 + 12 + 18 + 6 of these, and the convolution 64 · 216.
    assert layer.macs == Figures(static=27_648, as_built=27_752, measured=27_752)
    assert (layer.experts, layer.type, layer.notes) == (3, "Attention4", [])


def test_a_kernel_that_is_picked(layers: Any) -> None:
    layer = single_layer(layers.TopOne(), 2, 4, 8, 8)

    # Bank 3 · 216, router 4·3 + 3; for each of 2 images the router 12 and the convolution 64 · 216.
    assert layer.parameters == Figures(static=216, as_built=663, measured=663)
    assert layer.macs == Figures(static=27_648, as_built=27_672, measured=27_672)
    assert (layer.kind, layer.experts, layer.top_k, layer.output_size) == ("convolution", 3, 1, [8, 8])
    assert layer.flops_ratio.paper is None


def test_two_matrices_of_four_for_each_token(layers: Any) -> None:
    layer = single_layer(layers.TopTwo(), 2, 5, 8)

    # Bank 4 · 128, router 8·4; each of 10 tokens: the router 32, two matrices of 128.
    assert layer.parameters == Figures(static=128, as_built=544, measured=544)
    assert layer.macs == Figures(static=1280, as_built=2880, measured=2880)
    assert (layer.kind, layer.experts, layer.top_k, layer.batch) == ("experts", 4, 2, 10)


@pytest.mark.parametrize(
    ("model", "shape", "text"),
    [
        (DynamicConv2d(8, 12, 3, g=2, experts=5), (2, 8, 9, 9), (5, 8, 12, (3, 3), 2, 0)),
        (MixtureLinear(8, 16, 4), (2, 5, 8), (4, 8, 16, (), 1, 1)),
    ],
)
def test_what_the_zoos_blocks_say_is_what_is_found(
    model: DynamicConv2d | MixtureLinear, shape: tuple[int, ...], text: tuple[Any, ...]
) -> None:
    assert astuple(model.dynamic_layer()) == text
    result = analysed(nn.Sequential(model), *shape)
    assert result is not None
    assert (result.layers[0].notes, result.model.remarks) == ([], [])


class Boasting(DynamicConv2d):
    """Says more of itself than there is."""

    def dynamic_layer(self) -> archprof.DynamicDeclaration:
        return replace(super().dynamic_layer(), experts=8, kernel=(5, 5))


class Idle(nn.Identity):
    """Says that it is what it is not."""

    def dynamic_layer(self) -> archprof.DynamicDeclaration:
        return archprof.DynamicDeclaration(experts=4, in_channels=8, out_channels=8)


def test_what_a_block_says_is_checked() -> None:
    result, remarks = analysed_and_aside(nn.Sequential(Boasting(8, 8, 3, experts=2), Idle()), 1, 8, 9, 9)
    assert result is not None
    assert result.layers[0].notes == [
        "dynamic_layer() declares experts 8, and 2 ran",
        "dynamic_layer() declares kernel 5×5, and 3×3 ran",
    ]
    assert remarks == ["1 declares a dynamic layer in dynamic_layer(), and none was found in it"]


def test_what_a_block_says_is_checked_where_nothing_is_dynamic() -> None:
    layer = Idle()
    assert analysed_and_aside(nn.Sequential(layer, nn.Conv2d(8, 8, 1), layer), 1, 8, 9, 9) == (
        None,
        ["0 declares a dynamic layer in dynamic_layer(), and none was found in it"],
    )
    assert analysed_and_aside(Idle(), 1, 8) == (
        None,
        ["the model declares a dynamic layer in dynamic_layer(), and none was found in it"],
    )


def test_timms_share_a_router_among_three() -> None:
    with torch.device("meta"):
        model = timm.create_model("tf_efficientnet_cc_b0_4e")
    result = analysed(model, 2, 3, 224, 224)
    assert result is not None
    # CondConv in stages of 3, 4 and 1 blocks, each of three convolutions.
    assert len(result.layers) == 24
    assert all(layer.macs.as_built == layer.macs.measured for layer in result.layers)
    assert all(layer.parameters.as_built == layer.parameters.measured for layer in result.layers)
    assert result.layers[1].notes == [f"its router is counted with {result.layers[0].module}"]


def test_a_row_says_why_it_is_not_as_built(layers: Any) -> None:
    layer = single_layer(layers.Hyper(), 1, 4, 8, 8)

    # Bank 2 · 16, router 8 + 2.
    assert layer.parameters == Figures(static=16, as_built=42, measured=49)
    assert layer.notes == ["+7 parameters: its modules have parameters besides kernels, biases and linear routers"]


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224", "efficientnet_b0"])
def test_nothing_is_found_where_nothing_is_dynamic(name: str) -> None:
    with torch.device("meta"):
        assert analysed(timm.create_model(name), 1, 3, 224, 224) is None
