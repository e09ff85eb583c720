"""What a constructor is given, as text that is different for different calls. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archprof.builder.registry import Call


def signature_of(call: Call) -> str:
    """All that a call gives a constructor; empty where some of it has no such form."""
    try:
        holding = sorted(f"{_text(owner)}.{name}={_text(value)}" for (owner, name), value in call.holding.items())
        return f"{_text(call.arguments)}×{call.repeats} {call.legacy} {holding}"
    except TypeError:
        return ""


def _text(value: Any) -> str:
    if value is None or type(value) in (bool, int, float, str):
        return repr(value)
    if type(value) in (list, tuple):
        return f"{type(value).__name__}[{','.join(map(_text, value))}]"
    if type(value) is dict:
        return f"{{{','.join(f'{_text(key)}:{_text(item)}' for key, item in value.items())}}}"
    name = getattr(value, "__qualname__", "<")
    if (isinstance(value, type) or callable(value)) and "<" not in name:
        return f"{value.__module__}:{name}"
    raise TypeError(f"{value!r} has no text that stands for it alone")
