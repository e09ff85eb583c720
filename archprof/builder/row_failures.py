"""Why a row could not be built, in the words of whoever wrote the row."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any

from archprof.builder.row_arguments import wrong_argument, wrong_number
from archprof.builder.stock import TAKES_LIST, TAKES_ONE
from archprof.errors import ArchprofError, in_one_line
from archprof.sources.spec import STOCK
from archprof.sources.usercode import own_lines, takes
from archprof.sources.variant_errors import row_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.builder.registry import Block, Call
    from archprof.errors import BuildError
    from archprof.sources.spec import Row, VariantSpec


DEMANDS = {"c1 == c2": "as many channels must come out of it (c2) as go in (c1)"}
"""What Ultralytics' constructors assert without a word."""


def wrong_from(block: Block, row: Row) -> str | None:
    """What is wrong with ``from`` of a row of Ultralytics' blocks: a list for one map, or one map for a list."""
    if block.family != STOCK:
        return None
    first = row.sources[0]
    if block.name in TAKES_LIST and not row.many:
        return f"takes a list of rows, and from is {first}: write [{first}], or the rows that it joins"
    if row.many and (block.name in TAKES_ONE or (block.name.startswith("nn.") and block.name != "nn.Identity")):
        return f"takes one row, and from is {list(row.sources)}: write {first}"
    return None


def unbuilt(
    spec: VariantSpec,
    block: Block,
    row: Row,
    error: Exception,
    call: Call | None = None,
    make: Callable[..., Any] | None = None,
) -> BuildError:
    """The error of a row that could not be built.

    Args:
        spec: The variant.
        block: The row's block.
        row: The row.
        error: What was raised.
        call: The call of the block's constructor; None where the row's rule made none.
        make: Calls the constructor with other arguments.
    """
    if isinstance(error, ArchprofError):
        hint = error.hint or (_takes(block, call) if call is None else None)
        return _error(spec, row, f"{row.module}: {error.message}", hint)
    if call and (number := wrong_number(block.factory, call.arguments, len(row.arguments))):
        return _error(spec, row, f"{row.module}: {number}", _takes(block, call))
    if call and (argument := wrong_argument(block.factory, call.arguments, make)):
        shown = (argument.hint(spec.values), _takes(block, call), f"it raised: {_reason(error)}", own_lines(error))
        return _error(spec, row, f"{row.module}: {argument}", "\n".join(part for part in shown if part))
    return _error(
        spec,
        row,
        f"{row.module} cannot be built from {list(row.arguments)}: {_reason(error, is_call=call is not None)}",
        "\n".join(part for part in (_takes(block, call), own_lines(error)) if part),
    )


def _error(spec: VariantSpec, row: Row, message: str, hint: str | None) -> BuildError:
    """An error at the line of the row, or of the top-level key whose value it is about."""
    error = row_error(spec, row, message, hint)
    for key, value in spec.values.items():
        is_named = re.search(rf"\b{re.escape(key)}\b", message) and message.endswith(f"not {value!r}")
        if is_named and key in spec.value_lines and key not in spec.settings:
            error.message += f" ({row.module} is on line {row.line})"
            error.line = spec.value_lines[key]
    return error


def _reason(error: Exception, *, is_call: bool = True) -> str:
    """What an error says; of an assertion without a text the line that asserts."""
    # While there is no call yet, the rule reached for an argument.
    if not is_call and (isinstance(error, IndexError) or "not enough values to unpack" in str(error)):
        return "too few arguments"
    if isinstance(error, AssertionError) and not str(error) and (frames := traceback.extract_tb(error.__traceback__)):
        demand = (frames[-1].line or "").removeprefix("assert ")
        return DEMANDS.get(demand, f"its constructor demands: {demand}")
    return in_one_line(error)


def _takes(block: Block, call: Call | None) -> str:
    """What a block takes and what it was given, for a message."""
    parameters = takes(block.factory)
    signature = f"{block.name} takes {parameters}" if parameters else ""
    given = f"it was called with {call.arguments}" if call else ""
    return "; ".join(part for part in (signature, given) if part) or "see the block's own documentation"
