"""``activation:`` is looked up, never evaluated."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from archprof.builder.activation import parse_activation
from archprof.errors import BuildError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nn.SiLU()", nn.SiLU()),
        ("torch.nn.ReLU()", nn.ReLU()),
        (" nn.LeakyReLU(0.1) ", nn.LeakyReLU(0.1)),
        ("nn.LeakyReLU(negative_slope=0.1, inplace=True)", nn.LeakyReLU(0.1, inplace=True)),
        ("nn.Hardtanh(-2, 2)", nn.Hardtanh(-2.0, 2.0)),
        ("nn.Identity()", nn.Identity()),
    ],
)
def test_activations(text: str, expected: nn.Module) -> None:
    found = parse_activation(text)
    assert type(found) is type(expected)
    assert {key: value for key, value in vars(found).items() if not key.startswith("_")} == {
        key: value for key, value in vars(expected).items() if not key.startswith("_")
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nn.SiLU", "is not a call with literal arguments"),
        ("SiLU()", "is not a torch.nn activation"),
        ("nn.Conv2d(3, 3, 3)", "is not a torch.nn activation"),
        ("nn.MultiheadAttention(8, 8)", "is not a torch.nn activation"),
        ("os.system('true')", "is not a torch.nn activation"),
        ("__import__('os').system('true')", "is not a torch.nn activation"),
        ("nn.LeakyReLU(__import__('os').getpid())", "is not a call with literal arguments"),
        ("nn.ReLU(**{})", "is not a torch.nn activation"),
        ("nn.ReLU(*[True])", "is not a call with literal arguments"),
        ("nn.ReLU(1, 2, 3)", "cannot be made: "),
        ("nn.ReLU(slope=1)", "cannot be made: "),
        ("lambda: 0", "is not a call with literal arguments"),
        ("nn.SiLU(); nn.ReLU()", "is not a call with literal arguments"),
        ("(" * 300, "is not a call with literal arguments"),
        ("", "is not a call with literal arguments"),
        (5, "is not a text"),
        (["nn.SiLU()"], "is not a text"),
    ],
)
def test_anything_else_is_refused(text: Any, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        parse_activation(text, path="mine.yaml", line=3)
    assert caught.value.message.startswith(f"activation {text!r} {message}")
    assert (caught.value.path, caught.value.line) == ("mine.yaml", 3)


def test_the_nearest_is_named() -> None:
    with pytest.raises(BuildError) as caught:
        parse_activation("nn.LeakyRelu(0.1)")
    assert caught.value.hint is not None
    assert "LeakyReLU" in caught.value.hint
