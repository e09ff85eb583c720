"""Sizes of what windows that slide over a tensor give: pooling, transposed convolutions, short-time spectra.

ONNX Runtime's sizes, which PyTorch's are too: the last window of a pooling with ``ceil_mode`` begins in the tensor or
in the padding before it, never in that behind it. onnx.shape_inference lets it begin there, adds
``output_padding`` to a transposed convolution whose padding is chosen for it, and forgets that an STFT has one side
unless told otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archprof.trace.onnx_graph.record import Operation, Shape

POOLS = frozenset({"MaxPool", "AveragePool", "LpPool"})


def output_size(operation: Operation) -> Shape | None:
    """The shape of what a pooling, a transposed convolution or an STFT gives; None for any other operation."""
    if operation.node.type in POOLS:
        source = operation.operand(0).sizes
        return (*source[:2], *pooled(source[2:], operation.attributes))
    if operation.node.type == "ConvTranspose":
        source, weight = operation.operand(0).sizes, operation.operand(1).sizes
        channels = weight[1] * operation.attributes.get("group", 1)
        return (source[0], channels, *_transposed(source[2:], weight[2:], operation.attributes))
    return _spectrum(operation) if operation.node.type == "STFT" else None


def _spectrum(operation: Operation) -> Shape | None:
    """The shape of a short-time spectrum; None where the length of a frame is not known."""
    signal, step, window, length = (operation.tensor(index) for index in range(4))
    if signal is None or step is None or step.value is None:
        return None
    if length is not None:
        frame = None if length.value is None else int(length.value.reshape(-1)[0])
    else:
        frame = window.sizes[0] if window is not None else None
    if frame is None:
        return None
    frames = (signal.sizes[1] - frame) // int(step.value.reshape(-1)[0]) + 1
    bins = frame // 2 + 1 if operation.attributes.get("onesided", 1) else frame
    return (signal.sizes[0], frames, bins, 2)


def pooled(source: Shape, attributes: dict[str, Any]) -> Shape:
    """The spatial size of what a pooling gives.

    Args:
        source: The spatial size of what it reads.
        attributes: The node's: kernel_shape, strides, pads, dilations, auto_pad, ceil_mode.
    """
    axes = len(source)
    kernel = attributes["kernel_shape"]
    strides, dilations, pads = _sliding(attributes, axes)
    automatic = attributes.get("auto_pad", "NOTSET")
    sizes = []
    for axis, size in enumerate(source):
        extent = dilations[axis] * (kernel[axis] - 1) + 1
        before, behind = (0, 0) if automatic == "VALID" else (pads[axis], pads[axes + axis])
        if automatic.startswith("SAME"):
            # ONNX Runtime chooses the padding as if the kernel were not dilated.
            padding = (-(-size // strides[axis]) - 1) * strides[axis] + kernel[axis] - size
            before = padding // 2 if automatic == "SAME_UPPER" else -(-padding // 2)
            behind = padding - before
        steps = size + before + behind - extent
        count = steps // strides[axis] + 1
        if attributes.get("ceil_mode"):
            count = -(-steps // strides[axis]) + 1
            count -= (count - 1) * strides[axis] >= size + before
        sizes.append(count)
    return tuple(sizes)


def convolved(source: Shape, kernel: Shape, attributes: dict[str, Any]) -> Shape:
    """The spatial size of what a convolution gives."""
    if attributes.get("auto_pad", "NOTSET").startswith("SAME"):
        strides, _, _ = _sliding(attributes, len(source))
        return tuple(-(-size // stride) for size, stride in zip(source, strides, strict=True))
    return pooled(source, {**attributes, "kernel_shape": kernel, "ceil_mode": 0})


def _transposed(source: Shape, kernel: Shape, attributes: dict[str, Any]) -> Shape:
    """The spatial size of what a transposed convolution gives."""
    axes = len(source)
    if output_shape := attributes.get("output_shape"):
        return tuple(output_shape[-axes:])
    strides, dilations, pads = _sliding(attributes, axes)
    added = attributes.get("output_padding") or [0] * axes
    automatic = attributes.get("auto_pad", "NOTSET")
    sizes = []
    for axis, size in enumerate(source):
        extent = dilations[axis] * (kernel[axis] - 1) + 1
        length = strides[axis] * (size - 1) + added[axis] + extent
        if automatic.startswith("SAME"):
            sizes.append(min(length, size * strides[axis]))
        else:
            sizes.append(length if automatic == "VALID" else length - pads[axis] - pads[axes + axis])
    return tuple(sizes)


def _sliding(attributes: dict[str, Any], axes: int) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Strides, dilations and pads, each axis' own; the pads before all axes come first."""
    return (
        attributes.get("strides") or [1] * axes,
        attributes.get("dilations") or [1] * axes,
        attributes.get("pads") or [0] * (2 * axes),
    )
