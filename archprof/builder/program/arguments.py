"""The arguments of a program's nodes as Python's values, with names in the place of what other nodes make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from archprof.builder.program.operators import find_operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archprof.sources.program_file.program import Argument


class Name(str):
    """The name of a value that something else makes."""

    __slots__ = ()


@dataclass(frozen=True)
class InnerGraph:
    """A graph that is an argument, as the file has it."""

    argument: Argument


class DEVICE:  # a class, so that copies of a program have the same
    """Stands for whatever device the program runs on."""


DTYPES: dict[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
    28: torch.uint16,
    29: torch.float8_e4m3fn,
    30: torch.float8_e5m2,
    31: torch.float8_e4m3fnuz,
    32: torch.float8_e5m2fnuz,
    34: torch.uint32,
    35: torch.uint64,
}
"""Torch's numbers of types, in the schema of exported programs."""
if hasattr(torch, "float8_e8m0fnu"):
    DTYPES[33] = torch.float8_e8m0fnu

_LAYOUTS = {
    1: torch.sparse_coo,
    2: torch.sparse_csr,
    3: torch.sparse_csc,
    4: torch.sparse_bsr,
    5: torch.sparse_bsc,
    7: torch.strided,
}
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}


def _same(value: Any) -> Any:
    return value


def _each(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: [read(value) for value in values]


def _tensor(value: Mapping[str, str]) -> Name:
    return Name(value["name"])


def _optional_tensor(value: Argument) -> Name | None:
    return _tensor(value["as_tensor"]) if "as_tensor" in value else None


def _symbolic(value: Argument) -> Any:
    if "as_name" in value:
        return Name(value["as_name"])
    (number,) = value.values()
    return number


_READERS: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda _: None,
    "as_tensor": _tensor,
    "as_tensors": _each(_tensor),
    "as_optional_tensor": _optional_tensor,
    "as_optional_tensors": _each(_optional_tensor),
    "as_nested_tensors": _each(_each(_tensor)),
    "as_int": _same,
    "as_ints": _same,
    "as_int_lists": _same,
    "as_bool": _same,
    "as_bools": _same,
    "as_string": _same,
    "as_strings": _same,
    # JSON has no infinity: it stands there as text.
    "as_float": float,
    "as_floats": _each(float),
    "as_float_lists": _each(_each(float)),
    "as_complex": lambda value: complex(float(value["real"]), float(value["imag"])),
    "as_sym_int": _symbolic,
    "as_sym_ints": _each(_symbolic),
    "as_sym_bool": _symbolic,
    "as_sym_bools": _each(_symbolic),
    "as_sym_float": _symbolic,
    "as_sym_floats": _each(_symbolic),
    "as_scalar_type": DTYPES.__getitem__,
    "as_layout": _LAYOUTS.__getitem__,
    "as_memory_format": _MEMORY_FORMATS.__getitem__,
    "as_device": lambda _: DEVICE,
    "as_graph": lambda value: InnerGraph({"as_graph": value}),
    "as_operator": find_operator,
    "as_string_to_argument": lambda values: {key: read_argument(value) for key, value in values.items()},
}
"""Kind of argument -> how it is read."""

MALFORMED = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an argument raises that is not what its kind says."""


def read_argument(argument: Argument) -> Any:
    """An argument as a value; what another node makes is a :class:`Name`.

    Raises:
        KeyError: Where it is of a kind that is not known; or another of :data:`MALFORMED`.
    """
    ((kind, value),) = argument.items()
    return _READERS[kind](value)


def names_in(value: Any) -> list[Name]:
    """The names in an argument, in order."""
    if isinstance(value, Name):
        return [value]
    if isinstance(value, (list, tuple)):
        return [name for item in value for name in names_in(item)]
    return [name for item in value.values() for name in names_in(item)] if isinstance(value, dict) else []


def renamed(value: Any, names: Callable[[Name], Name]) -> Any:
    """An argument with other names."""
    if isinstance(value, Name):
        return names(value)
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return {key: renamed(item, names) for key, item in value.items()} if isinstance(value, dict) else value


def resolved(value: Any, environment: Mapping[str, Any], device: torch.device) -> Any:
    """An argument with values in the place of names."""
    if isinstance(value, Name):
        return environment[value]
    if isinstance(value, list):
        return [resolved(item, environment, device) for item in value]
    if isinstance(value, dict):
        return {key: resolved(item, environment, device) for key, item in value.items()}
    return device if value is DEVICE else value
