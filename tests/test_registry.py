from __future__ import annotations

import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archprof.errors import RegistrationError, UsageError
from archprof.registry import Registry, deferred, load_deferred, registrations, undone_on_error

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def colours() -> Registry[int]:
    registry: Registry[int] = Registry("colour")
    registry.register("red", 1)
    registry.register("green", 2)
    return registry


def test_entries_are_found_by_name_in_their_order(colours: Registry[int]) -> None:
    assert (list(colours), colours.find("green"), colours["red"], "blue" in colours) == (["red", "green"], 2, 1, False)


def test_a_name_is_taken_once(colours: Registry[int]) -> None:
    with pytest.raises(RegistrationError, match="colour 'red' is registered twice"):
        colours.register("red", 3)
    assert colours["red"] == 1


@pytest.mark.parametrize(("name", "hint"), [("gren", "did you mean green?"), ("xyzzy", "available: red, green")])
def test_what_is_unknown_has_a_suggestion(colours: Registry[int], name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        colours.find(name)
    assert str(caught.value) == f"unknown colour {name!r}\n{hint}"


def test_a_scope_forgets_what_was_registered_in_it(colours: Registry[int]) -> None:
    with colours.scope():
        colours.register("blue", 3)
        assert colours.find("blue") == 3
    assert list(colours) == ["red", "green"]


def test_a_scope_that_an_error_ends_forgets_it_too(colours: Registry[int]) -> None:
    def fail() -> None:
        with colours.scope():
            colours.register("blue", 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "blue" not in colours


ENTRY = """\
from {package} import SIZES

SIZES.register("{name}", {value})
"""


@pytest.fixture
def sizes_package(tmp_path: Path) -> str:
    return f"package_{tmp_path.name}"


@pytest.fixture
def sizes(sizes_package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    """A registry of a package with two files, ``large`` and ``small``, in this order; ``empty`` registers nothing."""
    folder = tmp_path / sizes_package
    folder.mkdir()
    files = ("large", "small", "empty")
    text = f"from archprof.registry import Registry\n\nSIZES = Registry('size', __name__, {files})\n"
    (folder / "__init__.py").write_text(text, encoding="utf-8")
    for name, value in (("small", 1), ("large", 2)):
        text = ENTRY.format(package=sizes_package, name=name, value=value)
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "empty.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    registry: Registry[int] = importlib.import_module(sizes_package).SIZES
    return registry


def test_a_file_is_imported_when_its_entry_is_asked_for(sizes: Registry[int], sizes_package: str) -> None:
    before = registrations()
    assert (list(sizes), len(sizes), "small" in sizes, "medium" in sizes) == (
        ["large", "small", "empty"],
        3,
        True,
        False,
    )
    files = {f"{sizes_package}.{name}" for name in sizes}
    assert not files & sys.modules.keys()
    assert sizes["small"] == 1
    assert files & sys.modules.keys() == {f"{sizes_package}.small"}
    assert (sizes.find("large"), list(sizes)) == (2, ["large", "small", "empty"])
    assert registrations() == before  # no plugin's


def test_a_files_name_is_taken_before_it_is_imported(sizes: Registry[int]) -> None:
    with pytest.raises(RegistrationError, match="size 'small' is registered twice"):
        sizes.register("small", 3)
    assert sizes["small"] == 1


def test_a_scope_keeps_what_its_files_registered(sizes: Registry[int]) -> None:
    with sizes.scope():
        sizes.register("medium", 3)
        assert sizes["large"] == 2
    assert "medium" not in sizes
    assert sizes["large"] == 2


def test_a_scope_keeps_what_is_registered_as_own(colours: Registry[int]) -> None:
    before = registrations()
    with colours.scope():
        with colours.own():
            colours.register("black", 0)
        colours.register("blue", 3)
    assert list(colours) == ["red", "green", "black"]
    assert registrations() == before + 1


def test_a_file_that_registers_another_name(sizes: Registry[int]) -> None:
    with pytest.raises(RegistrationError, match=r"\.empty registers no size 'empty'"):
        sizes.find("empty")


def test_an_error_undoes_what_was_registered_of_any_kind(colours: Registry[int]) -> None:
    shapes: Registry[int] = Registry("shape")

    def fail() -> None:
        with undone_on_error():
            colours.register("blue", 3)
            shapes.register("circle", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (list(colours), list(shapes)) == (["red", "green"], [])
    with undone_on_error():
        shapes.register("circle", 1)
    assert list(shapes) == ["circle"]


def test_what_is_deferred_is_loaded_once_and_only_for_a_name_that_is_missing(colours: Registry[int]) -> None:
    loads = []

    def load() -> None:
        loads.append("blue")
        colours.register("blue", 3)

    with deferred(load):
        assert colours.find("red") == 1
        assert loads == []
        assert colours.find("blue") == 3
        with pytest.raises(UsageError, match="unknown colour 'pink'"):
            colours.find("pink")
    assert loads == ["blue"]
    assert not load_deferred()


def test_what_nobody_asked_for_is_not_deferred_any_longer(colours: Registry[int]) -> None:
    with deferred(lambda: colours.register("blue", 3)):
        pass
    with pytest.raises(UsageError):
        colours.find("blue")


def test_formats_that_a_failed_plugin_imported_first_stay() -> None:
    code = (
        "from archprof.registry import registrations, undone_on_error\n"
        "try:\n"
        "    with undone_on_error():\n"
        "        from archprof.render.formats import FORMATS\n"
        "        raise ZeroDivisionError\n"
        "except ZeroDivisionError:\n"
        "    print('text' in FORMATS, registrations())\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "True 0\n"
