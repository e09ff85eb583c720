"""Dynamic layers as users write them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d


class Weighed(nn.Module):
    """In the manner of ODConv: experts weighed element by element, output channels too."""

    input_size = (4, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(3, 6, 4, 3, 3))
        self.reduce = nn.Conv2d(4, 2, 1, bias=False)
        self.experts = nn.Conv2d(2, 3, 1)
        self.filters = nn.Conv2d(2, 6, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch = len(x)
        pooled = self.reduce(adaptive_avg_pool2d(x, 1)).relu()
        experts = self.experts(pooled).softmax(1).view(batch, 3, 1, 1, 1, 1)
        filters = self.filters(pooled).sigmoid().view(batch, 6, 1, 1, 1)
        kernels = filters * (experts * self.bank).sum(1)
        images = x.reshape(1, -1, *x.shape[2:])
        y = conv2d(images, kernels.reshape(-1, 4, 3, 3), padding=1, groups=batch)
        return y.view(batch, 6, *x.shape[2:])


class Shared(nn.Module):
    """One mixture for the whole batch, of a loop over experts that are parameters of their own."""

    input_size = (4, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.kernels = nn.ParameterList([torch.empty(6, 4, 1, 1) for _ in range(2)])
        self.router = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.router(x.mean((0, 2, 3))[None]).softmax(1)[0]
        blend = sum(weights[index] * kernel for index, kernel in enumerate(self.kernels))
        return conv2d(x, blend)


class Dense(nn.Module):
    """A linear layer of three matrices that are mixed for each sample."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(3, 8, 16))
        self.router = nn.Linear(8, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.router(x.mean(1)).softmax(1)
        return x @ torch.einsum("bm,mio->bio", weights, self.bank)


class Hyper(nn.Module):
    """A module with a parameter that neither experts nor router use."""

    input_size = (4, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(2, 4, 4, 1, 1))
        self.unused = nn.Parameter(torch.empty(7))
        self.router = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.router(x.mean((2, 3))).sigmoid()
        return conv2d(x, (weights @ self.bank.flatten(1)).view(4, 4, 1, 1))


class Normalised(nn.Module):
    """A dynamic convolution whose module has more in it, and calls the function by keyword."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(2, 6, 4, 3, 3))
        self.router = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2), nn.Softmax(1))
        self.before = nn.Conv2d(4, 4, 1)
        self.norm = nn.BatchNorm2d(6)

    def forward(self, x: Tensor) -> Tensor:
        x = conv2d(self.before(x), self.before.weight)
        batch, channels, height, width = x.shape
        kernels = (self.router(x) @ self.bank.flatten(1)).view(-1, 4, 3, 3)
        y = conv2d(input=x.reshape(1, batch * channels, height, width), weight=kernels, padding=1, groups=batch)
        return self.norm(y.view(batch, 6, height, width)).relu()


class Steered(Normalised):
    """The same, steered by a shape."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if len(x) == 1 else x


class Residual(nn.Module):
    """A linear layer of three matrices that are mixed for each sample, with a norm before and a sum after it."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(3, 8, 8))
        self.router = nn.Linear(8, 3, bias=False)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.router(x.mean(1)).softmax(1)
        return x + self.norm(x) @ torch.einsum("bm,mio->bio", weights, self.bank)


class Handed(nn.Module):
    """A dynamic convolution that is handed what weighs its experts."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(2, 6, 4, 3, 3))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        kernels = (weights @ self.bank.flatten(1)).view(-1, 4, 3, 3)
        y = conv2d(x.reshape(1, -1, *x.shape[2:]), kernels, padding=1, groups=len(x))
        return y.view(len(x), 6, *x.shape[2:])


class Routing(nn.Module):
    """The router of that convolution, in a forward that is steered by a shape."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = Handed()
        self.router = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.router(x.mean((2, 3))).sigmoid()
        return self.layer(x, weights).relu() if len(x) == 1 else x


class Stacked(nn.Module):
    """Two plain convolutions, the second of which runs twice, and one that does not train."""

    input_size = (4, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.second = nn.Conv2d(8, 8, 1, bias=False)
        self.frozen = nn.Conv2d(8, 1, 1, bias=False).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.frozen(self.second(self.second(self.first(x))))


class Attention4(nn.Module):
    """A convolution with attention to input channels, places, output channels and experts, as ODConv has it."""

    input_size = (4, 8, 8)

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(3, 6, 4, 3, 3))
        self.squeeze = nn.Sequential(nn.Conv2d(4, 2, 1, bias=False), nn.BatchNorm2d(2), nn.ReLU())
        self.channels = nn.Conv2d(2, 4, 1)
        self.filters = nn.Conv2d(2, 6, 1)
        self.places = nn.Conv2d(2, 9, 1)
        self.experts = nn.Conv2d(2, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        pooled = self.squeeze(adaptive_avg_pool2d(x, 1))
        x = x * self.channels(pooled).sigmoid()
        indices = self.places(pooled).sigmoid().view(batch, 1, 1, 1, 3, 3)
        experts = self.experts(pooled).softmax(1).view(batch, 3, 1, 1, 1, 1)
        kernels = (indices * experts * self.bank.unsqueeze(0)).sum(1).view(-1, 4, 3, 3)
        y = conv2d(x.reshape(1, -1, height, width), kernels, padding=1, groups=batch)
        return y.view(batch, 6, height, width) * self.filters(pooled).sigmoid()


class TopOne(nn.Module):
    """One of three kernels for each image, and none mixed."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(3, 6, 4, 3, 3))
        self.router = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        best = self.router(x.mean((2, 3))).argmax(1)
        y = conv2d(x.reshape(1, -1, *x.shape[2:]), self.bank[best].flatten(0, 1), padding=1, groups=len(x))
        return y.view(len(x), 6, *x.shape[2:])


class TopTwo(nn.Module):
    """A linear layer of four matrices, of which every token is multiplied by two."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.empty(4, 8, 16))
        self.router = nn.Linear(8, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(0, -2)
        weights, best = self.router(tokens).softmax(-1).topk(2)
        matrices = self.bank[best.flatten()]
        copies = tokens.unsqueeze(1).expand(-1, 2, -1).reshape(-1, 1, 8)
        y = torch.bmm(copies, matrices).view(-1, 2, 16) * weights.unsqueeze(-1)
        return y.sum(1).view(*x.shape[:-1], 16)
