"""What a training step costs, with the arithmetic by hand, and held to torch's own counter where that is right."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - everybody's name for it
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archprof
from archprof.count.ledger import Ledger, count
from archprof.errors import RunError
from archprof.trace.run import trace, trace_values

from .function import Weighted


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


def backward(model: nn.Module, *inputs: torch.Tensor) -> Ledger:
    """The backward pass's ledger; with and without values it must be the same."""
    ledger = count(trace(model, inputs, backward=True).backward_pass())
    real = count(trace_values(copy.deepcopy(model), inputs, backward=True).backward_pass())
    assert (ledger.macs, ledger.elementwise_flops) == (real.macs, real.elementwise_flops)
    assert not ledger.unknown
    return ledger


def after(model: nn.Module) -> nn.Module:
    """The model behind one that makes its input need a gradient, by 1 FLOP an element: it is multiplied."""
    return nn.Sequential(Weighted(lambda m, x: x * m.w, w=torch.ones(())), model)


# Each: the model, its input, MACs of the backward pass by hand. What goes in needs no gradient.
CASES: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...], int]] = {
    # The weight's gradient takes the forward's products: 8·6·6 outputs of 4·9.
    "convolution": (nn.Conv2d(4, 8, 3), (zeros(1, 4, 8, 8),), 288 * 36),
    # The input's gradient takes them once more.
    "convolution after a layer": (after(nn.Conv2d(4, 8, 3)), (zeros(1, 4, 8, 8),), 2 * 288 * 36),
    # With 2 groups each output is of 2·9, in both gradients.
    "grouped": (after(nn.Conv2d(4, 8, 3, groups=2)), (zeros(1, 4, 8, 8),), 2 * 288 * 18),
    "depthwise": (after(nn.Conv2d(4, 4, 3, groups=4)), (zeros(1, 4, 8, 8),), 2 * 144 * 9),
    "strided, dilated, 1d": (after(nn.Conv1d(4, 6, 3, stride=3, dilation=2)), (zeros(1, 4, 10),), 2 * 12 * 12),
    # Each of 256 inputs meets 3·4 weights.
    "transposed grouped": (after(nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2)), (zeros(1, 4, 8, 8),), 2 * 256 * 12),
    # Only the bias learns: no products.
    "frozen weight": (
        Weighted(lambda m, x: F.conv2d(x, torch.ones(8, 4, 3, 3, device=x.device), m.b), b=zeros(8)),
        (zeros(1, 4, 8, 8),),
        0,
    ),
    # 3 rows · 5 · 7, for the weight alone and for both.
    "linear": (nn.Linear(5, 7), (zeros(3, 5),), 105),
    "linear after a layer": (after(nn.Linear(5, 7)), (zeros(3, 5),), 210),
    "linear of 3 dimensions": (after(nn.Linear(5, 7)), (zeros(2, 3, 5),), 2 * 210),
    # (2·1 × 3) of (4×5)·(5×6): each factor's gradient takes 720 products.
    "matmul broadcast": (
        Weighted(lambda m, x: (x * m.a) @ m.b, a=zeros(1), b=zeros(3, 5, 6)),
        (zeros(2, 1, 4, 5),),
        1440,
    ),
    # 2 heads of 3 queries and 3 keys, 4 wide: the scores again, the gradients of the values, the weights, the queries
    # and the keys, 2·3·3·4 = 72 each.
    "attention": (
        after(Weighted(lambda m, q: F.scaled_dot_product_attention(q, q, q))),
        (zeros(1, 2, 3, 4),),
        5 * 72,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_macs(name: str) -> None:
    model, inputs, expected = CASES[name]
    assert backward(model, *inputs).macs == expected


# Each: the model, its input, elementwise FLOPs of the backward pass by hand. The models stand behind a product with a
# scalar w, whose gradient takes a product and a sum for each of its elements n.
ELEMENTWISE: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...], int]] = {
    # n = 6: the ReLU's gradient (1 each), and w's (2 each).
    "relu": (nn.ReLU(), (zeros(2, 3),), 6 + 12),
    # g · σ · (1 + x · (1 − σ)): six functions.
    "silu": (nn.SiLU(), (zeros(2, 3),), 36 + 12),
    # y · (g − Σ g·y): four.
    "softmax": (nn.Softmax(1), (zeros(2, 3),), 24 + 12),
    # n = 2·4·2·2 = 32. Normalise again (2), sums of g and g·x̂ (3), g − a − x̂·b, times a factor (4).
    "batch norm": (nn.BatchNorm2d(4), (zeros(2, 4, 2, 2),), 32 * 9 + 64),
    # n = 6. Normalise (2), scale (1), two sums (3), two products and differences (4); the scale's (2), the shift's (1).
    "layer norm": (nn.LayerNorm(3), (zeros(2, 3),), 6 * 13 + 12),
    # 4 gradients are each added to one place; n = 16.
    "max pool": (nn.MaxPool2d(2), (zeros(1, 1, 4, 4),), 4 + 32),
    # 4 gradients, each divided, and added to 4 places.
    "average pool": (nn.AvgPool2d(2), (zeros(1, 1, 4, 4),), 4 * 5 + 32),
    # 4 gradients, each divided once, and given to 16 in all.
    "adaptive pool": (nn.AdaptiveAvgPool2d(2), (zeros(1, 1, 4, 4),), 4 + 16 + 32),
    # A mean: its gradient is spread out and divided.
    "global pool": (nn.AdaptiveAvgPool2d(1), (zeros(1, 1, 4, 4),), 16 + 32),
    # 64 gradients, each shared among 4 neighbours: 4 products and 4 sums.
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), (zeros(1, 1, 4, 4),), 64 * 8 + 32),
    "nearest": (nn.Upsample(scale_factor=2), (zeros(1, 1, 4, 4),), 64 + 32),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name: str) -> None:
    model, inputs, expected = ELEMENTWISE[name]
    ledger = backward(after(model), *inputs)
    assert ledger.macs == 0
    assert ledger.elementwise_flops == expected


