"""What can be wrong with an ONNX file."""

from __future__ import annotations

from archprof.errors import ArchprofError


class OnnxFileError(ArchprofError):
    """A file that is no ONNX model, or one that no runtime could run."""
