"""A kept profile is the one that counting would give: each thing that it depends on is changed in turn."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import archprof
from archprof import cache
from archprof.builder.options import Options
from archprof.builder.registry import registry
from archprof.cache import code_files, fingerprint
from archprof.pipeline import Request
from archprof.pipeline.profile_cache import key_of
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_what_has_not_changed_is_not_counted_again(count: Any) -> None:
    first = count()

    assert count() == first
    assert count.counted == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [("nc: 2", "nc: 3"), ("[16, 3, 2]", "[16, 3, 1]"), ("2.0, 1024", "2.0, 512"), ("nc: 2", "# said\nnc: 2")],
)
def test_a_changed_yaml_is_counted(count: Any, folder: Path, old: str, new: str) -> None:
    count()
    replace(folder / "tiny.yaml", old, new)
    fresh = count()
    cache.enabled = False

    assert count.counted == 2
    assert count() == fresh


@pytest.mark.parametrize(
    "options",
    [
        {"size": (64,)},
        {"batch": 2},
        {"channels": 1},
        {"fuse": True},
        {"device": "meta"},
        {"dtype": "float16"},
        {"backward": True, "batch": 2},
        {"conventions": ("fvcore",)},
        {"scale": "s"},
        {"reference": "./tiny.yaml"},
    ],
    ids=str,
)
def test_a_changed_option_is_counted(count: Any, options: dict[str, Any]) -> None:
    count()
    count(**options)

    assert count.counted == 2


def test_every_option_is_in_the_key(folder: Path) -> None:
    spec = resolve("tiny.yaml")
    other: dict[str, Any] = {
        "size": (7,),
        "device": "meta",
        "dtype": "other",
        "batch": 7,
        "channels": 7,
    }
    base, keys = Options(), set()
    for field in dataclasses.fields(Options):
        value = other.get(field.name, not getattr(base, field.name))
        keys.add(key_of(Request(spec, dataclasses.replace(base, **{field.name: value}))))

    keys.add(key_of(Request(spec, base, ("fvcore",))))

    assert len(keys) == len(dataclasses.fields(Options)) + 1
    assert key_of(Request(spec, base)) not in keys


def install_torch(place: Path) -> Path:
    """An installed torch 99.0, as far as its metadata says."""
    info = place / "torch-99.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 99.0\n", encoding="utf-8")
    return info


def another_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_torch(folder / "more")
    monkeypatch.syspath_prepend(folder / "more")


def another_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder / "more"
    monkeypatch.syspath_prepend(place)
    info = install_torch(place)
    before = fingerprint.installed()
    info.rename(place / "torch-99.1.dist-info")
    assert fingerprint.installed() != before


def another_python(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version", "3.99.0 (main)")


def another_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIMM_FUSED_ATTN", "0")


def another_source(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = folder / "archprof"
    shutil.copytree(archprof.__path__[0], copy)
    with (copy / "count" / "macs.py").open("a") as file:
        file.write("# changed\n")
    monkeypatch.setattr(fingerprint, "PACKAGE", str(copy))


@pytest.mark.parametrize("change", [another_package, another_version, another_python, another_setting, another_source])
def test_changed_surroundings_are_counted(
    count: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[..., None]
) -> None:
    count()
    change(folder, monkeypatch)
    count()

    assert count.counted == 2


BLOCK = """\
from torch import nn
from widths import WIDTH
import archprof

@archprof.register("Wide")
class Wide(nn.Sequential):
    def __init__(self, c1, c2):
        super().__init__(nn.Conv2d(c1, WIDTH, 1), nn.Conv2d(WIDTH, c2, 1))
"""


@pytest.fixture
def plugin(count: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes a plugin and what it imports, as they were before a new process began."""
    monkeypatch.setattr(registry, "_blocks", dict(registry._blocks))
    replace(folder / "tiny.yaml", "Conv, [16, 3, 2]", "Wide, [16]")
    kept = dict(registry._blocks)

    def write(block: str, width: str) -> None:
        count.write(folder / "blocks.py", block)
        count.write(folder / "widths.py", width)
        for name in [name for name in sys.modules if name == "widths" or name.startswith("_archprof_blocks")]:
            del sys.modules[name]
        registry._blocks = dict(kept)

    return write


def test_a_plugins_change_is_counted_and_that_of_what_it_imports(
    count: Any, plugin: Callable[[str, str], None]
) -> None:
    # Classify brings c2 · 1280 weights and the rest; only the two convolutions change, (3 + 1)·W + (W + 1)·16.
    plugin(BLOCK, "WIDTH = 8\n")
    first = count(plugins=["blocks.py"])
    plugin(BLOCK, "WIDTH = 8\n")
    assert count(plugins=["blocks.py"]) == first
    assert count.counted == 1

    plugin(BLOCK, "WIDTH = 10\n")
    second = count(plugins=["blocks.py"])
    assert count.counted == 2
    assert second.totals.parameters - first.totals.parameters == 2 * (4 + 16)

    plugin(BLOCK.replace("c2, 1)", "c2, 3, padding=1)"), "WIDTH = 10\n")
    assert count(plugins=["blocks.py"]).totals.parameters - second.totals.parameters == 8 * 10 * 16
    assert count.counted == 3


