"""A file -> what the checkpoint says. Nothing of the file is imported, called or evaluated."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from archprof.sources.checkpoint import modules, pickled, safetensors, torchscript
from archprof.sources.checkpoint.archive import Archive
from archprof.sources.checkpoint.contents import Checkpoint
from archprof.sources.checkpoint.error import CheckpointError
from archprof.sources.checkpoint.file_kind import HEAD_BYTES, Container, Foreign, container_of
from archprof.sources.checkpoint.foreign import foreign_names
from archprof.sources.checkpoint.limits import MAX_HEADER_BYTES, MAX_PICKLE_BYTES
from archprof.sources.checkpoint.tensors import Storages
from archprof.sources.checkpoint.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""What ``torch.save`` began its files with before zip files, from ``torch/serialization.py``."""

_MAX_LISTED = 5
_COPY_AGAIN = "copy or download the file again"


def read(path: Path | str) -> Checkpoint:
    """What a checkpoint file says.

    Args:
        path: A file of Ultralytics, YOLOv5, ``torch.save`` or ``torch.jit.save``, or a safetensors file.

    Raises:
        CheckpointError: Where it cannot be read, is none of these, is damaged, or passes a limit.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise CheckpointError("a directory" if stat.S_ISDIR(mode) else "not a regular file", path=path)
        with path.open("rb") as file:
            return _read(file, path)
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror or error}", path=path) from None
    except ValueError as error:
        raise CheckpointError(str(error), path=path, hint=_COPY_AGAIN) from None


def _read(file: IO[bytes], path: Path) -> Checkpoint:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise CheckpointError("the file is empty", path=path, hint=_COPY_AGAIN)
    kind = container_of(file.read(HEAD_BYTES))
    if isinstance(kind, Foreign):
        raise CheckpointError(kind.what, path=path, hint=kind.hint)
    file.seek(0)
    return Checkpoint(path=path, **_CONTAINERS[kind](file, path, size))


def _read_zip(file: IO[bytes], path: Path, size: int) -> dict[str, Any]:
    with Archive(file, path) as archive:
        data = archive.read("data.pkl", MAX_PICKLE_BYTES)
        walker = Walker(path)
        root = walker.walk(io.BytesIO(data))
        storages = Storages({key.removeprefix("data/"): size for key, size in archive.sizes.items()})
        digest = hashlib.sha256(data)
        digest.update(repr(sorted(archive.sizes.items())).encode())
        if torchscript.is_torchscript(archive.sizes):
            fields = _script_fields(archive, root, storages, digest.update)
        else:
            fields = pickled.read_model(root, storages)
    return _with_foreign(fields | {"digest": digest.hexdigest()}, walker)


def _script_fields(archive: Archive, root: Any, storages: Storages, update: Callable[[bytes], None]) -> dict[str, Any]:
    texts = torchscript.sources(archive)
    update(repr(sorted(texts.items())).encode())
    tree = modules.walk(root, storages, torchscript.parts_of(torchscript.declared(texts)))
    extra = torchscript.extra(archive)
    update(repr(extra).encode())
    note = (
        "TorchScript holds a program, which archprof does not run, so FLOPs are not counted: name the YAML that it was "
        "exported from; or, of a file that you trust, NET.py:net with the lines `import torch` and "
        f"`def net(): return torch.jit.load({str(archive.path)!r})`"
    )
    return {
        "kind": "torchscript",
        "model": torchscript.class_name(tree.modules[""].type) if tree.modules else None,
        "modules": {
            path: type(module)(torchscript.class_name(module.type), module.attributes)
            for path, module in tree.modules.items()
        },
        "tensors": tree.tensors,
        "names": extra.names or None,
        "nc": len(extra.names) if extra.names else None,
        "task": extra.task,
        "metadata": {key: value for key in ("version", "date") if (value := getattr(extra, key)) is not None},
        "notes": (note,),
    }


def _read_pickles(file: IO[bytes], path: Path, size: int) -> dict[str, Any]:
    """A file of ``torch.save`` before torch 1.6, which is five pickles and the values; else a single pickle."""
    data = file.read(MAX_PICKLE_BYTES)
    stream = io.BytesIO(data)
    walker = Walker(path)
    root = walker.walk(stream)
    storages = Storages()
    keys: Any = ()
    if root == LEGACY_MAGIC:
        walker.walk(stream)  # the version of the format
        walker.walk(stream)  # the machine's byte order
        root = walker.walk(stream)
        keys = walker.walk(stream)
    fields = pickled.read_model(root, storages)
    # Each storage has eight bytes for its length before its values.
    needed = stream.tell() + sum(storages.needed.values()) + 8 * len(storages.needed)
    if keys and needed > size:
        raise ValueError(f"the file is truncated: its tensors need {needed:,} bytes, and it has {size:,}")
    digest = hashlib.sha256(data[: stream.tell()])
    return _with_foreign(fields | {"digest": digest.hexdigest()}, walker)


def _read_safetensors(file: IO[bytes], path: Path, size: int) -> dict[str, Any]:
    length = int.from_bytes(file.read(8), "little")
    if length > MAX_HEADER_BYTES or length > size - 8:
        bound = f"the limit is {MAX_HEADER_BYTES:,}" if length > MAX_HEADER_BYTES else f"the file has {size:,}"
        raise ValueError(f"a safetensors file whose header should have {length:,} bytes; {bound}")
    header = file.read(length)
    tensors, metadata = safetensors.read_header(header, size - 8 - length)
    return pickled.state_dict_fields(tensors, "safetensors") | {
        "metadata": metadata,
        "digest": hashlib.sha256(header).hexdigest(),
    }


def _with_foreign(fields: dict[str, Any], walker: Walker) -> dict[str, Any]:
    foreign = foreign_names(walker.names, pickled.PACKAGES.get(fields["kind"], ()))
    if not foreign:
        return fields
    listed = ", ".join(name[:80] for name in foreign[:_MAX_LISTED])
    if more := foreign[_MAX_LISTED:]:
        listed += f" and {len(more)} more"
    note = f"loading this file with torch would import or call {listed}; archprof only read it, nothing was run"
    return fields | {"foreign": foreign, "notes": (*fields.get("notes", ()), note)}


_CONTAINERS: Mapping[Container, Callable[[IO[bytes], Path, int], dict[str, Any]]] = {
    "zip": _read_zip,
    "pickle": _read_pickles,
    "safetensors": _read_safetensors,
}
