from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.listing import LISTINGS
from archprof.records.conventions import CONVENTIONS
from archprof.records.metrics import NAMED
from archprof.render.formats import FORMATS
from archprof.sources import families
from archprof.sources.origins.stock import stock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

PLUGIN = """
from torch import nn
from archprof import register

@register("Doubled")
class Doubled(nn.Module):
    \"\"\"Twice what comes in.\"\"\"

    def __init__(self, c1, c2, factor=2):
        super().__init__()
"""


def items(archprof: Callable[[str], Result], query: str) -> list[dict[str, str]]:
    result = archprof(f"list {query} --format json")
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, str]] = json.loads(result.stdout)["items"]
    return found


def names(archprof: Callable[[str], Result], query: str) -> list[str]:
    return [item["name"] for item in items(archprof, query)]


def test_without_a_kind_it_lists_every_kind(archprof: Callable[[str], Result]) -> None:
    lines = archprof("list").stdout.splitlines()
    assert {line.split()[0] for line in lines if line} >= set(LISTINGS)


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("ultralytics", set(stock())),
        ("zoo", {name for _, name, _ in families.variants()}),
        ("conventions", set(CONVENTIONS)),
        ("metrics", set(NAMED)),
        ("formats", set(FORMATS)),
    ],
)
def test_a_kind_lists_all_of_its_things(archprof: Callable[[str], Result], kind: str, known: set[str]) -> None:
    assert set(names(archprof, kind)) == known


@pytest.mark.parametrize("package", ["timm", "torchvision"])
def test_models_of_packages_are_those_that_the_package_lists(archprof: Callable[[str], Result], package: str) -> None:
    import timm
    from torchvision import models

    known = timm.list_models() if package == "timm" else models.list_models()
    listed = names(archprof, package)
    # Read from the files: a few that are registered in a loop stand in none of them.
    assert set(listed) <= set(known)
    assert len(listed) >= 0.95 * len(known)


def test_what_is_to_be_typed_for_a_model_is_understood(archprof: Callable[[str], Result]) -> None:
    from archprof.sources.reference import resolve

    for kind in ("ultralytics:yolo11", "zoo", "timm:halonet*", "torchvision:resnet*"):
        for item in items(archprof, kind):
            assert resolve(item["usage"]).name


def test_scales_and_task_of_a_variant_are_shown(archprof: Callable[[str], Result]) -> None:
    (item,) = items(archprof, "ultralytics:yolo11-seg")
    assert item["about"] == "segment; scales n s m l x"


def test_a_pattern_is_of_the_whole_name_with_a_wildcard_and_else_of_a_part(archprof: Callable[[str], Result]) -> None:
    whole = names(archprof, "timm:RESNET?0")
    assert set(whole) == {"resnet50"}
    part = names(archprof, "timm:resnet50")
    assert {"resnet50", "resnet50d", "wide_resnet50_2"} <= set(part)
    assert all("resnet50" in name for name in part)


def test_blocks_show_what_their_constructors_take(archprof: Callable[[str], Result]) -> None:
    blocks = {(item["name"], item["about"].partition(":")[0]): item for item in items(archprof, "blocks:C3k2")}
    # ultralytics.nn.modules.block.C3k2.__init__
    expected = "ultralytics: (c1, c2, n=1, c3k=False, e=0.5, attn=False, g=1, shortcut=True)"
    assert blocks["C3k2", "ultralytics"]["about"] == expected
    assert ("C3k2_DynamicConv", "yolov13") in blocks


def test_blocks_of_a_plugin_are_listed_and_explained(archprof: Callable[[str], Result], tmp_path: Path) -> None:
    plugin = tmp_path / "blocks.py"
    plugin.write_text(PLUGIN)
    result = archprof(f"list blocks:doubled --plugin {plugin} --format json")
    assert [item["about"] for item in json.loads(result.stdout)["items"]] == ["*: (c1, c2, factor=2)"]


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("tim", "unknown kind 'tim'", "timm"),
        ("blocks:C3k3", "nothing in blocks matches 'C3k3'", "C3k2"),
        ("formats:yaml", "nothing in formats matches 'yaml'", "archprof list formats"),
    ],
)
def test_what_is_not_there_gets_the_nearest_name(
    archprof: Callable[[str], Result], query: str, message: str, hint: str
) -> None:
    result = archprof(f"list {query}")
    assert result.exit_code == 2
    assert message in result.stderr
    assert hint in result.stderr


def test_models_are_listed_without_torch_or_their_packages() -> None:
    code = (
        "import sys\n"
        "from archprof.listing import find_items\n"
        "for kind in ('ultralytics', 'zoo', 'timm', 'torchvision', 'conventions', 'metrics'):\n"
        "    assert find_items(kind)[1]\n"
        "print(sorted({'torch', 'timm', 'torchvision', 'ultralytics'} & set(sys.modules)))\n"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_a_model_stands_before_those_that_are_named_after_it(archprof: Callable[[str], Result]) -> None:
    for query in ("ultralytics:yolo11*", "zoo:yolov13*"):
        names = [item["name"] for item in json.loads(archprof(f"list {query} --format json").stdout)["items"]]
        assert names == sorted(names)
        assert names[0] == query.partition(":")[2].rstrip("*")


def test_what_things_are_is_said_in_whole_sentences_of_plain_text(archprof: Callable[[str], Result]) -> None:
    for kind in ("counters", "backends", "formats"):
        result = archprof(f"list {kind} --format json").stdout
        assert "``" not in result
        assert all(item["about"] for item in json.loads(result)["items"])
