"""Operators that take functions, as ``torch.cond`` and flex attention do: how they are run, and written down.

A function that an operator calls is run under the recorder, so that what it does is seen: of a condition the branch
that is taken, of a loop every step. Flex attention is written down whole, because its function is of one score; so is
an operator that calls none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch._ops import OperatorBase

from archprof.trace.record import NamedOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from archprof.trace.recorder import Recorder

_WHOLE = frozenset({"flex_attention", "flex_attention_backward"})


def run_higher_order(recorder: Recorder, operator: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What such an operator gives; it is called while the recorder does not watch."""
    name = str(operator)
    ran = False

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*inputs: Any, **keywords: Any) -> Any:
            nonlocal ran
            ran = True
            with recorder:
                return function(*inputs, **keywords)

        return run

    if name not in _WHOLE:
        args = [watched(value) if _is_function(value) else value for value in args]
        kwargs = {key: watched(value) if _is_function(value) else value for key, value in kwargs.items()}
    result = operator(*args, **kwargs)
    if not ran:
        tensors = tuple(None if callable(value) else value for value in args)
        recorder.note(NamedOperator(f"higher_order.{name}"), tensors, {}, result)
    return result


def _is_function(value: Any) -> bool:
    """Whether a value is a function of the model's, and no operation."""
    return callable(value) and not isinstance(value, OperatorBase)
