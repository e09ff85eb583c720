"""OpenVINO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archprof.latency.backends import BACKENDS
from archprof.latency.backends.interface import Backend, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn


class OpenVino(Backend):
    """The model exported to ONNX and run by OpenVINO on the CPU, tuned for latency, in the model's own type."""

    name = "openvino"
    packages = ("onnx", "openvino")
    extra = "openvino"
    devices = ("cpu",)
    dtypes = ("float32", "float16")
    tunable = False
    files = True

    def prepare(self, module: nn.Module, inputs: tuple[Tensor, ...], settings: Settings) -> Callable[[], Any]:
        """The inference request's call."""
        import openvino

        from archprof.latency.backends.onnx_export import run_exported

        core = openvino.Core()
        properties = {
            "PERFORMANCE_HINT": "LATENCY",
            # Its own choice is bfloat16 where the processor has it, which would compare two types.
            "INFERENCE_PRECISION_HINT": "f16" if str(inputs[0].dtype) == "torch.float16" else "f32",
        }
        if settings.threads:
            properties["INFERENCE_NUM_THREADS"] = str(settings.threads)

        def load(content: bytes | str) -> Callable[[], Any]:
            request = core.compile_model(core.read_model(content), "CPU", properties).create_infer_request()
            arrays = {index: tensor.numpy() for index, tensor in enumerate(inputs)}
            return lambda: list(request.infer(arrays, share_inputs=True).values())

        return run_exported(module, inputs, load)

    def threads(self, settings: Settings) -> int | None:
        """As set; else its own choice, which it makes for each model."""
        return settings.threads


BACKENDS.register(OpenVino.name, OpenVino())
