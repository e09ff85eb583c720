"""One input of a model as it was asked for: ``ids=1x128:int64:0..30000``, or an array in a file. Free of torch."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

DTYPES = (
    "float32",
    "float16",
    "bfloat16",
    "float64",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint8",
    "bool",
    "complex64",
    "complex128",
)
"""What an input may be of, by torch's names."""

FORM = "give NAME=SIZExSIZE..., as images=1x3x640x640 or ids=1x128:int64:0..30000, or a file of arrays, as data.npz"

ARRAYS = (".npz", ".npy")
"""The extensions of NumPy's files."""

_ALIASES = {
    **dict.fromkeys(("fp32", "f32", "float"), "float32"),
    **dict.fromkeys(("fp16", "f16", "half"), "float16"),
    "bf16": "bfloat16",
    **dict.fromkeys(("fp64", "f64", "double"), "float64"),
    **dict.fromkeys(("long", "int", "i64"), "int64"),
    "i32": "int32",
    "byte": "uint8",
}
_BETWEEN_SIZES = re.compile("[x×,]")
_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")
_UNNAMED = re.compile(r"arr_(\d+)")
"""What NumPy calls an array that was saved without a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """One input.

    Attributes:
        name: The argument of the model's forward, or the input of a file; empty for the next by position.
        shape: Its shape; () for a scalar.
        dtype: Torch's name of its type; that of images where None.
        low: The smallest value.
        high: What values stay below; both None where nobody says.
        source: Where its values are from: a file's name, empty where they are made.
        digest: What tells these values from others.
        values: The values themselves, an array or a tensor.
    """

    name: str = ""
    shape: tuple[int, ...] = ()
    dtype: str | None = None
    low: float | None = None
    high: float | None = None
    source: str = ""
    digest: str = ""
    values: Any = field(default=None, compare=False, repr=False)

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers or truth values."""
        return self.dtype is not None and (self.dtype == "bool" or "int" in self.dtype)

    @property
    def text(self) -> str:
        """What one would type for it."""
        name = f"{self.name}=" if self.name else ""
        if self.source:
            return f"{name}{self.source}"
        dtype = f":{self.dtype}" if self.dtype else ""
        range_ = f":{self.low:.15g}..{self.high:.15g}" if self.low is not None else ""
        return f"{name}{'x'.join(map(str, self.shape))}{dtype}{range_}"

    @property
    def values_text(self) -> str:
        """What is known of its values, for a reader of the figures; empty where nothing was asked for."""
        return self.source or ("" if self.low is None else f"{self.low:.15g}..{self.high:.15g}")


def parse_inputs(text: str) -> list[InputSpec]:
    """What ``--input`` was given: a shape with a type and a range, or a file of arrays.

    Raises:
        UsageError: Where it has another form, or there is no such file.
    """
    name, separator, rest = text.rpartition("=")
    if separator and not name:
        raise UsageError(f"invalid input: --input {text!r}", hint=FORM)
    file, colon, dtype = rest.rpartition(":") if rest.rpartition(":")[0].endswith(ARRAYS) else (rest, "", "")
    if file.endswith(ARRAYS):
        return list(_arrays(text, name, Path(file), _dtype(text, dtype) if colon else None))
    if not separator and not rest[:1].isdigit():
        raise UsageError(f"invalid input: --input {text!r}", hint=FORM)
    sizes, *parts = rest.split(":")
    shape = tuple(int(size) if size.isdecimal() else 0 for size in _BETWEEN_SIZES.split(sizes)) if sizes else ()
    if 0 in shape or len(parts) > 2:
        raise UsageError(f"invalid input: --input {text!r}", hint=FORM)
    kind = _dtype(text, parts[0]) if parts else None
    low, high = _range(text, parts[1], kind) if len(parts) == 2 else (None, None)
    return [InputSpec(name=name, shape=shape, dtype=kind, low=low, high=high)]


def from_values(name: str, values: Any, source: str = "", dtype: str | None = None) -> InputSpec:
    """An input with the values of an array or a tensor.

    Args:
        name: Its name; empty for the next by position.
        values: A NumPy array or a tensor.
        source: Where they are from.
        dtype: The type to convert them to.

    Raises:
        UsageError: Where they are of a type that no model takes.
    """
    kind = dtype or str(values.dtype).removeprefix("torch.")
    if kind not in DTYPES:
        raise UsageError(f"input {name or source!r} is of type {kind}", hint=f"a dtype is one of {', '.join(DTYPES)}")
    digest = hashlib.sha256(values.tobytes()).hexdigest() if source else ""
    return InputSpec(name=name, shape=tuple(values.shape), dtype=kind, source=source, digest=digest, values=values)


def _arrays(text: str, name: str, path: Path, dtype: str | None) -> Iterator[InputSpec]:
    if not path.is_file():
        names = [file.name for file in path.parent.glob("*") if file.suffix in ARRAYS] if path.parent.is_dir() else []
        raise UsageError(f"--input {text!r}: there is no file {str(path)!r}", hint=did_you_mean(path.name, names))
    try:
        arrays = _read(path, name)
    except Exception as error:  # a damaged file raises whatever its decoder does
        reason = "it has objects, which are code" if "pickle" in str(error) else f"{type(error).__name__}: {error}"
        raise UsageError(f"--input {text!r}: {path} cannot be read as {path.suffix}: {reason}") from None
    if name and path.suffix == ".npz":
        if name not in arrays:
            hint = did_you_mean(name, arrays) or f"it has {', '.join(arrays) or 'none'}"
            raise UsageError(f"--input {text!r}: {path} has no array {name!r}", hint=hint)
        arrays = {name: arrays[name]}
    if not arrays:
        raise UsageError(f"--input {text!r}: {path} has no arrays")
    for key, values in arrays.items():
        # Only what has a fraction is converted: indices stay indices.
        target = dtype if values.dtype.kind == "f" or path.suffix == ".npy" else None
        yield from_values("" if _UNNAMED.fullmatch(key) else key, values, str(path), target)


def _read(path: Path, name: str) -> dict[str, Any]:
    """The arrays of a file by their names; the one of a ``.npy`` file gets a name."""
    import numpy as np

    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return {name: loaded}
    with loaded:
        return {key: loaded[key] for key in loaded.files}


def _dtype(text: str, name: str) -> str:
    kind = name.strip().lower().removeprefix("torch.")
    kind = _ALIASES.get(kind, kind)
    if kind not in DTYPES:
        hint = did_you_mean(kind, DTYPES) or f"a dtype is one of {', '.join(DTYPES)}"
        raise UsageError(f"invalid input: --input {text!r}: unknown dtype {name!r}", hint=hint)
    return kind


def _range(text: str, values: str, dtype: str | None) -> tuple[float, float]:
    match = _RANGE.fullmatch(values.strip())
    low, high = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not low < high or (dtype == "bool" or "complex" in (dtype or "")):
        raise UsageError(
            f"invalid input: --input {text!r}: invalid range {values!r}",
            hint="give LOW..HIGH of numbers, as 0..30000: from 0 up, below 30000",
        )
    if InputSpec(dtype=dtype).whole and (low % 1 or high % 1):
        raise UsageError(f"invalid input: --input {text!r}: the range {values!r} is not of whole numbers")
    return low, high
