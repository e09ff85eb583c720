from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from archprof.builder.plugins import load_family, load_plugin
from archprof.builder.registry import registry
from archprof.count.formulas import FORMULAS
from archprof.counters import COUNTERS
from archprof.errors import ArchprofError, PluginError, RegistrationError, UnknownReferenceError
from archprof.render.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BLOCK = """\
from torch import nn
from archprof.builder.registry import register

@register("{name}")
class Mine(nn.Identity):
    pass
"""


pytestmark = pytest.mark.usefixtures("forgets_blocks")

FAMILIES = ["llama", "parameternet", "resnet", "yolo11", "yolo26", "yolov10", "yolov13"]


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., Path]:
    def made(text: str, name: str = "blocks.py") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return made


def test_a_plugin_registers_its_blocks_once(
    plugin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plugin(BLOCK.format(name="FromAFile"))
    load_plugin(str(path))
    block = registry.find("FromAFile", "ultralytics")
    monkeypatch.chdir(tmp_path)
    load_plugin("blocks.py")  # the same file by another name
    assert block is not None
    assert registry.find("FromAFile", "ultralytics") is block


def test_a_plugin_may_be_a_module(plugin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(BLOCK.format(name="FromAModule"), "blocks_as_a_module.py")
    monkeypatch.chdir(tmp_path)
    load_plugin("blocks_as_a_module")
    assert registry.find("FromAModule", "ultralytics") is not None


def test_a_plugin_may_import_what_lies_beside_it(plugin: Callable[..., Path]) -> None:
    plugin("NAME = 'FromBeside'", "beside_the_plugin.py")
    before = list(sys.path)
    load_plugin(str(plugin("import beside_the_plugin as b\n" + BLOCK.replace('"{name}"', "b.NAME"))))
    assert registry.find("FromBeside", "ultralytics") is not None
    assert sys.path == before


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_registers_for_itself_alone(family: str) -> None:
    load_family(family)
    load_family(family)
    own = sorted(block.name for block in registry.blocks() if block.family == family)
    assert own
    assert all(registry.find(name, family) is not registry.find(name, "another") for name in own)


def test_a_family_that_is_not_installed_is_a_plugins(plugin: Callable[..., Path]) -> None:
    with pytest.raises(UnknownReferenceError, match="no block is registered for family 'of-a-stranger'"):
        load_family("of-a-stranger")
    text = BLOCK.format(name="Strange").replace('")', '", family="of-a-stranger")')
    load_plugin(str(plugin(text, "stranger.py")))
    before = dict(registry._blocks)
    load_family("of-a-stranger")
    assert registry._blocks == before


def failure(reference: object) -> ArchprofError:
    with pytest.raises(ArchprofError) as caught:
        load_plugin(str(reference))
    return caught.value


def test_an_error_shows_the_plugins_own_lines_alone(plugin: Callable[..., Path]) -> None:
    helper = plugin("def half(x):\n    raise ValueError(f'{x} is odd')\n", "helper_that_raises.py")
    path = plugin("from helper_that_raises import half\n\nhalf(3)\n")
    error = failure(path)
    assert isinstance(error, PluginError)
    # Python 3.13 marks more places of a line than 3.11 does.
    unmarked = [line for line in str(error).splitlines() if line.strip(" |~^")]
    assert (
        "\n".join(unmarked)
        == f"""\
{helper}:2: blocks.py raised ValueError: 3 is odd
  | Traceback (most recent call last):
  |   File "{path}", line 3, in <module>
  |     half(3)
  |   File "{helper}", line 2, in half
  |     raise ValueError(f'{{x}} is odd')
  | ValueError: 3 is odd"""
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("def f(:\n", 1, "blocks.py raised SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(3)", 2, "blocks.py raised SystemExit: 3"),
        ("\nimport no_such_package", 2, "blocks.py raised ModuleNotFoundError: No module named 'no_such_package'"),
        ("raise ValueError", 1, "blocks.py raised ValueError: (without a message)"),
        ("raise ValueError('one\\ntwo')", 1, "blocks.py raised ValueError: one"),
    ],
)
def test_a_plugin_that_raises(plugin: Callable[..., Path], text: str, line: int, message: str) -> None:
    path = plugin(text)
    error = failure(path)
    assert isinstance(error, PluginError)
    assert (error.path, error.line) == (str(path), line)
    assert error.message.startswith(message)
    assert error.hint is not None
    assert all(line.startswith("  | ") for line in error.hint.splitlines())


def test_a_block_that_is_registered_twice(plugin: Callable[..., Path]) -> None:
    load_plugin(str(plugin(BLOCK.format(name="Twice"), "first.py")))
    path = plugin(BLOCK.format(name="Other") + BLOCK.format(name="Twice"), "second.py")
    for _ in range(2):  # the second time says the same, and nothing of the file stays registered
        error = failure(path)
        assert isinstance(error, RegistrationError)
        assert error.message == "block 'Twice' is registered twice in family '*'"
        assert (error.path, error.line) == (str(path), 10)
        assert f'  |   File "{path}", line 10, in <module>' in str(error)
        assert registry.find("Other", "ultralytics") is None


def test_what_is_no_plugin(plugin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin("")
    text = plugin("", "notes.txt")
    monkeypatch.chdir(tmp_path)
    assert str(failure("block.py")) == "block.py: no such file\ndid you mean blocks.py?"
    assert str(failure(text)) == f"{text}: not a Python file: its name does not end in .py"
    assert str(failure(tmp_path)) == f"{tmp_path}: a directory, not a Python file"
    assert str(failure("no_such_package.blocks")) == "no module named 'no_such_package'"
    assert str(failure("archprof.no_such_module")) == "no module named 'archprof.no_such_module'"


def test_a_plugin_that_registers_nothing(plugin: Callable[..., Path]) -> None:
    path = plugin("from torch import nn\n\nclass Mine(nn.Identity):\n    pass\n")
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            load_plugin(str(path))
        assert caught.value.message == f"{path} registers nothing"
        assert "@archprof.register('NAME')" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "archprof.register_formula('mine.for_a_plugin')(lambda operation: None)",
        "from archprof.counters import COUNTERS\nCOUNTERS.register('mine', None)",
        "from archprof.render.formats import FORMATS\nFORMATS.register('mine', None)",
    ],
)
def test_a_plugin_that_registers_something_else_than_blocks(plugin: Callable[..., Path], text: str) -> None:
    with FORMULAS.scope(), COUNTERS.scope(), FORMATS.scope():
        load_plugin(str(plugin(f"import archprof\n{text}\n")))


def test_a_plugin_that_raises_registers_nothing_of_any_kind(plugin: Callable[..., Path]) -> None:
    text = "from archprof.counters import COUNTERS\nCOUNTERS.register('half', None)\nraise ValueError('odd')\n"
    path = plugin(text)
    for _ in range(2):  # the second time says the same
        assert failure(path).message == "blocks.py raised ValueError: odd"
        assert "half" not in COUNTERS


@pytest.mark.parametrize("name", ["", "  "])
def test_a_block_without_a_name(plugin: Callable[..., Path], name: str) -> None:
    with pytest.raises(RegistrationError, match="a block is registered without a name"):
        load_plugin(str(plugin(BLOCK.format(name=name))))


def test_a_decorator_without_its_brackets(plugin: Callable[..., Path]) -> None:
    text = BLOCK.replace('@register("{name}")', "@register")
    with pytest.raises(RegistrationError, match=r"a block is registered without a name: register\(<class"):
        load_plugin(str(plugin(text)))
