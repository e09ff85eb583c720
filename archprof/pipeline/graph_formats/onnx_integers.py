"""Of a quantised ONNX file: how many of its convolutions ONNX Runtime really runs on integers."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from archprof.pipeline.graph_formats.isolated import how_it_ended, run_module
from archprof.units import plural

if TYPE_CHECKING:
    from archprof.count.onnx_operators.ledger import Ledger
    from archprof.trace.onnx_graph.reader import OnnxFile

SECONDS = 60
"""A file that ONNX Runtime optimises for longer is given up."""


def integer_remarks(file: OnnxFile, ledger: Ledger) -> list[str]:
    """What runs on integers, in a sentence; nothing for a file without quantised convolutions.

    A convolution between a DequantizeLinear and a QuantizeLinear may run either way: the runtime decides.
    """
    convolutions = [entry for entry in ledger.entries if "Conv" in entry.label and entry.count.macs]
    integer = sum("int" in entry.precision for entry in convolutions)
    if not integer:
        return []
    in_file = f"{integer} of the file's {plural(len(convolutions), 'convolution')} are on integers"
    missing = [location for location, path in file.external.items() if not path.is_file()]
    if find_spec("onnxruntime") is None or missing:
        reason = f"the weights in {missing[0]!r} are missing" if missing else "onnxruntime is not installed"
        return [f"{in_file}; how ONNX Runtime runs them is not known: {reason}"]
    try:
        process = run_module("archprof.trace.onnx_graph.integer_convolutions", str(file.path).encode(), SECONDS)
    except subprocess.TimeoutExpired:
        return [f"{in_file}; how ONNX Runtime runs them is not known: it took longer than {SECONDS} s"]
    answer: dict[str, Any] = {"error": f"it {how_it_ended(process)}"}
    if process.returncode == 0:
        answer = json.loads(process.stdout)
    if "error" in answer:
        return [f"{in_file}; how ONNX Runtime runs them is not known: {answer['error']}"]
    runtime = f"ONNX Runtime {metadata.version('onnxruntime')} on {platform.machine()}"
    return [f"{in_file}; {runtime} runs {answer['integer']} on integers, and {answer['all'] - answer['integer']} not"]
