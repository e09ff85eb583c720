"""An ONNX file: the graph that is deployed, counted as it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import ArchprofError, UsageError
from archprof.sources.files import GRAPHS, is_file
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.spec import Constructor, Spec, encode_key

if TYPE_CHECKING:
    from archprof.sources.origin import Query
    from archprof.sources.spec import Built


class OnnxFiles(Origin):
    """``best.onnx``. What is in it is read when it is counted."""

    order = 26
    form = "an ONNX file (best.onnx)"
    suffixes = GRAPHS

    def find(self, query: Query) -> Spec | None:
        """The file of that name."""
        path = Path(query.text)
        if path.suffix.lower() not in GRAPHS or not is_file(path):
            return None
        return OnnxSpec(name=path.stem, reference=query.reference, path=path)


@dataclass(frozen=True, kw_only=True)
class OnnxSpec(Spec):
    """A file that is a graph."""

    origin = "onnx"
    graph_format = "onnx"
    trusted = True

    path: Path

    @property
    def content_key(self) -> bytes | None:
        """What the file holds beside its weights, whose values change no figure, and what it is called."""
        from archprof.sources.onnx_file.external import all_small_values
        from archprof.sources.onnx_file.wire import skeleton

        try:
            content = skeleton(self.path)
        except ArchprofError:  # whoever counts it says what is wrong
            return None
        digest = hashlib.sha256(content)
        for values in all_small_values(content, self.path):
            digest.update(values)
        return encode_key(self.origin, self.name, self.reference, str(self.path), digest.digest())

    def check_setting(self, key: str, value: Any) -> None:
        """Nothing may be: the graph is as it is.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{key} cannot be changed in an ONNX file", hint="name the YAML or the function that it was exported from"
        )

    def build(self, constructor: Constructor[Built]) -> Built:
        """It is no module, and nothing builds one of it.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{self.reference} is a graph of operations, not a PyTorch module that could be built",
            hint="summary, compare, check, audit, claims and bench take an ONNX file; name what it was exported from",
        )


ORIGINS.register("onnx", OnnxFiles())