def test_an_embedding_adds_each_gradient_to_its_row() -> None:
    # 3 rows of 4.
    assert backward(nn.Embedding(9, 4), torch.zeros(3, dtype=torch.int64)).elementwise_flops == 12


def test_the_forward_pass_is_in_training_mode() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Linear(5, 5)).eval()
    names = [operation.name for operation in trace(model, (zeros(3, 5),), backward=True).operations]
    assert "aten.bernoulli_" in names
    assert not model.training


def test_gradients_belong_to_the_module_whose_forward_they_are_of() -> None:
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Sequential(nn.Linear(7, 2)))
    profile = archprof.profile(model, zeros(3, 5), backward=True)
    # The first layer's input needs no gradient: 3·5·7; the last one's does: 2 · 3·7·2.
    assert {module.path: module.own_backward_macs for module in profile.modules} == {
        "": 0,
        "0": 105,
        "1": 0,
        "2": 0,
        "2.0": 84,
    }
    assert {module.path: module.backward_macs for module in profile.modules}["2"] == 84
    assert profile.backward is not None
    assert profile.backward.macs == 105 + 84
    assert profile.backward.flops == 2 * (105 + 84)
    # The forward pass is told apart.
    assert profile.totals.macs == 105 + 42


def test_a_module_used_twice_gets_the_gradients_of_both() -> None:
    shared = nn.Linear(5, 5)
    profile = archprof.profile(nn.Sequential(shared, shared), zeros(3, 5), backward=True)
    # The weight's twice and the input's once, 75 each.
    assert profile.modules[1].backward_macs == 3 * 75


def test_every_result_is_a_beginning() -> None:
    model = Weighted(lambda m, x: {"a": x @ m.a, "b": [(x @ m.b, x)]}, a=zeros(5, 2), b=zeros(5, 3))
    # 3·5·2 and 3·5·3 for the weights.
    assert backward(model, zeros(3, 5)).macs == 30 + 45


def test_nothing_to_train_is_an_error() -> None:
    frozen = nn.Linear(5, 5).requires_grad_(False)
    with pytest.raises(RunError, match="nothing that comes out depends on a trainable parameter"):
        trace(frozen, (zeros(3, 5),), backward=True)


def test_one_sample_where_the_batch_is_normalised() -> None:
    with pytest.raises(RunError, match="more than 1 value per channel") as caught:
        trace(nn.BatchNorm1d(4), (zeros(1, 4),), backward=True)
    assert "two samples" in str(caught.value.hint)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_model_is_left_as_found(device: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout()).to(device).eval()
    weight = model[0].weight
    weight.grad = kept = torch.ones_like(weight)
    state = copy.deepcopy(model.state_dict())
    random = torch.get_rng_state()
    first, second = (archprof.profile(model, torch.zeros(2, 3, 8, 8), backward=True) for _ in range(2))
    assert first == second
    assert model[0].weight is weight
    assert weight.grad is kept
    assert model[0].bias.grad is None
    assert not any(module.training for module in model.modules())
    assert torch.equal(torch.get_rng_state(), random)
    if device == "cpu":
        assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


class UNet(nn.Module):
    """Strided, transposed and 1×1 convolutions, a skip connection, and attention in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.head = nn.Conv2d(11, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.norm(self.down(x)))
        tokens = y.flatten(2).transpose(1, 2)
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        y = self.up(tokens.transpose(1, 2).unflatten(2, y.shape[2:]))
        result: torch.Tensor = self.head(torch.cat([x, y], 1))
        return result


def torch_says(model: nn.Module, image: torch.Tensor) -> int:
    counter = FlopCounterMode(display=False)
    model.train()
    with counter:
        model(image).sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("name", ["unet", "resnet18", "vgg11", "vit_b_32"])
def test_agrees_with_torch_s_counter_where_no_convolution_is_grouped(name: str) -> None:
    from torchvision import models

    with torch.device("meta"):
        model = UNet() if name == "unet" else models.get_model(name, weights=None)
    side = 16 if name == "unet" else 224
    image = torch.empty(2, 3, side, side, device="meta")
    # The counter knows attention's parts on every device, and of its kernels only some.
    with sdpa_kernel(SDPBackend.MATH):
        profile = archprof.profile(model, image, backward=True)
        assert profile.backward is not None
        assert profile.totals.flops + profile.backward.flops == torch_says(model, image)


def test_torch_s_counter_leaves_the_groups_out() -> None:
    # Depthwise, 4 channels, outputs of 6×6, 9 products each: 4·36·9 = 1296 for each gradient.
    model = after(nn.Conv2d(4, 4, 3, groups=4, bias=False))
    profile = archprof.profile(model, zeros(1, 4, 8, 8), backward=True)
    assert profile.backward is not None
    assert (profile.totals.macs, profile.backward.macs) == (1296, 2 * 1296)
    # The counter has the forward pass and the input's gradient right, and the weight's 4 times: once for each channel.
    assert torch_says(model, zeros(1, 4, 8, 8)) == 2 * (1296 + 1296 + 4 * 1296)
