"""ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.latency.backends import BACKENDS
from archprof.latency.backends.interface import Backend, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class OnnxRuntime(Backend):
    """The model exported to ONNX and run by ONNX Runtime on the processor, with its default optimisations."""

    name = "onnxruntime"
    aliases = ("onnx", "ort")
    packages = ("onnx", "onnxruntime")
    extra = "onnx"
    devices = ("cpu",)
    dtypes = ("float32", "float16")
    tunable = False

    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """The session's run."""
        import onnxruntime

        from archprof.latency.backends.onnx_export import export

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.intra_op_num_threads = settings.threads or 0
        session = onnxruntime.InferenceSession(export(module, inputs), options, providers=["CPUExecutionProvider"])
        given = {f"input{index}": tensor.numpy() for index, tensor in enumerate(inputs)}

        def run() -> Any:
            return session.run(None, given)

        return run

    def threads(self, settings: Settings) -> int | None:
        """As set; its own choice, one a physical core, cannot be read back."""
        return settings.threads


BACKENDS.register(OnnxRuntime.name, OnnxRuntime())
