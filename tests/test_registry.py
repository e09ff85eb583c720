from __future__ import annotations

import pytest

from archprof.errors import RegistrationError, UsageError
from archprof.registry import Registry


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
