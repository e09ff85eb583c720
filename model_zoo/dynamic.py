"""Dynamic convolution: M kernels, mixed anew for every image by a small router.

Shared by the families that use it. Source: ParameterNet (arXiv 2306.14525, section 3), and the YOLO code published
with it, whose kernels are timm's ``CondConv2d``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, conv2d
from ultralytics.nn.modules.conv import autopad

from archprof import DynamicDeclaration

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.builder.registry import Call, RowContext, Rule


@dataclass(frozen=True, slots=True)
class Router:
    """A way of weighing the experts: layers from C_in features to M scores, and what squashes the scores."""

    layers: Callable[[int, int], nn.Module]
    squash: Callable[[Tensor], Tensor]


def _two_layers(channels: int, experts: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(channels, channels, bias=False),
        nn.ReLU(),
        nn.Linear(channels, experts, bias=False),
    )


def _softmax(scores: Tensor) -> Tensor:
    return torch.softmax(scores, dim=1)


ROUTERS = {
    # As published for YOLO and with GhostNet: C_in·M + M parameters.
    "linear": Router(nn.Linear, torch.sigmoid),
    # As the paper describes it (equation 4 and the text around it): C_in² + C_in·M parameters.
    "mlp": Router(_two_layers, _softmax),
}
"""The routers in use, by the name that ``router=`` takes."""


def check_experts(experts: object) -> None:
    """Refuse what is no number of experts, such as a YAML's "four", 2.5 or true.

    Raises:
        ValueError: Where it is not a whole number from 1 up.
    """
    if type(experts) is not int or experts < 1:
        raise ValueError(f"experts must be a whole number from 1 up, not {experts!r}")


class MixedKernels(nn.Module):
    """M kernels, and a convolution of each image with its own mixture of them.

    (B, C_in, H, W) and (B, M) weights -> (B, C_out, H', W'). It does what timm's ``CondConv2d`` does, which the tests
    hold it to, without the seconds that importing timm takes.
    """

    def __init__(self, c1: int, c2: int, k: int, s: int, p: int, g: int, d: int, experts: int) -> None:
        super().__init__()
        self.kernel = (c2, c1 // g, k, k)
        self.stride, self.padding, self.groups, self.dilation = s, p, g, d
        self.weight = nn.Parameter(torch.empty(experts, c2 * (c1 // g) * k * k))
        for expert in self.weight:
            nn.init.kaiming_uniform_(expert.data.view(self.kernel), a=5**0.5)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Mix the kernels for each image, then convolve all images at once, each as a group of its own."""
        batch, channels, height, width = x.shape
        mixed = (weights @ self.weight).view(batch * self.kernel[0], *self.kernel[1:])
        images = x.reshape(1, batch * channels, height, width)
        y = conv2d(images, mixed, None, self.stride, self.padding, self.dilation, self.groups * batch)
        return y.view(batch, self.kernel[0], *y.shape[2:])


class DynamicConv2d(nn.Module):
    """A convolution whose kernel is a mixture of M experts, weighed by a router from the image's mean.

    (B, C_in, H, W) -> (B, C_out, H', W'). No bias; M · C_out · C_in/groups · K² weights and the router's.

    Args:
        c1: Channels in.
        c2: Channels out.
        k: Kernel size.
        s: Stride.
        p: Padding; None keeps the size at stride 1.
        g: Groups.
        d: Dilation.
        experts: M; None takes ``default_experts``.
        router: A key of :data:`ROUTERS`; None takes ``default_router``.

    Raises:
        ValueError: Where ``experts`` is no number of experts, or ``router`` none of the routers.
    """

    # Class attributes, so that a row can set them for every dynamic convolution inside the block it builds.
    default_experts: ClassVar[int] = 4
    default_router: ClassVar[str] = "linear"

    def __init__(
        self,
        c1: int,
        c2: int,
        k: int = 1,
        s: int = 1,
        p: int | None = None,
        g: int = 1,
        d: int = 1,
        experts: int | None = None,
        router: str | None = None,
    ) -> None:
        super().__init__()
        experts = self.default_experts if experts is None else experts
        router = self.default_router if router is None else router
        check_experts(experts)
        if router not in ROUTERS:
            raise ValueError(f"router must be {' or '.join(ROUTERS)}, not {router!r}")
        chosen = ROUTERS[router]
        self.router = chosen.layers(c1, experts)
        self.squash = chosen.squash
        self.kernels = MixedKernels(c1, c2, k, s, autopad(k, p, d), g, d, experts)

    def dynamic_layer(self) -> DynamicDeclaration:
        """Which dynamic layer it is."""
        kernels = self.kernels
        experts, (c2, per_group, *sides) = len(kernels.weight), kernels.kernel
        return DynamicDeclaration(
            experts=experts,
            in_channels=per_group * kernels.groups,
            out_channels=c2,
            kernel=tuple(sides),
            groups=kernels.groups,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the experts by the image, then convolve with their mixture."""
        weights = self.squash(self.router(adaptive_avg_pool2d(x, 1).flatten(1)))
        mixed: Tensor = self.kernels(x, weights)
        return mixed


def steered(rule: Rule) -> Rule:
    """The rule, with the variant's top-level ``experts`` and ``router`` in force while the block is made."""

    @wraps(rule)
    def wrapped(row: RowContext) -> Call:
        call = rule(row)
        settings = {key: row.values[key] for key in ("experts", "router") if key in row.values}
        held: dict[tuple[type, str], Any] = {
            (DynamicConv2d, f"default_{key}"): value for key, value in settings.items()
        }
        return replace(call, holding={**call.holding, **held})

    return wrapped
