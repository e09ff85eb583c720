"""YOLOv13 row by row against figures of an independent build of the authors' network, and its blocks in isolation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.count.ledger import count
from archprof.sources.reference import resolve
from archprof.trace.run import trace
from model_zoo.yolov13.attention import AreaAttention
from model_zoo.yolov13.blocks import DownsampleConv, FullPADTunnel
from model_zoo.yolov13.hyperace import HyperedgeGenerator, HypergraphConvolution

ROWS = json.loads(Path(__file__).with_name("data").joinpath("yolov13n_rows.json").read_text("utf-8"))


def _parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_every_row():
    built = build(resolve("yolov13", scale="n"))
    pass_ = trace(built.module, make_inputs(built))
    ledger = count(pass_)
    calls = {call.path: index for index, call in enumerate(pass_.calls)}
    found = []
    for row in ROWS["rows"]:
        layer, module = built.layers[row["index"]], built.module.model[row["index"]]
        index = calls[layer.path]
        found.append(
            {
                "index": layer.index,
                "module": layer.module.removeprefix("nn."),
                "parameters": _parameters(module),
                "modules": len(list(module.modules())),
                "output": list(pass_.calls[index].outputs[0].shape),
                "macs": ledger.inclusive[index].macs,
            }
        )
    assert found == ROWS["rows"]
    assert len(list(built.module.modules())) == ROWS["modules"]
    assert sum(not list(module.children()) for module in built.module.modules()) == ROWS["leaf_modules"]
    assert _parameters(built.module) == ROWS["parameters"]
    assert ledger.macs == ROWS["macs"]


@pytest.mark.parametrize(("scale", "parameters"), [("s", 9_055_527), ("l", 27_627_783), ("x", 64_057_511)])
def test_parameters_of_the_larger_scales(scale, parameters):
    assert _parameters(build(resolve("yolov13", scale=scale)).module) == parameters


@pytest.mark.parametrize("area", [1, 4])
def test_area_attention_is_attention_within_bands(area):
    torch.manual_seed(0)
    attention = AreaAttention(64, num_heads=2, area=area).eval()
    x = torch.randn(2, 64, 8, 6)
    values = attention.v(x)
    # 48 pixels in row-major order; with 4 areas, 12 consecutive ones attend to one another.
    query, key, value = (
        part.reshape(2, 2, 32, area, 48 // area).permute(0, 3, 1, 4, 2)
        for part in (*attention.qk(x).chunk(2, 1), values)
    )
    attended = scaled_dot_product_attention(query, key, value).permute(0, 2, 4, 1, 3).reshape(2, 64, 8, 6)
    torch.testing.assert_close(attention(x), attention.proj(attended + attention.pe(values)))


def test_hyperedges_by_hand():
    # Two vertices of two features, one head, one hyperedge, no shift: its prototype is (1, 0).
    generator = HyperedgeGenerator(2, hyperedges=1, heads=1).eval()
    with torch.no_grad():
        generator.prototypes.copy_(torch.tensor([[1.0, 0.0]]))
        for linear in (generator.shift, generator.project):
            linear.weight.zero_()
            linear.bias.zero_()
        generator.project.weight.copy_(torch.eye(2))
    shares = generator(torch.tensor([[[3.0, 5.0], [1.0, 7.0]]]))
    # Likeness 3 and 1, over the root of 2 features; softmax over the vertices: 1 / (1 + exp(-2 / √2)) = 0.80443.
    torch.testing.assert_close(shares, torch.tensor([[[0.80443], [0.19557]]]), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("context", "features"), [("mean", 32), ("max", 32), ("both", 64)])
def test_what_shifts_the_prototypes(context, features):
    generator = HyperedgeGenerator(32, hyperedges=3, heads=2, context=context).eval()
    assert generator.shift.in_features == features
    shares = generator(torch.randn(2, 10, 32))
    assert shares.shape == (2, 10, 3)
    torch.testing.assert_close(shares.sum(1), torch.ones(2, 3))


def test_hypergraph_convolution_leaves_vertices_alone_where_it_has_learned_nothing():
    convolution = HypergraphConvolution(32, hyperedges=3, heads=2, context="both").eval()
    torch.nn.init.zeros_(convolution.to_vertices[0].weight)
    torch.nn.init.zeros_(convolution.to_vertices[0].bias)
    x = torch.randn(2, 10, 32)
    torch.testing.assert_close(convolution(x), x)  # GELU(0) = 0, and the residual


def test_a_tunnel_starts_closed():
    tunnel = FullPADTunnel()
    x, other = torch.randn(1, 4, 2, 2), torch.randn(1, 4, 2, 2)
    torch.testing.assert_close(tunnel([x, other]), x)
    torch.nn.init.constant_(tunnel.gate, 2.0)
    torch.testing.assert_close(tunnel([x, other]), x + 2 * other)


def test_downsampling_without_widening_is_an_average():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    # (0 + 1 + 4 + 5) / 4 = 2.5, then 2 further right and 8 further down
    expected = torch.tensor([[[[2.5, 4.5], [10.5, 12.5]]]])
    torch.testing.assert_close(DownsampleConv(1, channel_adjust=False)(x), expected)
