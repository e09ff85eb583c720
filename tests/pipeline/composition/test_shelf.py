"""Whatever a row's record depends on changes its key, and what is on disk is used only where it is sound."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archprof import cache
from archprof.builder.registry import registry
from archprof.builder.stock import register_stock
from archprof.cache import code_files, fingerprint
from archprof.sources.reference import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

TINY = """\
nc: 2
scales:
  n: [1.0, 1.0, 1024]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


@pytest.fixture
def tiny(rows: Any, folder: Path) -> Any:
    """Gives the request of the file in the folder, with a cache of its own; its text may be changed."""

    def request(old: str = "", new: str = "", **options: Any) -> Any:
        assert old in TINY
        (folder / "tiny.yaml").write_text(TINY.replace(old, new) if old else TINY, encoding="utf-8")
        return rows.request(resolve("tiny.yaml"), **{"size": (32,), **options})

    return request


def test_rows_that_are_known_are_put_together(rows: Any, tiny: Any) -> None:
    assert rows.known(tiny()) is None
    rows.check(tiny())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[32, 3, 2]", "[32, 3, 1]"),  # an argument
        ("[16, 3, 2]", "[24, 3, 2]"),  # and with it what goes into the next row
        ("1, Conv, [32, 3, 2]", "2, C2f, [32]"),  # the block and its repeats
        ("1, Conv, [32", "1, DWConv, [32"),
        ("1.0, 1.0, 1024", "1.0, 0.5, 1024"),  # the width
        ("1.0, 1.0, 1024", "1.0, 1.0, 16"),  # the most channels
        ("nc: 2", "nc: 3"),
        ("nc: 2", "nc: 2\nactivation: nn.ReLU()"),
    ],
)
def test_a_row_that_is_not_known_is_counted(rows: Any, tiny: Any, old: str, new: str) -> None:
    rows.count(tiny())

    assert rows.known(tiny(old, new)) is None
    rows.check(tiny(old, new))
    rows.check(tiny())


@pytest.mark.parametrize(
    "options", [{"size": (64,)}, {"batch": 2}, {"channels": 1}, {"dtype": "float16"}, {"fuse": True}]
)
def test_other_inputs_are_counted(rows: Any, tiny: Any, options: dict[str, Any]) -> None:
    rows.count(tiny())

    assert rows.known(tiny(**options)) is None
    rows.check(tiny(**options))


@pytest.mark.parametrize(
    ("old", "new"), [("nc: 2", "# two\nnc: 2"), ("n: [", "s: ["), ("backbone", "note: 1\nbackbone"), ("1024", "512")]
)
def test_what_no_row_depends_on_is_known(rows: Any, tiny: Any, old: str, new: str) -> None:
    rows.count(tiny())
    known = rows.known(tiny(old, new))

    assert known is not None
    assert known.to_json() == rows.whole(tiny(old, new)).to_json()


@pytest.mark.parametrize("options", [{"device": "cpu"}, {"backward": True}, {"static": True}])
def test_what_rows_do_not_tell_runs_as_a_whole(rows: Any, tiny: Any, options: dict[str, Any]) -> None:
    assert rows.count(tiny(**options)) is None


def another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version", "3.99.0 (main)")


def another_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_SETTING", "1")


def another_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "PACKAGE", str(Path(fingerprint.PACKAGE) / "count"))


@pytest.mark.parametrize("change", [another_version, another_setting, another_source])
def test_other_surroundings_are_counted(
    rows: Any,
    tiny: Any,
    monkeypatch: pytest.MonkeyPatch,
    forget_fingerprints: Callable[[], None],
    change: Callable[[pytest.MonkeyPatch], None],
) -> None:
    rows.count(tiny())
    assert rows.known(tiny()) is not None
    change(monkeypatch)
    forget_fingerprints()

    assert rows.known(tiny()) is None


