"""Whose an import name is, on folders laid out as installers lay them out."""

from __future__ import annotations

import base64
import hashlib
import sysconfig
from typing import TYPE_CHECKING

import pytest

from archprof.counters.owner import claimants
from archprof.doctor import thop_owner

if TYPE_CHECKING:
    from pathlib import Path


def install(site: Path, name: str, version: str, content: str) -> None:
    """Write a distribution with the package ``thop`` over whatever is there."""
    (site / "thop").mkdir(exist_ok=True)
    (site / "thop" / "__init__.py").write_text(content, encoding="utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "RECORD").write_text(f"thop/__init__.py,sha256={digest},{len(content)}\n", encoding="utf-8")


def test_alone_it_is_as_it_should_be(tmp_path: Path) -> None:
    install(tmp_path, "ultralytics-thop", "2.2.3", "new")
    finding = thop_owner([str(tmp_path)])
    assert (finding.state, finding.message) == ("ok", "the import name is ultralytics-thop 2.2.3's alone")


@pytest.mark.parametrize("last", ["thop", "ultralytics-thop"])
def test_of_two_the_one_installed_last_has_it(last: str, tmp_path: Path) -> None:
    for name in sorted(("thop", "ultralytics-thop"), key=lambda name: name == last):
        install(tmp_path, name, "1.0", name)
    assert {one.name: one.intact for one in claimants("thop", [str(tmp_path)])} == {
        name: name == last for name in ("thop", "ultralytics-thop")
    }
    finding = thop_owner([str(tmp_path)])
    assert finding.state == "broken"
    assert finding.message.endswith(f"both install it, and it is {last}'s")
    assert finding.command == "pip uninstall -y thop ultralytics-thop && pip install ultralytics-thop"


def test_the_other_one_alone_is_a_mistake(tmp_path: Path) -> None:
    install(tmp_path, "thop", "0.1.1", "old")
    finding = thop_owner([str(tmp_path)])
    assert (finding.state, finding.message) == (
        "broken",
        "it is thop 0.1.1's; Ultralytics prints no GFLOPs with it",
    )


def test_changed_files_are_nobodys(tmp_path: Path) -> None:
    install(tmp_path, "ultralytics-thop", "2.2.3", "new")
    (tmp_path / "thop" / "__init__.py").write_text("changed", encoding="utf-8")
    finding = thop_owner([str(tmp_path)])
    assert (finding.state, finding.message) == ("broken", "its files are not from ultralytics-thop 2.2.3")


def test_without_it_there_is_something_to_type(tmp_path: Path) -> None:
    finding = thop_owner([str(tmp_path)])
    assert (finding.state, finding.command) == ("broken", "pip install ultralytics-thop")


def test_here_it_belongs_to_ultralytics_thop() -> None:
    assert [(one.name, one.intact) for one in claimants("thop", [sysconfig.get_path("purelib")])] == [
        ("ultralytics-thop", True)
    ]
