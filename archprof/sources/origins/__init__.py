"""The origins that archprof has. Another is one more file like these; see ``docs/extending.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.registry import Registry

if TYPE_CHECKING:
    from archprof.sources.origin import Origin

ORIGINS: Registry[Origin] = Registry(
    "origin",
    __name__,
    (
        "timm",
        "torchvision",
        "checkpoint",
        "onnx",
        "exported_program",
        "yaml_file",
        "git_revision",
        "python",
        "zoo",
        "stock",
    ),
)
"""Every origin; each is in the file of its name."""


def model_suffixes() -> tuple[str, ...]:
    """The extensions of the files that may be models, of every origin."""
    return tuple(dict.fromkeys(suffix for origin in ORIGINS.values() for suffix in origin.suffixes))
