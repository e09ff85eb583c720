from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.claims.catalogue import published
from archprof.claims.claims_file import read
from archprof.errors import VariantError
from archprof.records.published import Published
from archprof.sources import families
from archprof.sources.reference import resolve

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

    result = read(path)

    assert (result.title, result.source, result.about) == ("A paper", "https://example.org", "What it is about.")
    first, second = result.claims
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
        (
            "claims: [{variant: x, figures: {}, settings: {nc: n}}]",
            "1:51: nc must be a whole number from 1 up, not 'n'",
        ),
        (
            "claims: [{variant: x, figures: {}, settings: {nc: true}}]",
            "1:51: nc must be a whole number from 1 up, not True",
        ),
        ("claims: [{variant: x, figures: {}, settings: {batch: 0}}]", "1:54: batch must be a whole number from 1 up"),
        ("claims: [{variant: x, figures: {}, settings: {fuse: 1}}]", "1:53: fuse must be true or false, not 1"),
        (
            "claims: [{variant: x, figures: {}, settings: {set: x}}]",
            "1:52: set must be a mapping (key: value), not 'x'",
        ),
        *(
            (
                f"claims: [{{variant: x, figures: {{}}, settings: {{imgsz: {size}}}}}]",
                "1:54: imgsz must be a side, or HEIGHTxWIDTH, not ",
            )
            for size in ("1.5", "0", "true", "'640x'")
        ),
        (
            "claims: [{variant: x, figures: {}, settings: {size: 3}}]",
            "1:53: settings has no key 'size'\nit may have scale, nc, ",
        ),
        ("claims: [{variant: x, figures: {}, holds: maybe}]", "1:43: holds must be true or false"),
        ("claims: [{variant: x, figures: {}}]", "1:32: a claim without a figure"),
        ("claims: [{variant: x, figures: {layers: 3}, against: y}]", "1:54: no claim above this one is about 'y'"),
    ],
)
def test_what_is_no_claim_is_refused_where_it_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(VariantError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{message}")


AGAINST = """\
claims:
  - {variant: plain, settings: {nc: 6}, figures: {parameters: 3, gflops: {thop-2.0: 6.4}}}
  - {variant: plain, settings: {nc: 80}, figures: {gflops: {thop-2.0: 6.5}}}
  - {variant: plain, settings: {nc: 6}, figures: {gflops: 7.1}}
  - {variant: changed, against: plain, settings: %s, figures: {%s}}
"""


@pytest.mark.parametrize(
    ("settings", "figures", "line"),
    [
        ("{nc: 6}", "gflops: {thop-2.0: 6.2}", 2),
        ("{nc: 80}", "gflops: {thop-2.0: 6.2}", 3),
        ("{nc: 6}", "gflops: 8.1", 4),
    ],
)
def test_a_claim_is_read_against_one_that_is_comparable(tmp_path: Path, settings: str, figures: str, line: int) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(AGAINST % (settings, figures))
    *_, claim = read(path).claims
    assert claim.against
    assert (claim.against.variant, claim.against.line) == ("plain", line)


@pytest.mark.parametrize(
    ("settings", "figures"),
    [("{nc: 7}", "gflops: 8.1"), ("{nc: 80}", "gflops: 8.1"), ("{nc: 6}", "parameters: 3"), ("{nc: 6}", "macs: 4")],
)
def test_a_claim_is_not_read_against_one_that_is_not(tmp_path: Path, settings: str, figures: str) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(AGAINST % (settings, figures))
    with pytest.raises(
        VariantError, match="5:33: no claim above this one is about 'plain', with the same settings and"
    ):
        read(path)


def test_every_claim_of_the_zoo_is_about_a_model_that_is_there() -> None:
    claims = [claim for family in families.families().values() for claim in published(family).claims]
    assert len(claims) >= 20
    for claim in claims:
        resolve(claim.variant, scale=claim.settings.get("scale"))
        assert claim.source
        assert claim.figures