@pytest.mark.parametrize("damage", [b"", b"archprof", b"\xff" * 100])
def test_damaged_records_are_counted_again(rows: Any, tiny: Any, damage: bytes) -> None:
    rows.count(tiny())
    store = cache.kept()
    assert store is not None
    for file in store.folder.iterdir():
        file.write_bytes(file.read_bytes()[: len(damage)] + damage)

    assert rows.known(tiny()) is None
    rows.check(tiny())


def test_records_that_are_cut_are_counted_again(rows: Any, tiny: Any) -> None:
    rows.count(tiny())
    store = cache.kept()
    assert store is not None
    for file in store.folder.iterdir():
        file.write_bytes(file.read_bytes()[:-1])

    assert rows.known(tiny()) is None
    rows.check(tiny())


WRITE_AGAIN = """\
import sys
from pathlib import Path
from archprof.cache.store import Store

store = Store(Path(sys.argv[1]))
for _ in range(50):
    for key in sys.argv[2:]:
        if parts := store.read(key):
            store.write(key, *parts)
"""


def test_two_processes_write_the_same_records(rows: Any, tiny: Any) -> None:
    rows.count(tiny())
    store = cache.kept()
    assert store is not None
    keys = [file.name for file in store.folder.iterdir()]
    command = [sys.executable, "-c", WRITE_AGAIN, str(store.folder.parent), *keys]
    others = [subprocess.Popen(command) for _ in range(2)]
    whole = rows.whole(tiny()).to_json()
    while any(other.poll() is None for other in others):
        known = rows.known(tiny())
        assert known is not None
        assert known.to_json() == whole
    assert [other.returncode for other in others] == [0, 0]


PLUGIN = """\
from torch import nn
import archprof

@archprof.register("Wide")
class Wide(nn.Sequential):
    def __init__(self, c1, c2):
        super().__init__(nn.Conv2d(c1, WIDTH, 1), nn.Conv2d(WIDTH, c2, 1))
"""


@pytest.fixture
def plugin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[str, ...]]:
    """Writes a plugin as it was before a new process began, and loads it as that does."""
    register_stock()
    monkeypatch.setattr(registry, "_blocks", dict(registry._blocks))
    before = dict(registry._blocks)

    def write(text: str) -> tuple[str, ...]:
        from archprof.builder.plugins import load_plugins

        file = folder / "blocks.py"
        file.write_text(text, encoding="utf-8")
        os.utime(file, (code_files.STARTED - 10, code_files.STARTED - 10))
        for name in [name for name in sys.modules if name.startswith("_archprof_blocks")]:
            del sys.modules[name]
        registry._blocks = dict(before)
        code_files.digest_of.cache_clear()
        load_plugins(["blocks.py"])
        return ("blocks.py",)

    return write


def test_a_plugins_rows_are_known_by_its_source(rows: Any, tiny: Any, plugin: Callable[[str], Any]) -> None:
    request = tiny("Conv, [32, 3, 2]", "Wide, [32]")
    plugins = plugin(f"WIDTH = 8\n{PLUGIN}")
    first = rows.count(request, plugins)
    assert first is not None
    assert first.to_json() == rows.whole(request).to_json()
    assert rows.known(request, plugins) == first
    assert rows.known(request) is None  # as --no-plugins has it

    plugin(f"WIDTH = 10\n{PLUGIN}")
    assert rows.known(request, plugins) is None
    second = rows.count(request, plugins)
    # Two more channels in the middle: 2 · (16 + 1) weights and biases in, 2 · 32 weights out.
    assert second.totals.parameters - first.totals.parameters == 2 * (16 + 1) + 2 * 32


STATEFUL = {
    "counts its calls": "count = iter(range(8, 10**6))\ndef width(): return next(count)\n",
    "draws": "import random\ndef width(): return random.randrange(8, 10**6)\n",
}
SHARING = """\
from torch import nn
import archprof

SHARED = nn.Conv2d(16, 16, 1)

@archprof.register("Wide")
class Wide(nn.Sequential):
    def __init__(self, c1, c2):
        super().__init__(SHARED, nn.Conv2d(16, c2, 1))
"""


