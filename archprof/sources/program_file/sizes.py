"""Sizes that are expressions of symbols: read as trees of a few functions, and never evaluated as code.

Torch writes them as SymPy prints them: ``Mul(Integer(32), Symbol('s1', integer=True))``, or before 2.7 ``32*s1``.
"""

from __future__ import annotations

import ast
import math
import operator
from fractions import Fraction
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archprof.sources.program_file.program import Argument

Number = int | Fraction

_LONGEST = 10_000
_LARGEST = 2**62
_LARGEST_POWER = 8


class UnreadableSizeError(ValueError):
    """An expression that is not a size, or has a function or a symbol that is not known."""


def _power(base: Number, exponent: Number) -> Number:
    if not isinstance(exponent, int) or abs(exponent) > _LARGEST_POWER:
        raise UnreadableSizeError(f"a power of {exponent}")
    return Fraction(base) ** exponent


def _floor_division(left: Number, right: Number) -> int:
    return math.floor(Fraction(left) / Fraction(right))


_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "Integer": int,
    "Rational": Fraction,
    "Add": lambda *terms: sum(terms),
    "Mul": lambda *factors: reduce(operator.mul, factors, 1),
    "Pow": _power,
    "FloorDiv": _floor_division,
    "CleanDiv": _floor_division,
    "CeilDiv": lambda left, right: -_floor_division(-left, right),
    "IntTrueDiv": lambda left, right: Fraction(left) / Fraction(right),
    "FloatTrueDiv": lambda left, right: Fraction(left) / Fraction(right),
    "Mod": operator.mod,
    "PythonMod": operator.mod,
    "ModularIndexing": lambda base, divisor, modulus: _floor_division(base, divisor) % modulus,
    "Max": max,
    "Min": min,
    "Abs": abs,
    "floor": math.floor,
    "ceiling": math.ceil,
    "FloorToInt": math.floor,
    "CeilToInt": math.ceil,
    "TruncToInt": math.trunc,
    "ToFloat": lambda value: value,
    "Identity": lambda value: value,
}
"""What SymPy and torch call the functions of sizes."""

_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: Fraction(left) / Fraction(right),
    ast.FloorDiv: _floor_division,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}


def size_of(size: Argument, symbols: Mapping[str, int]) -> int:
    """A size of a program as a number.

    Args:
        size: ``{"as_int": 3}``, or ``{"as_expr": {"expr_str": ...}}``.
        symbols: What its symbols are.

    Raises:
        UnreadableSizeError: Where it is none of these, or has an unknown symbol.
    """
    if isinstance(number := size.get("as_int"), int):
        return number
    value = evaluate(expression_of(size), symbols)
    if value != int(value) or not 0 <= value <= _LARGEST:
        raise UnreadableSizeError(f"invalid size {value}")
    return int(value)


def expression_of(size: Argument) -> str:
    """The text of a size that is an expression; empty where it is a number."""
    expression = size.get("as_expr")
    text = expression.get("expr_str") if isinstance(expression, dict) else None
    return text if isinstance(text, str) else ""


def example_of(size: Argument) -> int | None:
    """What a size was when the program was exported, where that is known."""
    if isinstance(number := size.get("as_int"), int):
        return number
    expression = size.get("as_expr")
    hint = expression.get("hint") if isinstance(expression, dict) else None
    value = hint.get("as_int") if isinstance(hint, dict) else None
    return value if isinstance(value, int) else None


def symbols_in(text: str) -> list[str]:
    """The names of the symbols in an expression, each once.

    Raises:
        UnreadableSizeError: Where it is no expression.
    """
    return list(dict.fromkeys(_names(_parsed(text))))


def readable(text: str) -> str:
    """An expression for a message: ``32*s1``; as it is where it is none."""
    try:
        return _text(_parsed(text))
    except UnreadableSizeError:
        return text[:80]


def evaluate(text: str, symbols: Mapping[str, int]) -> Number:
    """What an expression is.

    Args:
        text: The expression.
        symbols: What its symbols are.

    Raises:
        UnreadableSizeError: Where it has an unknown function or symbol.
    """
    try:
        return _value(_parsed(text), symbols)
    except (ZeroDivisionError, RecursionError, OverflowError, TypeError, AttributeError) as error:
        raise UnreadableSizeError(f"{text[:80]}: {error}") from None


def solve(text: str, size: int) -> dict[str, int]:
    """The symbol of an expression that is a multiple of it, plus a number, where the whole has a size.

    Raises:
        UnreadableSizeError: Where the expression is another, or no whole number gives that size.
    """
    names = symbols_in(text)
    if len(names) != 1:
        raise UnreadableSizeError(f"{text[:80]} is not the size of one symbol")
    (name,) = names
    at = [evaluate(text, {name: value}) for value in (1, 2, 3)]
    step = at[1] - at[0]
    if not step or at[2] - at[1] != step or (size - at[0]) % step:
        raise UnreadableSizeError(f"{size} is not of the form {text[:80]}")
    return {name: int((size - at[0]) / step) + 1}


def _parsed(text: str) -> ast.expr:
    if len(text) > _LONGEST:
        raise UnreadableSizeError("an expression that is too long")
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UnreadableSizeError(f"{text[:80]!r} is no expression") from None


def _symbol(node: ast.expr) -> str | None:
    """The name of a symbol: ``Symbol('s0', ...)``, or a plain name."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Symbol" and node.args:
        first = node.args[0]
        return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
    known = isinstance(node, ast.Name) and node.id not in _FUNCTIONS and node.id != "Symbol"
    return node.id if known and isinstance(node, ast.Name) else None


_SIGNS = {"Mul": "*", "Add": " + "}


def _text(node: ast.expr) -> str:
    if (name := _symbol(node)) is not None:
        return name
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        arguments = [_text(argument) for argument in node.args]
        if name in _SIGNS:
            return _SIGNS[name].join(arguments)
        return arguments[0] if name == "Integer" and arguments else f"{name}({', '.join(arguments)})"
    return ast.unparse(node)


def _names(node: ast.expr) -> Iterator[str]:
    if (name := _symbol(node)) is not None:
        yield name
        return
    for child in node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _names(child)


def _value(node: ast.expr, symbols: Mapping[str, int]) -> Number:
    if (name := _symbol(node)) is not None:
        if name not in symbols:
            raise UnreadableSizeError(f"nothing is known of {name!r}")
        return symbols[name]
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, symbols)
    if isinstance(node, ast.BinOp) and (function := _OPERATORS.get(type(node.op))):
        return _bounded(function(_value(node.left, symbols), _value(node.right, symbols)))
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](*[_value(argument, symbols) for argument in node.args]))
    raise UnreadableSizeError(f"{ast.unparse(node)[:80]} is not known")


def _bounded(value: Number) -> Number:
    if not -_LARGEST <= value <= _LARGEST:
        raise UnreadableSizeError("a size beyond what any machine addresses")
    return value
