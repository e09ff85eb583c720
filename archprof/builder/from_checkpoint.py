"""The network that a checkpoint's YAML builds, held against the checkpoint's tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from archprof.builder.from_tensors import resize
from archprof.builder.fuse import fuse
from archprof.errors import BuildError
from archprof.sources.checkpoint.match import match
from archprof.sources.checkpoint.reparametrised import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archprof.builder.built import Built
    from archprof.sources.checkpoint.contents import Checkpoint
    from archprof.sources.checkpoint.match import Match, Shape


def fitted(built: Built, checkpoint: Checkpoint) -> Built:
    """The network with the file's widths, fused where the file is; what differs is a remark.

    Raises:
        BuildError: Where the file has layers that the network has not, or the other way about.
    """
    shapes, notes = plain(checkpoint.shapes)
    difference = _match(built, shapes)
    remarks = [*built.remarks, *checkpoint.notes, *notes, difference.sentence]
    if difference.fused:
        built = fuse(built)
        difference = _match(built, shapes)
        if not difference.matches:
            remarks.append(difference.sentence)
    if any(layer.state != "resized" for layer in difference.layers):
        version = checkpoint.metadata.get("version")
        saved_by = f"it was saved by Ultralytics {version}, and " if version else ""
        raise BuildError(
            difference.sentence,
            path=checkpoint.path,
            hint=f"{saved_by}the installed Ultralytics builds another network of the YAML in it",
        )
    if difference.layers:
        resize(built.module, shapes, {path: item.attributes for path, item in checkpoint.modules.items()})
        remarks.append("figures are those of the file's tensors")
    return replace(built, remarks=tuple(remarks))


def _match(built: Built, shapes: Mapping[str, Shape]) -> Match:
    network = {name: tuple(tensor.shape) for name, tensor in built.module.state_dict().items()}
    return match(network, shapes)
