"""The tensors that a program holds and takes: without memory, or with the values that the file has."""

from __future__ import annotations

import zipfile
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import nn

from archprof.builder.program.arguments import DTYPES
from archprof.sources.input_axes import LARGEST
from archprof.sources.program_file.error import ProgramFileError
from archprof.sources.program_file.sizes import UnreadableSizeError, size_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from archprof.sources.program_file.program import PayloadMeta, TensorMeta
    from archprof.sources.program_file.reader import ProgramFile


class Tensors:
    """Makes the tensors of one program.

    Args:
        file: The program.
        device: "meta", or where they are to be.
    """

    def __init__(self, file: ProgramFile, device: torch.device) -> None:
        self.file, self.device = file, device
        self._parameters: dict[str, nn.Parameter] = {}
        self._generator = torch.Generator().manual_seed(0)
        self._archive: zipfile.ZipFile | None = None
        self._records: dict[str, zipfile.ZipInfo] = {}

    def __enter__(self) -> Tensors:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._archive is not None:
            self._archive.close()

    def parameter(self, name: str, value: str) -> nn.Parameter:
        """A parameter; one tensor under two names is one parameter.

        Args:
            name: Its name in the model.
            value: Its name in the graph.
        """
        payload, meta = self.file.weights.get(name), self._meta(value)
        # Of one memory there may be several views, which are parameters of their own.
        key = f"{name}." if payload is None else f"{payload.path_name}, {payload.tensor_meta}"
        if key not in self._parameters:
            dtype = DTYPES[meta.dtype]
            trainable = meta.requires_grad and (dtype.is_floating_point or dtype.is_complex)
            self._parameters[key] = nn.Parameter(self._tensor(meta, payload, "weights"), requires_grad=trainable)
        return self._parameters[key]

    def buffer(self, name: str, value: str) -> torch.Tensor:
        """A buffer; a small table of whole numbers has its values."""
        payload = self.file.weights.get(name)
        if name in self.file.values:
            return self._table(name)
        return self._tensor(self._meta(value), payload, "weights")

    def constant(self, name: str, value: str) -> torch.Tensor:
        """Another tensor that the program holds; a small one has its values."""
        if name in self.file.values:
            return self._table(name)
        return self._tensor(self._meta(value), self.file.constants.get(name), "constants")

    def input(self, name: str, shape: Sequence[int]) -> torch.Tensor:
        """What the program is run on: numbers in [0, 1), the same every time; ones of any other type."""
        dtype = DTYPES[self._meta(name).dtype]
        if self.device.type == "meta":
            return torch.empty(tuple(shape), dtype=dtype, device="meta")
        if dtype.is_floating_point:
            return torch.rand(tuple(shape), generator=self._generator).to(self.device, dtype)
        return torch.ones(tuple(shape), dtype=dtype, device=self.device)

    def _table(self, name: str) -> torch.Tensor:
        """A tensor whose values were read."""
        payload = self.file.constants.get(name) or self.file.weights[name]
        assert payload.tensor_meta is not None
        return self._from_bytes(payload.tensor_meta, self.file.values[name]).to(self._place())

    def _place(self) -> torch.device:
        return torch.device("cpu") if self.device.type == "meta" else self.device

    def _meta(self, value: str) -> TensorMeta:
        meta = self.file.program.graph_module.graph.tensor_values.get(value)
        if meta is None or meta.dtype not in DTYPES:
            raise ProgramFileError(f"nothing is said of the type and shape of {value!r}", path=self.file.path)
        return meta

    def _shape(self, meta: TensorMeta) -> tuple[int, ...]:
        try:
            shape = tuple(size_of(size, {}) for size in meta.sizes)
        except UnreadableSizeError as error:
            raise ProgramFileError(f"a tensor that it holds has no size: {error}", path=self.file.path) from None
        if prod(shape) > LARGEST or min(shape, default=0) < 0:
            raise ProgramFileError(f"a tensor cannot be of {'×'.join(map(str, shape))} elements", path=self.file.path)
        return shape

    def _tensor(self, meta: TensorMeta, payload: PayloadMeta | None, folder: str) -> torch.Tensor:
        """A tensor without memory, or with the file's values; where these are in a pickle, with small random ones."""
        shape, dtype = self._shape(meta), DTYPES[meta.dtype]
        if self.device.type == "meta":
            return torch.empty(shape, dtype=dtype, device="meta")
        is_raw = payload is not None and not payload.use_pickle
        data = self._read(f"data/{folder}/{payload.path_name}") if payload is not None and is_raw else None
        if data is not None and payload is not None and payload.tensor_meta is not None:
            return self._from_bytes(payload.tensor_meta, data).to(self.device)
        if dtype.is_floating_point:
            return (torch.rand(shape, generator=self._generator) * 0.1).to(self.device, dtype)
        return torch.zeros(shape, dtype=dtype, device=self.device)

    def _read(self, record: str) -> bytes | None:
        """The bytes of a record of the archive; None where they are not there, or packed."""
        if self._archive is None:
            self._archive = zipfile.ZipFile(self.file.path)
            self._records = {entry.filename.partition("/")[2]: entry for entry in self._archive.infolist()}
        entry = self._records.get(record)
        return self._archive.read(entry) if entry and entry.compress_type == zipfile.ZIP_STORED else None

    def _from_bytes(self, meta: TensorMeta, data: bytes) -> torch.Tensor:
        """A tensor of raw bytes, as torch writes them: its whole memory, with strides and an offset."""
        shape, dtype = self._shape(meta), DTYPES[meta.dtype]
        if not prod(shape):
            return torch.zeros(shape, dtype=dtype)
        try:
            flat = torch.frombuffer(bytearray(data), dtype=dtype)
            strides = tuple(size_of(stride, {}) for stride in meta.strides)
            offset = size_of(meta.storage_offset, {}) if meta.storage_offset else 0
            return flat.as_strided(shape, strides, offset).clone()
        except (ValueError, RuntimeError, UnreadableSizeError) as error:
            raise ProgramFileError(f"the bytes of a tensor are damaged: {error}", path=self.file.path) from None