def test_a_plugin_is_looked_up_where_the_command_runs(
    count: Any, plugin: Callable[[str, str], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(BLOCK, "WIDTH = 8\n")
    count(plugins=["blocks.py"])
    other = folder / "other"
    other.mkdir()
    shutil.copy(folder / "tiny.yaml", other)
    count.write(other / "blocks.py", BLOCK.replace("from widths import WIDTH", "WIDTH = 12"))
    monkeypatch.chdir(other)
    plugin(BLOCK, "WIDTH = 8\n")
    count(plugins=["blocks.py"])

    assert count.counted == 2


def test_a_file_that_changes_while_it_is_used_is_not_relied_on(
    count: Any, plugin: Callable[[str, str], None], folder: Path
) -> None:
    plugin(BLOCK, "WIDTH = 8\n")
    (folder / "widths.py").write_text("WIDTH = 8\n")  # now, after the process began
    count(plugins=["blocks.py"])
    plugin(BLOCK, "WIDTH = 8\n")
    count(plugins=["blocks.py"])

    assert count.counted == 2


def test_an_installed_familys_blocks_are_known_by_content(count: Any) -> None:
    count("yolov13-DynamicConv")
    blocks = sys.modules["model_zoo.yolov13"].__file__
    found = code_files.used({"model_zoo"})

    assert blocks is not None
    assert found is not None
    assert blocks in found
    assert code_files.unchanged(found)
    assert not code_files.unchanged({**found, blocks: "0" * 64})
    assert not any("/site-packages/torch/" in path for path in found)


def test_what_a_users_function_makes_is_always_counted(count: Any, folder: Path) -> None:
    count.write(folder / "mine.py", "from torch import nn\ndef make(): return nn.Conv2d(3, 4, 1)\n")
    count("mine.py:make")
    count("mine.py:make")

    assert count.counted == 2


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_what_runs_for_real_is_always_counted(folder: Path, device: str) -> None:
    assert key_of(Request(resolve("tiny.yaml"), Options(device=device))) is None


def test_a_number_that_cannot_be_kept_is_counted_each_time(folder: Path) -> None:
    assert key_of(Request(resolve("tiny.yaml").with_values({"large": 2**70}), Options())) is None


def kept_file() -> Path:
    """The file of the profile of ``tiny.yaml``."""
    store, key = cache.kept(), key_of(Request(resolve("tiny.yaml"), Options(size=(32,))))
    assert store is not None
    assert key is not None
    return store.folder / key


def test_a_damaged_file_is_counted_again_and_mended(count: Any) -> None:
    first = count()
    path = kept_file()
    sound = path.read_bytes()
    path.write_bytes(sound[:-5])

    assert count() == first
    assert count.counted == 2
    assert path.read_bytes() == sound


def test_sound_bytes_that_are_no_profile_are_counted_again(count: Any) -> None:
    first = count()
    path = kept_file()
    store = cache.kept()
    assert store is not None
    store.write(path.name, msgspec.msgpack.encode({"sources": {}, "profile": {"version": 99}}), b"")

    assert count() == first
    assert count.counted == 2


def test_the_details_may_be_left_out(count: Any) -> None:
    whole = count(conventions=("fvcore",))
    brief = count(conventions=("fvcore",), level="budgets")

    assert count.counted == 1
    left_out = {name: getattr(whole, name) for name in ("modules", "operations", "work")}
    assert all(left_out.values())
    assert all(getattr(brief, name) == [] for name in left_out)
    assert list(whole.reported) == ["fvcore", "thop-2.0", "ultralytics"]
    assert list(brief.reported) == ["fvcore"]
    assert msgspec.structs.replace(brief, reported=whole.reported, **left_out) == whole


def test_what_was_counted_without_details_is_counted_again_where_they_are_wanted(count: Any) -> None:
    brief = count(level="budgets")
    assert count(level="budgets") == brief
    assert count.counted == 1

    whole = count()
    assert count.counted == 2
    assert whole.modules
    assert whole.brief() == brief
    assert count() == whole
    assert count(level="budgets") == brief
    assert count.counted == 2


@pytest.mark.parametrize("reference", ["yolov13-DynamicConv", "yolov13-pose-PST", "timm:resnet18", "llama-1b-up-4e"])
def test_a_kept_profile_is_the_fresh_one_byte_for_byte(count: Any, reference: str) -> None:
    fresh = count(reference, size=None, conventions=("fvcore",))
    kept = count(reference, size=None, conventions=("fvcore",))

    assert count.counted == 1
    assert kept.to_json() == fresh.to_json()
    assert kept == fresh
