from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from archprof.errors import VariantError
from archprof.variant import zoo
from archprof.variant.claims import Published, read
from archprof.variant.reference import resolve

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
title: A paper
source: https://example.org
about: What it is about.
claims:
  - variant: yolov13
    settings: {scale: n, nc: 6, imgsz: 384x640, fuse: true, set: {kpt_shape: [21, 3]}}
    figures:
      modules: 648
      parameters: 2,461,081
      gflops: {thop-2.0: 6.40, fvcore: "3.2"}
      macs: 8.6 M
  - variant: timm:resnet18
    figures: {parameters: "11.7M"}
    source: table 2
    holds: false
    note: Another head.
"""


def test_figures_stay_as_they_were_printed(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(GOOD)

    found = read(path)

    assert (found.title, found.source, found.about) == ("A paper", "https://example.org", "What it is about.")
    first, second = found.claims
    assert first.settings == {
        "scale": "n",
        "nc": 6,
        "imgsz": "384x640",
        "fuse": True,
        "set": {"kpt_shape": [21, 3]},
    }
    assert first.figures == (
        Published("modules", "648"),
        Published("parameters", "2,461,081"),
        Published("gflops", "6.40", "thop-2.0"),
        Published("gflops", "3.2", "fvcore"),
        Published("macs", "8.6 M"),
    )
    assert (first.variant, first.source, first.holds, first.note) == ("yolov13", "https://example.org", True, None)
    assert (second.source, second.holds, second.note) == ("table 2", False, "Another head.")
    assert (first.path, first.line, second.line) == (path, 5, 12)


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("2,461,081", "2461081", "1"),
        ("6.4", "6.4", "0.1"),
        ("6.40", "6.4", "0.01"),
        ("8.6 M", "8600000", "100000"),
        ("599M", "599000000", "1000000"),
        ("0.94 B", "940000000", "10000000"),
        ("919 G", "919000000000", "1000000000"),
        ("12 K", "12000", "1000"),
    ],
)
def test_a_printed_number_has_a_value_and_a_last_digit(text: str, value: str, step: str) -> None:
    published = Published("parameters", text)
    assert (published.value, published.step) == (Decimal(value), Decimal(step))


@pytest.mark.parametrize(
    ("text", "measured", "agrees"),
    [
        ("6.2", 6.2, True),
        ("6.2", 6.15, True),  # half of the last digit, 0.05, either way
        ("6.2", 6.249, True),
        ("6.2", 6.251, False),
        ("6.20", 6.21, False),
        ("641", 641, True),
        ("641", 642, False),
        ("8.6 M", 8_633_106, True),
        ("8.6 M", 8_650_001, False),
        ("0.94 B", 936_429_568, True),
    ],
)
def test_a_figure_agrees_where_it_rounds_to_the_printed_digits(text: str, measured: float, agrees: bool) -> None:
    assert Published("parameters", text).agrees(measured) is agrees


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "1:1: the claims file must be a mapping (key: value), not a list"),
        ("titel: x", "1:8: the claims file has no key 'titel'\ndid you mean title?"),
        ("title: [x]", "1:8: title must be text, not ['x']"),
        ("claims: x", "1:9: claims must be a list, not 'x'"),
        ("claims: [{variant: x}]", "1:10: a claim without 'figures'"),
        ("claims: [{figures: {}}]", "1:10: a claim without 'variant'"),
        ("claims: [{variant: x, figures: {params: 3}}]", "1:41: figures has no key 'params'\ndid you mean parameters?"),
        (
            "claims: [{variant: x, figures: {parameters: many}}]",
            "1:45: parameters must be a number as printed, such as 2,461,081 or 8.6 M",
        ),
        (
            "claims: [{variant: x, figures: {parameters: {a: 1}}}]",
            "1:45: parameters must be a number as printed, such as 2,461,081 or 8.6 M",
        ),
        (
            "claims: [{variant: x, figures: {gflops: 6.4 G}}]",
            "1:41: gflops must be a number as printed, such as 6.4",
        ),
        ("claims: [{variant: x, figures: {}, settings: {nc: n}}]", "1:51: nc must be int, not 'n'"),
        ("claims: [{variant: x, figures: {}, settings: {nc: true}}]", "1:51: nc must be int, not True"),
        ("claims: [{variant: x, figures: {}, settings: {imgsz: 1.5}}]", "1:54: imgsz must be int or str, not 1.5"),
        (
            "claims: [{variant: x, figures: {}, settings: {size: 3}}]",
            "1:53: settings has no key 'size'\nit may have scale, nc, ",
        ),
        ("claims: [{variant: x, figures: {}, holds: maybe}]", "1:43: holds must be true or false"),
    ],
)
def test_what_is_no_claim_is_refused_where_it_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(VariantError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{message}")


def test_every_claim_of_the_zoo_is_about_a_model_that_is_there() -> None:
    claims = [claim for family in zoo.families().values() for claim in family.published.claims]
    assert len(claims) >= 20
    for claim in claims:
        resolve(claim.variant, scale=claim.settings.get("scale"))
        assert claim.source
        assert claim.figures
