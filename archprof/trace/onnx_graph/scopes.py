"""The module that a node was exported from, as far as the file tells.

PyTorch's exporters write it into the node. Optimisers and quantisers lose that; what they keep is the names of weights,
which are the paths of parameters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import onnx

    from archprof.trace.onnx_graph.record import Operation

_SCOPES = "pkg.torch.onnx.name_scopes"
_DEEPEST = 32
_PARAMETER = re.compile(r"(?P<module>\w+(?:\.\w+)+)\.(?:weight|bias)(?:_quantized|_Q4|_nchwc|_\d+)?")
_FUSION = re.compile(r"(?:/+\w*Fusion\w*)+/*$")
"""What ONNX Runtime puts behind the name of a node that it made of several."""

_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def module_path(name: str, notes: Iterable[onnx.StringStringEntryProto]) -> str:
    """The path of the module that a node belongs to; empty where the file does not tell.

    The default exporter writes the scopes into the node's metadata, ``['', 'model.0', 'model.0.conv', 'conv2d']``, the
    older one into its name, ``/model.0/conv/Conv``. Both repeat the path of a list within it: ``/m/m.0/cv1/Conv``.

    Args:
        name: The node's name.
        notes: Its metadata.
    """
    for entry in notes:
        if entry.key == _SCOPES:
            return _path_of_list(entry.value)
    if "Fusion" in name:
        name = _FUSION.sub("", name)
    return _path_of_name(name.rpartition("/")[0]) if name.startswith("/") else ""


@lru_cache(maxsize=4096)
def _path_of_list(text: str) -> str:
    return _joined([first or second for first, second in _QUOTED.findall(text)][:-1])


@lru_cache(maxsize=4096)
def _path_of_name(scopes: str) -> str:
    return _joined(scopes.split("/"))


def weight_path(operation: Operation) -> str:
    """The path of the module whose weight an operation reads; empty where it reads none, or one without such a name."""
    for tensor in operation.read:
        for source in tensor.sources:
            if match := _PARAMETER.fullmatch(source.name):
                return match["module"]
    return ""


def _joined(scopes: Iterable[str]) -> str:
    path, last = "", ""
    for scope in filter(None, scopes):
        if path and scope.startswith(f"{path}."):
            path = scope
        elif last and scope.startswith(f"{last}."):
            path = path[: len(path) - len(last)] + scope
        else:
            path = f"{path}.{scope}" if path else scope
        last = scope
    return ".".join(path.split(".")[:_DEEPEST])
