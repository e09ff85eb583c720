"""Published figures, as printed, with what it takes to replay them (format: docs/reference/claims.md)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from archprof.builder.options import sides_of
from archprof.errors import did_you_mean
from archprof.records.published import FIGURE, Published
from archprof.sources.document import Document, line_of
from archprof.sources.settings import COUNT, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import yaml

COUNTS = ("modules", "layers", "parameters", "trainable_parameters")
"""Figures that do not depend on a counting convention."""

COMPUTE = ("macs", "gflops")
"""Figures that do: one number is the exact count, a mapping has one number a convention."""

SETTINGS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "scale": TEXT,
    "nc": COUNT,
    "imgsz": (lambda value: type(value) in (int, str) and bool(sides_of(str(value))), "a side, or HEIGHTxWIDTH"),
    "batch": COUNT,
    "channels": COUNT,
    "fuse": (lambda value: isinstance(value, bool), "true or false"),
    "set": (lambda value: isinstance(value, dict), "a mapping (key: value)"),
}
"""What a claim may set, each as the option of the same name does: the test of its value, and the kind in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Figures that were published together, of one model under one set of settings.

    ``variant`` is any reference; a file goes by the folder that the claims lie in. ``against`` is the claim that
    this one is read against: of the same file, with the same settings, and a figure of compute by the same
    convention. ``holds`` is false for a claim that is known not to be reproducible; ``note`` says why, or what
    else a reader should know.
    """

    variant: str
    figures: tuple[Published, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    against: Claim | None = None
    source: str | None = None
    holds: bool = True
    note: str | None = None
    path: Path
    line: int

    def compute(self) -> dict[tuple[str, str | None], Published]:
        """Its figures of compute, by figure and convention."""
        return {(figure.figure, figure.convention): figure for figure in self.figures if figure.figure in COMPUTE}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsFile:
    """A ``claims.yaml``: what it says of the family (or paper) as a whole, and its claims."""

    title: str | None = None
    source: str | None = None
    about: str | None = None
    claims: tuple[Claim, ...] = ()


def read(path: Path) -> ClaimsFile:
    """Read a ``claims.yaml``.

    Raises:
        VariantError: Where the file is not one, with the line and column.
    """
    document = Document.read(path)
    keys = _checked_mapping(document, document.root, "the claims file", ("title", "source", "about", "claims"))
    texts = {key: _text(document, keys[key], key) for key in ("title", "source", "about") if key in keys}
    claims: list[Claim] = []
    for node in document.sequence(keys["claims"], "claims") if "claims" in keys else []:
        claims.append(_claim(document, node, path, texts.get("source"), claims))
    return ClaimsFile(**texts, claims=tuple(claims))


def _claim(document: Document, node: yaml.Node, path: Path, source: str | None, above: Sequence[Claim]) -> Claim:
    allowed = ("variant", "settings", "figures", "against", "source", "holds", "note")
    keys = _checked_mapping(document, node, "a claim", allowed)
    for key in ("variant", "figures"):
        if key not in keys:
            raise document.error(f"a claim without {key!r}", node)
    texts = {key: _text(document, keys[key], key) for key in ("source", "note") if key in keys}
    holds = document.plain(keys["holds"]) if "holds" in keys else True
    if not isinstance(holds, bool):
        raise document.error("holds must be true or false", keys["holds"])
    figures = _checked_mapping(document, keys["figures"], "figures", (*COUNTS, *COMPUTE))
    claim = Claim(
        variant=_text(document, keys["variant"], "variant"),
        source=texts.get("source", source),
        note=texts.get("note"),
        settings=_settings(document, keys["settings"]) if "settings" in keys else {},
        figures=tuple(figure for key, value in figures.items() for figure in _published(document, key, value)),
        holds=holds,
        path=path,
        line=line_of(node),
    )
    if not claim.figures:
        raise document.error("a claim without a figure", keys["figures"])
    return replace(claim, against=_base(document, keys["against"], claim, above)) if "against" in keys else claim


def _base(document: Document, node: yaml.Node, claim: Claim, above: Sequence[Claim]) -> Claim:
    """The claim above it that a claim is read against."""
    name = _text(document, node, "against")
    for base in above:
        comparable = base.settings == claim.settings and base.compute().keys() & claim.compute().keys()
        if base.variant == name and comparable:
            return base
    message = f"no claim above this one is about {name!r}, with the same settings and GFLOPs or MACs alike"
    raise document.error(message, node, hint=did_you_mean(name, {base.variant for base in above} - {name}))


def _settings(document: Document, node: yaml.Node) -> dict[str, Any]:
    settings = {}
    for key, value_node in _checked_mapping(document, node, "settings", SETTINGS).items():
        value = settings[key] = document.plain(value_node)
        test, kind = SETTINGS[key]
        if not test(value):
            raise document.error(f"{key} must be {kind}, not {value!r}", value_node)
    return settings


def _published(document: Document, figure: str, node: yaml.Node) -> list[Published]:
    if figure in COMPUTE and isinstance(node.value, list):
        figures = document.mapping(node, figure)
        return [Published(figure, _number(document, figure, value), name) for name, value in figures.items()]
    return [Published(figure, _number(document, figure, node))]


def _number(document: Document, figure: str, node: yaml.Node) -> str:
    # The scalar's own text, so that 6.40 stays 6.40 whether it is quoted or not.
    text = node.value if isinstance(node.value, str) else ""
    match = FIGURE.fullmatch(text)
    if not match or (figure == "gflops" and match[4]):
        example = "6.4" if figure == "gflops" else "2,461,081 or 8.6 M"
        raise document.error(f"{figure} must be a number as printed, such as {example}", node)
    return text


def _text(document: Document, node: yaml.Node, label: str) -> str:
    value = document.plain(node)
    if not isinstance(value, str) or not value.strip():
        raise document.error(f"{label} must be text, not {value!r}", node)
    return value.strip()


def _checked_mapping(
    document: Document, node: yaml.Node, label: str, allowed: Mapping[str, Any] | tuple[str, ...]
) -> dict[str, yaml.Node]:
    """A mapping that has no other keys than the known ones."""
    keys = document.mapping(node, label)
    for key, value in keys.items():
        if key not in allowed:
            hint = did_you_mean(key, allowed) or f"it may have {', '.join(allowed)}"
            raise document.error(f"{label} has no key {key!r}", value, hint=hint)
    return keys
