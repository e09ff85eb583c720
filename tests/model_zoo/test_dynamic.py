"""The shared dynamic convolution and PST against torch's own convolution and attention."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import conv2d, interpolate, scaled_dot_product_attention

from model_zoo.dynamic import ROUTERS, DynamicConv2d, MixedKernels
from model_zoo.dynamic_blocks import DynamicBnAct, DynamicConv
from model_zoo.pst import PST, CrossAttention


@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize(("stride", "groups", "dilation"), [(1, 1, 1), (2, 1, 1), (1, 4, 1), (2, 2, 2)])
def test_each_image_has_its_own_mixture(router, stride, groups, dilation):
    torch.manual_seed(0)
    layer = DynamicConv2d(8, 12, 3, stride, g=groups, d=dilation, experts=3, router=router)
    x = torch.randn(2, 8, 7, 9)
    with torch.no_grad():
        found = layer(x)
        for image, out in zip(x, found, strict=True):
            scores = layer.router(image.mean((1, 2)))
            weights = scores.sigmoid() if router == "linear" else scores.softmax(0)
            kernels = layer.kernels.weight.reshape(3, 12, 8 // groups, 3, 3)
            mixed = sum(weight * kernel for weight, kernel in zip(weights, kernels, strict=True))
            expected = conv2d(image[None], mixed, None, stride, dilation, dilation, groups)[0]
            torch.testing.assert_close(out, expected)


@pytest.mark.parametrize(("stride", "groups", "dilation"), [(1, 1, 1), (2, 2, 2)])
def test_the_kernels_are_timm_s(stride, groups, dilation):
    from timm.layers import CondConv2d

    torch.manual_seed(0)
    ours = MixedKernels(8, 12, 3, stride, dilation, groups, dilation, experts=3)
    theirs = CondConv2d(8, 12, 3, stride, dilation, dilation, groups, num_experts=3)
    theirs.load_state_dict(ours.state_dict())
    x, weights = torch.randn(2, 8, 7, 9), torch.rand(2, 3)
    torch.testing.assert_close(ours(x, weights), theirs(x, weights))


@pytest.mark.parametrize(("router", "of_the_router"), [("linear", 8 * 3 + 3), ("mlp", 8 * 8 + 8 * 3)])
def test_parameters(router, of_the_router):
    layer = DynamicConv2d(8, 12, 5, g=4, experts=3, router=router)
    bank = 3 * 12 * (8 // 4) * 25
    assert sum(parameter.numel() for parameter in layer.parameters()) == bank + of_the_router


def test_activations_of_the_block():
    assert isinstance(DynamicConv(8, 8).conv[2], torch.nn.SiLU)
    assert isinstance(DynamicConv(8, 8, act=False).conv[2], torch.nn.Identity)
    assert isinstance(DynamicConv(8, 8, act=torch.nn.ReLU()).conv[2], torch.nn.ReLU)


@pytest.mark.parametrize(("out", "stride", "added"), [(8, 1, True), (8, 2, False), (12, 1, False)])
def test_residual_only_where_shapes_agree(out, stride, added):
    block = DynamicBnAct(8, out, 3, stride, skip=True).eval()
    x = torch.randn(1, 8, 6, 6)
    with torch.no_grad():
        plain = block.act(block.bn(block.conv(x)))
        torch.testing.assert_close(block(x), x + plain if added else plain)


def _heads(x):
    """(B, heads · 32, H, W) -> (B, heads, H · W, 32)."""
    return x.reshape(len(x), -1, 32, x.shape[2] * x.shape[3]).transpose(2, 3)


def _attended(attention, fine, coarse, source):
    """Torch's attention of the fine map over ``source``, with the coarse map's positional term."""
    pair = attention.key_value(source).reshape(len(source), -1, 2, 32, *source.shape[2:])
    key, value = (_heads(part.flatten(1, 2)) for part in pair.unbind(2))
    y = scaled_dot_product_attention(_heads(attention.query(fine)), key, value)
    values = attention.key_value(coarse).reshape(len(coarse), -1, 2, 32, *coarse.shape[2:])[:, :, 1].flatten(1, 2)
    place = interpolate(attention.position(values), fine.shape[2:], mode="bilinear")
    return attention.project(y.transpose(2, 3).reshape(fine.shape) + place)


def test_coarse_attention():
    torch.manual_seed(0)
    attention = CrossAttention(64, k=0).eval()
    fine, coarse = torch.randn(2, 64, 8, 6), torch.randn(2, 64, 4, 3)
    with torch.no_grad():
        torch.testing.assert_close(attention(fine, coarse), _attended(attention, fine, coarse, coarse))


def test_refinement_over_every_pixel_is_attention_over_the_fine_map():
    torch.manual_seed(0)
    attention = CrossAttention(64, k=12).eval()  # all of the coarse map's pixels, so all of the fine one's
    torch.nn.init.zeros_(attention.gate.weight)
    fine, coarse = torch.randn(2, 64, 8, 6), torch.randn(2, 64, 4, 3)
    with torch.no_grad():
        torch.nn.init.constant_(attention.gate.bias, 50.0)  # sigmoid(50) = 1: only what was refined
        torch.testing.assert_close(attention(fine, coarse), _attended(attention, fine, coarse, fine))
        torch.nn.init.constant_(attention.gate.bias, -50.0)  # sigmoid(-50) = 0: nothing of it
        torch.testing.assert_close(attention(fine, coarse), _attended(attention, fine, coarse, coarse))


def test_refinement_only_at_inference():
    plain, refining = CrossAttention(64, k=0), CrossAttention(64, k=4)
    refining.load_state_dict(plain.state_dict())
    fine, coarse = torch.randn(2, 64, 8, 6), torch.randn(2, 64, 4, 3)
    with torch.no_grad():
        torch.testing.assert_close(refining.train()(fine, coarse), plain.train()(fine, coarse))
        assert not torch.allclose(refining.eval()(fine, coarse), plain.eval()(fine, coarse))


@pytest.mark.parametrize("n", [1, 3])
def test_pst_keeps_the_fine_size(n):
    block = PST(16, 24, 64, n, k=2).eval()
    with torch.no_grad():
        out = block([torch.randn(1, 16, 8, 8), torch.randn(1, 24, 4, 4)])
    assert out.shape == (1, 64, 8, 8)
    assert block.cv2.conv.in_channels == (1 + n) * 32
