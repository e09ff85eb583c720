"""A safetensors file: the length of its header, the header in JSON, the values.

The format: https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated

import msgspec

from archprof.sources.checkpoint.contents import Tensor
from archprof.sources.checkpoint.limits import MAX_NAME, MAX_TENSORS
from archprof.sources.checkpoint.tensors import ITEM_BYTES, MAX_RANK

if TYPE_CHECKING:
    from collections.abc import Mapping

_DTYPES: Mapping[str, str] = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "U16": "uint16",
    "I16": "int16",
    "F16": "float16",
    "BF16": "bfloat16",
    "U32": "uint32",
    "I32": "int32",
    "F32": "float32",
    "U64": "uint64",
    "I64": "int64",
    "F64": "float64",
    "C64": "complex64",
}

Size = Annotated[int, msgspec.Meta(ge=0)]


class _Entry(msgspec.Struct):
    dtype: str
    shape: Annotated[tuple[Size, ...], msgspec.Meta(max_length=MAX_RANK)]
    data_offsets: tuple[Size, Size]


def read_header(header: bytes, values: int) -> tuple[dict[str, Tensor], dict[str, str]]:
    """A header's tensors by name, and its metadata.

    Args:
        header: The JSON.
        values: How many bytes follow it in the file.

    Raises:
        ValueError: Where it is damaged, or the file has fewer bytes than it says.
    """
    try:
        entries = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        metadata = msgspec.json.decode(entries.pop("__metadata__", msgspec.Raw(b"{}")), type=dict[str, str])
        if len(entries) > MAX_TENSORS:
            raise ValueError(f"the file has more than {MAX_TENSORS:,} tensors")
        parsed = {name: msgspec.json.decode(raw, type=_Entry) for name, raw in entries.items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the header is damaged ({str(error)[:200]})") from None
    tensors = {name: _tensor(name, entry) for name, entry in parsed.items()}
    needed = max((entry.data_offsets[1] for entry in parsed.values()), default=0)
    if needed > values:
        raise ValueError(f"the file is truncated: its tensors need {needed:,} bytes, and {values:,} are there")
    return tensors, metadata


def _tensor(name: str, entry: _Entry) -> Tensor:
    dtype = _DTYPES.get(entry.dtype)
    start, end = entry.data_offsets
    if len(name) > MAX_NAME:
        raise ValueError(f"a tensor has a name of {len(name):,} characters")
    if dtype is None:
        raise ValueError(f"tensor {name!r} has a dtype that is not known, {entry.dtype[:40]!r}")
    numel = prod(entry.shape)
    size = numel * ITEM_BYTES[dtype]
    if size != end - start:
        raise ValueError(f"tensor {name!r} should have {size:,} bytes; the header says {end - start:,}")
    return Tensor(shape=entry.shape, dtype=dtype, numel=numel, bytes=size)
