"""What a caller gave -> requests, or a module with its inputs: a reference, a module, an Ultralytics object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from archprof.builder.input_spec import InputSpec, from_values, parse_inputs
from archprof.builder.options import Options, device_name, dtype_name, sides_of
from archprof.errors import UsageError
from archprof.pipeline import ExecutionConfig, PredictionRequest, Request
from archprof.sources.selection import ALL, Selection
from archprof.sources.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import nn

SIDE = 640
"""The side of the image for an Ultralytics model that does not say what it was made for."""


class BuildOptions(TypedDict, total=False):
    """Which variant of a model is meant, and how it is built and run; as on the command line.

    Attributes:
        scale: A scale of the file.
        imgsz: The input's size: a side, (height, width), or text such as "384x640".
        batch: Samples at once.
        channels: Channels of the input image.
        nc: Number of classes.
        settings: Top-level values of the YAML that are changed, or keyword arguments of a model's constructor.
        fuse: Whether to fuse as for deployment.
        static: Whether to take the static equivalent.
        device: "auto", "cpu", "cuda", "cuda:N" or "meta".
        dtype: The type of weights and images.
        backward: Whether to count a training step.
        plugins: Files or modules that register blocks.
    """

    scale: str
    imgsz: int | str | Sequence[int]
    batch: int
    channels: int
    nc: int
    settings: Mapping[str, Any]
    fuse: bool
    static: bool
    device: str
    dtype: str
    backward: bool
    plugins: Sequence[str]


class ModelOptions(BuildOptions, total=False):
    """The options of every function that takes models: those of :class:`BuildOptions`, and its inputs.

    Attributes:
        inputs: What a reference is run on: by the names of its forward's arguments, or in their order. Each is text as
            ``--input`` takes it ("1x128:int64:0..30000"), a shape, a tensor or an array; or a file, "data.npz".
    """

    inputs: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """The options, read.

    Attributes:
        selection: Which variant of a reference is meant.
        build: How it is built and run.
        config: How it may be counted.
        prediction: Where its latency is predicted.
    """

    selection: Selection
    build: Options
    config: ExecutionConfig
    prediction: PredictionRequest = field(default_factory=PredictionRequest)

    def spec(self, model: str | Spec) -> Spec:
        """The one spec that a reference means.

        Raises:
            ArchprofError: Where there is no such model, or every scale is asked for.
        """
        if isinstance(model, Spec):
            return model
        if self.selection.scale == ALL:
            raise UsageError("scale='all' is not one model", hint="name a scale, and call once for each")
        (spec,) = self.selection.find(model)
        return spec

    def request(self, model: str | Spec, conventions: Sequence[str] = ()) -> Request:
        """What is wanted of a model.

        Raises:
            ArchprofError: Where there is no such model.
        """
        return Request(self.spec(model), self.build, tuple(conventions), prediction=self.prediction)


def choose(options: ModelOptions, threads: int | None = None) -> Choice:
    """Read options.

    Raises:
        UsageError: Where one of them makes no sense; with what does.
    """
    known = ModelOptions.__required_keys__ | ModelOptions.__optional_keys__
    if unknown := options.keys() - known:
        raise UsageError(f"unknown option {min(unknown)!r}", hint=f"available: {', '.join(sorted(known))}")
    device = device_name(str(options.get("device", "auto")))
    return Choice(
        Selection(scale=options.get("scale"), nc=options.get("nc"), settings=options.get("settings") or {}),
        Options(
            size=_size(options.get("imgsz")),
            batch=options.get("batch", 1),
            channels=options.get("channels"),
            fuse=options.get("fuse", False),
            static=options.get("static", False),
            device=device,
            dtype=dtype_name(options.get("dtype", "float32")),
            backward=options.get("backward", False),
            inputs=tuple(input_specs(options.get("inputs"))),
        ),
        ExecutionConfig(plugins=tuple(options.get("plugins", ()))),
        PredictionRequest(device=device, threads=threads),
    )


def input_specs(inputs: Any) -> Iterator[InputSpec]:
    """What ``inputs=`` says of each input.

    Raises:
        UsageError: Where one is neither text, a shape, nor values.
    """
    if isinstance(inputs, Mapping):
        for name, value in inputs.items():
            yield from _input_specs(value, str(name))
    elif isinstance(inputs, (tuple, list)) and not (inputs and is_shape(inputs)):
        for value in inputs:
            yield from _input_specs(value)
    elif inputs is not None:
        yield from _input_specs(inputs)


def is_shape(value: Any) -> bool:
    """Whether it is a shape: whole numbers from 1 up."""
    return isinstance(value, (tuple, list)) and all(isinstance(size, int) and size >= 1 for size in value)


def _input_specs(value: Any, name: str = "") -> list[InputSpec]:
    if isinstance(value, str):
        return parse_inputs(f"{name}={value}" if name else value)
    if is_shape(value):
        return [InputSpec(name=name, shape=tuple(value))]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return [from_values(name, value)]
    raise UsageError(
        f"an input cannot be a {type(value).__name__}",
        hint='give text as "1x128:int64:0..30000", a shape as (1, 3, 640, 640), a tensor, or a file as "data.npz"',
    )


def _size(size: int | str | Sequence[int] | None) -> tuple[int, ...] | None:
    if size is None:
        return None
    sides = sides_of(str(size)) if isinstance(size, (int, str)) else tuple(size)
    if not sides or not all(isinstance(side, int) and side > 0 for side in sides):
        raise UsageError(f"invalid imgsz {size!r}", hint="a side, as 640, or (height, width), as (384, 640)")
    return sides


def module_of(model: Any) -> nn.Module | None:
    """The module that is meant: the model itself, or that of an Ultralytics ``YOLO`` object; None for a reference."""
    if isinstance(model, (str, Spec)):
        return None
    from torch import nn

    wrapped = getattr(model, "model", None)
    # Ultralytics' YOLO is a module itself, whose forward predicts: files, images, boxes.
    if (
        type(model).__module__.startswith("ultralytics.")
        and hasattr(model, "predictor")
        and isinstance(wrapped, nn.Module)
    ):
        return wrapped
    if isinstance(model, nn.Module):
        return model
    raise UsageError(
        f"a {type(model).__name__} is not a model",
        hint="give a reference, as 'yolo11n.yaml', a torch.nn.Module with its inputs, or a YOLO object",
    )


def image_for(module: nn.Module, options: BuildOptions) -> Any:
    """An image for an Ultralytics network, which says what it takes.

    Raises:
        UsageError: Where the module does not say.
    """
    import torch

    yaml = getattr(module, "yaml", None)
    if not isinstance(yaml, dict):
        raise UsageError(
            "a module needs its inputs", hint="for example archprof.profile(model, torch.empty(1, 3, 224, 224))"
        )
    height, *width = _size(options.get("imgsz")) or (SIDE,)
    channels = options.get("channels") or yaml.get("channels", 3)
    dtype = next(module.parameters()).dtype
    return torch.empty(options.get("batch", 1), channels, height, *(width or [height]), dtype=dtype, device="meta")
