"""LLaMA-1B against the paper's table 7, and its parts against plain arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from archprof.builder.inputs import make_inputs
from archprof.builder.load import build
from archprof.count.ledger import count
from archprof.errors import BuildError
from archprof.sources.reference import resolve
from archprof.trace.run import trace
from model_zoo.llama.blocks import CausalAttention, rotate
from model_zoo.llama.experts import MixtureLinear, grouped_product

# Hidden 2048, feed-forward 8192, 12 layers, vocabulary 32,000: a projection of the feed-forward network has
# 2048·8192 = 16,777,216 weights; a layer 4·2048² + 3·16,777,216 and two norms of 2048; embedding and output
# 32,000·2048 each; one last norm.
PROJECTION = 2048 * 8192
STATIC = 12 * (4 * 2048**2 + 3 * PROJECTION + 2 * 2048) + 2 * 32_000 * 2048 + 2048
SMALL = {"hidden": 64, "feed_forward": 128, "heads": 4, "vocabulary": 96, "sequence": 24}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("llama-1b", 936_429_568),
        ("llama-1b-gate-4e", 1_540_507_648),
        ("llama-1b-up-4e", 1_540_507_648),
        ("llama-1b-down-4e", STATIC + 12 * (3 * PROJECTION + 4 * 8192)),
        ("llama-1b-gate-8e", 2_345_912_320),
        ("llama-1b-up-8e", 2_345_912_320),
        ("llama-1b-down-8e", STATIC + 12 * (7 * PROJECTION + 8 * 8192)),
    ],
)
def test_parameters(name, parameters):
    built = build(resolve(name))
    assert sum(parameter.numel() for parameter in built.module.parameters()) == parameters
    assert (built.kind, built.task, built.size) == ("tokens", "language", (512,))


@pytest.mark.parametrize(
    ("name", "router"), [("llama-1b", 0), ("llama-1b-gate-4e", 2048 * 4), ("llama-1b-down-8e", 8192 * 8)]
)
@pytest.mark.parametrize("length", [512, 1024])
def test_a_token_costs_one_expert(name, router, length):
    built = build(resolve(name).with_values({"sequence": length}))
    ledger = count(trace(built.module, make_inputs(built)))
    # Every projection once a token, the output layer, and attention's two products over all pairs of tokens.
    token = 12 * (4 * 2048**2 + 3 * PROJECTION + router) + 32_000 * 2048
    assert ledger.macs == length * token + 12 * 2 * length**2 * 2048
    assert not ledger.unknown


@pytest.mark.parametrize("name", ["llama-1b", "llama-1b-gate-4e", "llama-1b-down-8e"])
def test_runs_on_a_processor(name):
    built = build(resolve(name).with_values(SMALL), device="cpu")
    with torch.no_grad():
        scores = built.module(torch.randint(96, (2, 24)))
    assert scores.shape == (2, 24, 96)
    assert scores.isfinite().all()


def test_every_token_meets_its_most_probable_expert():
    mixture = MixtureLinear(32, 48, 4)
    x = torch.randn(3, 5, 32)
    probabilities = mixture.router(x).softmax(dim=-1)
    best = probabilities.argmax(dim=-1)
    expected = torch.stack([
        torch.stack([probabilities[b, t, e] * (x[b, t] @ mixture.weight[e]) for t, e in enumerate(row)])
        for b, row in enumerate(best.tolist())
    ])  # fmt: skip
    torch.testing.assert_close(mixture(x), expected)


def test_an_expert_that_nobody_chose_costs_nothing():
    x, weights = torch.randn(6, 16), torch.randn(3, 16, 32)
    ends = torch.tensor([4, 4, 6], dtype=torch.int32)
    expected = torch.cat([x[:4] @ weights[0], x[4:] @ weights[2]])
    torch.testing.assert_close(grouped_product(x, weights, ends), expected)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_older_torch_multiplies_group_by_group(monkeypatch, device):
    x, weights = torch.randn(6, 16), torch.randn(3, 16, 32)
    ends = torch.tensor([4, 4, 6], dtype=torch.int32)
    now = grouped_product(x, weights, ends).to(device)
    monkeypatch.delattr(functional, "grouped_mm", raising=False)
    torch.testing.assert_close(grouped_product(x.to(device), weights.to(device), ends.to(device)), now)


def test_rotation_leaves_only_the_distance_of_two_tokens():
    # A query and a key that are the same at every position: their product depends on the distance alone.
    query, key = (rotate(torch.randn(1, 1, 1, 16).expand(1, 1, 8, 16)) for _ in range(2))
    products = (query @ key.transpose(-1, -2))[0, 0]
    for distance in range(-7, 8):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5, rtol=1e-4)


def test_no_token_sees_a_later_one():
    attention = CausalAttention(32, 4)
    x = torch.randn(1, 6, 32)
    changed = x.clone()
    changed[:, 4:] += 1
    torch.testing.assert_close(attention(x)[:, :4], attention(changed)[:, :4])
    assert not torch.allclose(attention(x)[:, 4:], attention(changed)[:, 4:])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"experts": 4, "experts_on": "middle"}, "experts_on must be one of gate, up, down, not 'middle'"),
        ({"experts": 0}, "experts must be a whole number from 1 up, not 0"),
        ({"heads": 3}, "2048 features do not divide into 3 heads of even size"),
    ],
)
def test_values_that_make_no_sense(values, message):
    with pytest.raises(BuildError, match=message):
        build(resolve("llama-1b").with_values(values))
