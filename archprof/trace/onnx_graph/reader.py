"""An ONNX file, read with bounds: its graph without the values of its weights, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import onnx
from google.protobuf.message import DecodeError

from archprof.sources.onnx_file.error import OnnxFileError
from archprof.sources.onnx_file.wire import skeleton
from archprof.trace.onnx_graph.external import external_files
from archprof.trace.onnx_graph.functions import inline_functions
from archprof.trace.onnx_graph.graph import DEFAULT_DOMAIN
from archprof.trace.onnx_graph.graph_reader import GraphReader

if TYPE_CHECKING:
    from pathlib import Path

    from archprof.trace.onnx_graph.graph import Graph

_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive, as PyTorch's checkpoints and exported programs are"),
    (b"version https://git-lfs", "a pointer of Git LFS; `git lfs pull` fetches the file that it stands for"),
    (b"\x89HDF", "an HDF5 file, as Keras' models are"),
    (b"\x80", "a pickle, as old PyTorch checkpoints are"),
    (b"<", "a text with markup, perhaps a web page that was saved under this name"),
)


@dataclass(frozen=True)
class OnnxFile:
    """An ONNX file.

    Attributes:
        path: Where it is.
        graph: Its graph, functions inlined.
        opsets: The version of each domain that it imports; ONNX's own is "".
        ir_version: The version of the format.
        producer: What wrote it, with its version where it says one.
        metadata: What it says of itself, as text by key.
        external: Files that hold weights, by their name in the model; they may be missing.
    """

    path: Path
    graph: Graph
    opsets: dict[str, int]
    ir_version: int
    producer: str
    metadata: dict[str, str]
    external: dict[str, Path]


def read(path: Path) -> OnnxFile:
    """Read an ONNX file; neither weights in it nor those beside it are loaded.

    Raises:
        OnnxFileError: Where it is no ONNX model, is truncated or cyclic, needs a newer onnx, or names external data
            outside its folder.
        LimitError: Where it is larger than any network.
    """
    if not path.is_file():
        raise OnnxFileError("a directory, not an ONNX file" if path.is_dir() else "no such file", path=path)
    try:
        model = onnx.ModelProto.FromString(skeleton(path))
    except OnnxFileError as error:
        raise _foreign(path) or error from None
    except DecodeError:
        raise _foreign(path) or OnnxFileError("not an ONNX file, or a truncated one", path=path) from None
    return understand(model, path)


def understand(model: onnx.ModelProto, path: Path) -> OnnxFile:
    """What a model that was read from a file says.

    Raises:
        OnnxFileError, LimitError: As for :func:`read`.
    """
    if not model.ir_version or not model.HasField("graph"):
        raise _foreign(path) or OnnxFileError("not an ONNX file: it has no graph", path=path)
    reader = GraphReader(path)
    try:
        _check_texts(model)
        opsets = _opsets(model, path)
        graph = reader.graph(inline_functions(model, path).graph)
    except TypeError:
        raise OnnxFileError("not an ONNX file: a name in it is not UTF-8", path=path) from None
    values = (tensor for operator in reader.operators.values() for tensor in operator.tensors())
    external = external_files(chain(graph.tensors(), values), path)
    if "" not in opsets and any(not node.domain for node in graph.walk()):
        raise OnnxFileError("it names no opset of ai.onnx, and uses operators of it", path=path)
    return OnnxFile(
        path=path,
        graph=graph,
        opsets=opsets,
        ir_version=model.ir_version,
        producer=" ".join(filter(None, (model.producer_name, model.producer_version))),
        metadata={entry.key: entry.value for entry in model.metadata_props},
        external=external,
    )


def _opsets(model: onnx.ModelProto, path: Path) -> dict[str, int]:
    opsets: dict[str, int] = {}
    for entry in (*model.opset_import, *(entry for function in model.functions for entry in function.opset_import)):
        domain = "" if entry.domain == DEFAULT_DOMAIN else entry.domain
        opsets.setdefault(domain, entry.version)
        newest = _newest(domain or DEFAULT_DOMAIN)
        if newest is not None and not 1 <= entry.version <= newest:
            raise OnnxFileError(
                f"opset {entry.version} of {domain or DEFAULT_DOMAIN} is not known",
                path=path,
                hint=f"the installed onnx {onnx.__version__} knows 1 to {newest}; `pip install -U onnx` may know more",
            )
    if not opsets and model.ir_version < 3:
        opsets[""] = 1  # before files said so
    return opsets


def _newest(domain: str) -> int | None:
    """The newest opset of a domain, or None where onnx knows nothing of it."""
    versions = [version for name, version in onnx.helper.OP_SET_ID_VERSION_MAP if name == domain]
    return max(versions, default=None)


def _check_texts(model: onnx.ModelProto) -> None:
    """Look at the names and notes outside graphs: what is no UTF-8 comes out of the protobuf as bytes.

    Raises:
        TypeError: Where one of them is bytes, as joining them does.
    """
    "".join((model.producer_name, model.producer_version))
    for entry in model.metadata_props:
        "".join((entry.key, entry.value))
    for opset in (*model.opset_import, *(opset for function in model.functions for opset in function.opset_import)):
        "".join((opset.domain,))
    for function in model.functions:
        "".join((function.name, function.domain, function.overload))
        "".join((*function.input, *function.output, *function.attribute))
        for node in function.node:
            "".join((node.op_type, node.domain, node.overload, *node.input, *node.output))


def _foreign(path: Path) -> OnnxFileError | None:
    """What another kind of file is, told by how it begins."""
    with path.open("rb") as file:
        beginning = file.read(64)
    for magic, kind in _OTHER_FORMATS:
        if beginning.startswith(magic):
            return OnnxFileError(f"not an ONNX file: {kind}", path=path)
    if beginning[4:8] == b"ORTM":
        return OnnxFileError("a file in ONNX Runtime's own format; give the .onnx file that it was made of", path=path)
    if beginning[4:8] == b"TFL3":
        return OnnxFileError("a TensorFlow Lite model, not an ONNX file", path=path)
    return None
