"""Expressions of symbols, held to SymPy, which writes them."""

from __future__ import annotations

from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from archprof.sources.program_file.sizes import UnreadableSizeError, evaluate, readable, size_of, solve, symbols_in

FIRST, SECOND = sympy.symbols("s0 s1", integer=True, positive=True)

expressions = st.recursive(
    st.one_of(st.sampled_from([FIRST, SECOND]), st.integers(1, 9).map(sympy.Integer)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, inner).map(lambda pair: sympy.Max(*pair)),
        inner.map(lambda value: sympy.floor(value / 2)),
        inner.map(lambda value: value**2),
    ),
    max_leaves=6,
)


@given(expressions, st.integers(1, 50), st.integers(1, 50))
def test_as_sympy_prints_them(expression: Any, first: int, second: int) -> None:
    expected = int(expression.subs({FIRST: first, SECOND: second}))
    symbols = {"s0": first, "s1": second}
    assert evaluate(sympy.srepr(expression), symbols) == expected
    assert set(symbols_in(sympy.srepr(expression))) == {str(symbol) for symbol in expression.free_symbols}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("32*s0", 640),
        ("((s0 - 1)//2) + 1", 10),
        ("torch.utils._sympy.functions.FloorDiv(Symbol('s0'), Integer(3))", 6),
        ("torch.utils._sympy.functions.Mod(Symbol('s0'), Integer(3))", 2),
        ("Mul(Rational(1, 2), Symbol('s0', integer=True))", 10),
        ("Mul(Integer(-1), Symbol('s0'))", -20),
    ],
)
def test_as_torch_writes_them(text: str, value: int) -> None:
    assert evaluate(text, {"s0": 20}) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "open('x')",
        "(lambda: 1)()",
        "s0.__class__",
        "[1][0]",
        "Symbol('s9')",
        "Pow(Integer(9), Integer(9999999))",
        "9**9**9",
        "Integer(" * 3000,
        "s0 +",
        "FloorDiv(Symbol('s0'), Integer(0))",
        "'x' * 10**9",
        "Mul(Symbol('s0'), Integer(2)) if 1 else 2",
        "1" * 20_000,
    ],
)
def test_whatever_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UnreadableSizeError):
        evaluate(text, {"s0": 3})


def test_the_symbol_of_a_size() -> None:
    assert solve("Mul(Integer(32), Symbol('s1', positive=True, integer=True))", 640) == {"s1": 20}
    assert solve("s1 + 2", 7) == {"s1": 5}
    with pytest.raises(UnreadableSizeError):
        solve("32*s1", 100)
    with pytest.raises(UnreadableSizeError):
        solve("s1*s2", 100)


def test_a_size_is_a_number_that_a_tensor_may_have() -> None:
    assert size_of({"as_int": 3}, {}) == 3
    assert size_of({"as_expr": {"expr_str": "2*s0"}}, {"s0": 4}) == 8
    with pytest.raises(UnreadableSizeError):
        size_of({"as_expr": {"expr_str": "s0 - 5"}}, {"s0": 4})
    with pytest.raises(UnreadableSizeError):
        size_of({"as_expr": {"expr_str": "s0/3"}}, {"s0": 4})


def test_it_is_printed_as_people_write_it() -> None:
    assert readable("Mul(Integer(32), Symbol('s1', positive=True, integer=True))") == "32*s1"
    assert readable("Symbol('s77', positive=True)") == "s77"
