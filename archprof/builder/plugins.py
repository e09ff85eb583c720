"""Blocks that are not Ultralytics': an installed family's, and those of ``--plugin``. Importing registers them."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from archprof.builder.registry import registry
from archprof.builder.ultralytics_import import import_ultralytics
from archprof.errors import ArchprofError, PluginError, UnknownReferenceError, did_you_mean
from archprof.registry import registrations, undone_on_error
from archprof.sources import families
from archprof.sources.spec import STOCK, YOLOV5
from archprof.sources.usercode import import_code

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

BUILT_IN = {YOLOV5: "archprof.builder.yolov5"}
"""The packages of families that are told by a file's content."""


def load_family(name: str) -> None:
    """Register the blocks of an installed family, once.

    A family that is not installed has nothing to load: a variant may name one that a plugin registers for.

    Raises:
        PluginError: Where its package is missing or raises.
        RegistrationError: Where it registers a block that is there already.
        UnknownReferenceError: Where it is not installed, and no plugin registered a block for it.
    """
    if name in BUILT_IN:
        import_ultralytics()
        importlib.import_module(BUILT_IN[name])
    elif family := families.families().get(name):
        if other := families.hidden_by(family):
            raise PluginError(
                f"the blocks of family {name} cannot be loaded: {other} comes before {family.package} on Python's path",
                hint=f"rename {other.name}, or start from another folder",
            )
        _load(family.package, own=False)
    elif name not in (known := {STOCK, *families.families(), *registry.families()}):
        hint = did_you_mean(name, known) or "a file that registers its blocks is named with --plugin"
        raise UnknownReferenceError(f"no block is registered for family {name!r}", hint=hint)


def load_plugin(reference: str) -> None:
    """Register the blocks of a plugin, once.

    Args:
        reference: A file (``path/to/blocks.py``) or a module (``package.module``).

    Raises:
        PluginError: Where it is missing, is not Python, registers nothing, or raises; the message frames its own
            traceback.
        RegistrationError: Where it registers a block that is there already.
    """
    before = _registered()
    module = _load(reference, own=True)
    if module.__name__ in _checked:
        return
    if _registered() == before:
        hint = f"a block is registered with @archprof.register('NAME') above its class, in {reference}"
        raise PluginError(f"{reference} registers nothing", hint=hint)
    _checked.add(module.__name__)


def load_plugins(references: Iterable[str]) -> None:
    """Register the blocks of several plugins, each once; errors are those of :func:`load_plugin`."""
    for reference in references:
        load_plugin(reference)


_checked: set[str] = set()
"""The modules of plugins that registered something; a second time they do not."""


def _registered() -> int:
    """A number that grows with whatever a plugin registers, here or with timm."""
    timm = sys.modules.get("timm")
    return registrations() + (len(timm.list_models()) if timm else 0)


def families_with(block: str) -> list[str]:
    """The installed families that have a block of this name, in alphabetical order."""
    for family in families.families().values():
        with suppress(ArchprofError), torch.device("cpu"):
            _load(family.package, own=False)
    return sorted({*registry.families_with(block)} & {*families.families()})


def _load(reference: str, *, own: bool) -> ModuleType:
    import_ultralytics()  # quietly, before the plugin does it
    with registry.undone_on_error(), undone_on_error():
        return import_code(reference, PluginError, own=own)
