"""ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.latency.backends import BACKENDS
from archprof.latency.backends.interface import Backend, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class OnnxRuntime(Backend):
    """The model exported to ONNX and run by ONNX Runtime on the CPU, with its default optimisations."""

    name = "onnxruntime"
    packages = ("onnx", "onnxruntime")
    extra = "onnx"
    devices = ("cpu",)
    dtypes = ("float32", "float16")
    tunable = False
    files = True

    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """The session's run."""
        import onnxruntime

        from archprof.latency.backends.onnx_export import run_exported

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.intra_op_num_threads = settings.threads or 0

        def load(content: bytes | str) -> Callable[[], Any]:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            names = [argument.name for argument in session.get_inputs()]
            arrays = dict(zip(names, (tensor.numpy() for tensor in inputs), strict=True))
            return lambda: session.run(None, arrays)

        return run_exported(module, inputs, load)

    def threads(self, settings: Settings) -> int | None:
        """As set; its own choice, one a physical core, cannot be read back."""
        return settings.threads


BACKENDS.register(OnnxRuntime.name, OnnxRuntime())
