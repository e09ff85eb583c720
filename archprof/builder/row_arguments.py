"""Which of a row's arguments a block does not take: asked only once building or running the row has failed.

What torch says of a kernel of -1 is about a tensor's dimensions. A reader of the YAML wants the argument by its name in
the block's constructor, its value, and what is valid.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archprof.sources.near_keys import near
from archprof.sources.settings import is_count, is_factor, is_number

if TYPE_CHECKING:
    from archprof.builder.registry import Factory

Kind = tuple[Callable[[Any], bool], str]
"""Whether a value is of a kind, and the kind in words."""


def _whole(value: Any) -> bool:
    return type(value) is int


def _each(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The same of a number, and of each in a list."""
    return lambda value: bool(value) and all(map(test, value)) if isinstance(value, (list, tuple)) else test(value)


COUNT: Kind = (_each(is_count), "a whole number from 1 up")
COUNTS: Kind = (lambda value: isinstance(value, (list, tuple)) and COUNT[0](value), "a list of whole numbers from 1 up")
PADDING: Kind = (
    lambda value: value in (None, "same", "valid") or _each(lambda side: _whole(side) and side >= 0)(value),
    "a whole number from 0 up, 'same' or 'valid'",
)
FACTOR: Kind = (lambda value: value is None or _each(is_factor)(value), "a number above 0")

SIZE: Kind = (is_count, "a whole number from 1 up")
OUTPUT_SIZE: Kind = (
    _each(lambda side: side is None or (_whole(side) and side >= 0)),
    "a whole number from 0 up, or one for each side",
)

BY_NAME: Mapping[str, Kind] = {
    **dict.fromkeys(("c1", "c2", "c3", "c4", "cm", "in_channels", "out_channels", "ch_in", "ch_out", "c_"), SIZE),
    **dict.fromkeys(("k", "ksize", "kernel_size", "s", "stride", "d", "dilation", "g", "groups"), COUNT),
    **dict.fromkeys(("num_heads", "n_heads", "nh", "num_layers", "reg_max", "in_features", "out_features"), SIZE),
    **dict.fromkeys(("n", "nc", "hd", "nq", "ndp", "ndl", "area"), SIZE),
    **dict.fromkeys(("p", "padding", "output_padding"), PADDING),
    **dict.fromkeys(("e", "scale_factor"), FACTOR),
    "normalized_shape": COUNT,
    "output_size": OUTPUT_SIZE,
}
"""What the usual names of constructors' parameters stand for, in Ultralytics' blocks and in torch's."""

BY_TYPE: Mapping[type, Kind] = {
    bool: (lambda value: isinstance(value, (bool, int)), "true or false"),
    int: (_whole, "a whole number"),
    float: (is_number, "a number"),
    str: (lambda value: isinstance(value, str), "text"),
}
"""The same of a parameter whose type or default says what it takes."""

CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Upsample", "mode"): ("nearest", "nearest-exact", "bilinear", "bicubic", "area", "linear", "trilinear", "lanczos"),
    **{
        (f"{kind}{sides}d", "padding_mode"): ("zeros", "reflect", "replicate", "circular")
        for kind in ("Conv", "ConvTranspose")
        for sides in (1, 2, 3)
    },
}
"""The texts that torch takes, by class and parameter."""

GROUPS = ("g", "groups")
CHANNELS = (("c1", "c2"), ("in_channels", "out_channels"))


@dataclass(frozen=True, slots=True)
class WrongArgument:
    """An argument that a constructor does not take."""

    name: str
    value: Any
    expected: str
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} must be {self.expected}, not {self.value!r}"

    def hint(self, names: Iterable[str] = ()) -> str | None:
        """What may have been meant by a text: one of the texts that are taken, or a name that a row may use.

        Args:
            names: The names.
        """
        if not isinstance(self.value, str):
            return None
        known = near(self.value, self.choices or names)
        return f"did you mean {known}?" if known else None


def wrong_argument(
    factory: Factory, arguments: Sequence[Any], make: Callable[..., Any] | None = None
) -> WrongArgument | None:
    """The argument that is at fault; None where that cannot be told.

    Args:
        factory: The constructor.
        arguments: What it was called with.
        make: Calls it, where calling it failed: an argument without which it succeeds is at fault.
    """
    try:
        signature = inspect.signature(factory)
        bound = signature.bind(*arguments)
    except (TypeError, ValueError):
        return None
    given = {name: value for name, value in bound.arguments.items() if _is_single(signature.parameters[name])}
    for name, value in given.items():
        kind = _kind_of(signature.parameters[name])
        choices = CHOICES.get((getattr(factory, "__name__", ""), name), ())
        if choices and value not in choices:
            return WrongArgument(name, value, f"{', '.join(choices[:-1])} or {choices[-1]}", choices)
        if kind and not kind[0](value) and value is not signature.parameters[name].default:
            return WrongArgument(name, value, kind[1])
    if wrong := _groups(given):
        return wrong
    return _without_which_it_works(signature, list(given), arguments, make) if make else None


def wrong_number(factory: Factory, arguments: Sequence[Any], given: int) -> str | None:
    """What is wrong with how many arguments a row has; None where the constructor takes as many.

    Args:
        factory: The constructor.
        arguments: What it was called with.
        given: How many of these the row has; the others are put in by its rule.
    """
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return None
    added = len(arguments) - given
    parameters = [parameter for parameter in signature.parameters.values() if _is_single(parameter)]
    required = sum(parameter.default is parameter.empty for parameter in parameters)
    if len(arguments) < required:
        return f"too few arguments: {given}, and at least {required - added} are needed"
    is_open = any(parameter.kind is parameter.VAR_POSITIONAL for parameter in signature.parameters.values())
    if len(arguments) > len(parameters) and not is_open:
        return f"too many arguments: {given}, and at most {len(parameters) - added} are taken"
    return None


def _is_single(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)


def _kind_of(parameter: inspect.Parameter) -> Kind | None:
    """What a parameter takes, as far as its name, its annotation or its default tells."""
    if parameter.name in BY_NAME and not isinstance(parameter.default, (bool, str)):
        return COUNTS if isinstance(parameter.default, tuple) else BY_NAME[parameter.name]
    by_name = {kind.__name__: kind for kind in BY_TYPE}  # an annotation may be text
    annotated = by_name.get(getattr(parameter.annotation, "__name__", str(parameter.annotation)))
    if annotated is int and parameter.default is parameter.empty:
        return SIZE
    return BY_TYPE.get(annotated or type(parameter.default))


def _groups(given: Mapping[str, Any]) -> WrongArgument | None:
    for name in GROUPS:
        for pair in CHANNELS:
            channels = [given[key] for key in pair if isinstance(given.get(key), int)]
            if is_count(given.get(name)) and channels and any(number % given[name] for number in channels):
                numbers = " and ".join(map(str, dict.fromkeys(channels)))
                return WrongArgument(name, given[name], f"a divisor of the channels, {numbers}")
    return None


def _without_which_it_works(
    signature: inspect.Signature, names: Sequence[str], arguments: Sequence[Any], make: Callable[..., Any]
) -> WrongArgument | None:
    """The first argument with whose default the constructor succeeds."""
    for index, name in enumerate(names):
        default = signature.parameters[name].default
        if default is not inspect.Parameter.empty and default != arguments[index]:
            with suppress(Exception):
                make(*arguments[:index], default, *arguments[index + 1 :])
                return WrongArgument(name, arguments[index], f"a value that fits, as {default!r} does")
    return None