@pytest.mark.parametrize("state", STATEFUL.values(), ids=STATEFUL)
def test_a_plugin_with_state_runs_as_a_whole(rows: Any, tiny: Any, plugin: Callable[[str], Any], state: str) -> None:
    plugins = plugin(state + PLUGIN.replace("c1, WIDTH, 1", "c1, 8 + width() % 1000, 1").replace("WIDTH, c2", "8, c2"))
    assert rows.count(tiny("Conv, [32, 3, 2]", "Wide, [32]"), plugins) is None


SETTER = """
from types import SimpleNamespace

GLOBAL, LISTED, HELD = {{"width": 8}}, [8], SimpleNamespace(width=8)

class Kept:
    width = 8

@archprof.register("Setter")
class Setter(nn.Sequential):
    def __init__(self, c1, c2, width):
        super().__init__(nn.Conv2d(c1, c2, 1))
        {setting}

@archprof.register("Wide")
class Wide(nn.Sequential):
    def __init__(self, c1, c2):
        super().__init__(nn.Conv2d(c1, {reading}, 1), nn.Conv2d({reading}, c2, 1))
"""


@pytest.mark.parametrize(
    ("setting", "reading"),
    [
        ("GLOBAL['width'] = width", "GLOBAL['width']"),
        ("LISTED[0] = width", "LISTED[0]"),
        ("HELD.width = width", "HELD.width"),
        ("Kept.width = width", "Kept.width"),
        ("globals()['WIDTH'] = width", "globals().get('WIDTH', 8)"),
    ],
)
def test_what_one_row_tells_another_behind_archprofs_back_runs_as_a_whole(
    rows: Any, tiny: Any, plugin: Callable[[str], Any], setting: str, reading: str
) -> None:
    text = f"from torch import nn\nimport archprof\n{SETTER.format(setting=setting, reading=reading)}"
    for width in (24, 40):
        request = tiny("Conv, [32, 3, 2]]", f"Setter, [16, {width}]]\n  - [-1, 1, Wide, [32]]")
        plugins = plugin(text)
        assert rows.count(request, plugins) is None
        assert rows.known(request, plugins) is None
    # As long as nothing is changed, rows are put together.
    request, plugins = tiny("Conv, [32, 3, 2]]", "Setter, [16, 8]]\n  - [-1, 1, Wide, [32]]"), plugin(text)
    counted = rows.count(request, plugins)
    if "WIDTH" not in setting:  # which makes a global that was not there
        assert counted.to_json() == rows.whole(request).to_json()


def test_a_plugin_whose_rows_share_a_module_runs_as_a_whole(rows: Any, tiny: Any, plugin: Callable[[str], Any]) -> None:
    assert rows.count(tiny("Conv, [32, 3, 2]", "Wide, [32]"), plugin(SHARING)) is None


def test_known_rows_need_no_torch(folder: Path) -> None:
    """In a process that cannot import it."""
    (folder / "tiny.yaml").write_text(TINY, encoding="utf-8")
    command = [sys.executable, "-c", "from archprof.cli import app; app()", "summary", "tiny.yaml", "--imgsz", "32"]
    run: dict[str, Any] = {"cwd": folder, "capture_output": True, "text": True}
    subprocess.run(command, check=True, **run)
    # The file is another one, of which every row is known: so no profile of it is cached.
    (folder / "tiny.yaml").write_text(TINY.replace("nc: 2", "# a note\nnc: 2"), encoding="utf-8")
    code = "import sys; sys.modules['torch'] = None; from archprof.cli import app; app()"
    known = subprocess.run([command[0], "-c", code, *command[3:], "--format", "json"], check=True, **run)
    counted = subprocess.run([*command, "--format", "json", "--no-cache"], check=True, **run)

    assert known.stdout == counted.stdout
