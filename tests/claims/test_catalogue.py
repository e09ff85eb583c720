from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archprof.claims.catalogue import catalogue, find_claims, published
from archprof.errors import UnknownReferenceError, VariantError
from archprof.sources import families

if TYPE_CHECKING:
    from pathlib import Path


def test_every_entry_says_what_a_reader_wants_to_know() -> None:
    for entry in catalogue():
        assert entry.task, entry.name
        assert entry.about, entry.name
        assert entry.source, entry.name


def test_the_catalogue_holds_what_was_published() -> None:
    entry = next(entry for entry in catalogue() if entry.name == "yolov13-DynamicConv")
    assert (entry.family.name, entry.task, entry.scales) == ("yolov13", "detect", ("n", "s", "l", "x"))
    figures = {item.figure: item.text for item in entry.claims[0].figures}
    assert (figures["parameters"], figures["gflops"], figures["modules"]) == ("4,621,033", "6.2", "641")


def test_claims_are_found_by_family_by_variant_and_by_file(tmp_path: Path) -> None:
    everything = find_claims([])
    assert {claim.path.parent.name for claim in everything} >= {"yolov13", "yolov10", "parameternet", "llama"}
    assert len(everything) == sum(len(published(family).claims) for family in families.families().values())

    (yolov10,) = {claim.path for claim in find_claims(["yolov10"])}
    assert yolov10.parent.name == "yolov10"
    # A family goes before the variant that is called like it.
    assert {claim.variant for claim in find_claims(["yolov13"])} > {"yolov13", "yolov13-pose"}

    path = tmp_path / "mine.yaml"
    path.write_text("claims: [{variant: x, figures: {layers: 3}}, {variant: x, figures: {layers: 4}}]")
    assert [figure.text for claim in find_claims([str(path)]) for figure in claim.figures] == ["3", "4"]
    assert [claim.variant for claim in find_claims([str(path), "llama-1b.yaml"])] == [
        "x",
        "x",
        *["llama-1b"] * 2,
    ]


def test_a_claim_that_is_named_twice_is_found_once() -> None:
    single = find_claims(["yolov13-pose"])
    assert len(single) == 1
    assert find_claims(["yolov13-pose", "yolov13-pose"]) == single
    assert len(find_claims(["yolov13-pose", "yolov13"])) == len(find_claims(["yolov13"]))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolov13-pse", "no claim is about 'yolov13-pse'\ndid you mean yolov13-pose"),
        ("missing.yaml", "no file 'missing.yaml'\ngive a claims file"),
        ("yolo26-DynamicConv", "no claim is about 'yolo26-DynamicConv'\n"),
        ("x" * 5000, "no claim is about 'xxx"),
    ],
)
def test_a_name_without_claims(name: str, message: str) -> None:
    with pytest.raises(UnknownReferenceError) as caught:
        find_claims([name])
    assert str(caught.value).startswith(message)


def test_a_file_without_claims(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text("title: Nothing yet")
    with pytest.raises(VariantError, match="has no claims"):
        find_claims([str(path)])
