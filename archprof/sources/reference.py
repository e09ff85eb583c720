"""What the user typed -> a spec: a file, now or at a git revision, a variant's name, a model, a Python function."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, VariantError, did_you_mean, nearest
from archprof.sources import families, revision, yaml_file
from archprof.sources.spec import STOCK, ModelSpec, Spec, VariantSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archprof.sources.revision import Revision

SUFFIXES = (".yaml", ".yml")
COLLECTIONS = ("timm", "torchvision")

_FACTORY = re.compile(r"(?P<place>.+\.py|[^\W\d]\w*(?:\.\w+)*):(?P<factory>[^\W\d]\w*(?:\.\w+)*)")


def resolve(text: str, *, scale: str | None = None) -> Spec:
    """Find what a reference means.

    In this order: ``timm:NAME`` and ``torchvision:NAME``; a file; ``REV:FILE.yaml``, a file at a git revision;
    ``FILE.py:FACTORY`` and ``PACKAGE.MODULE:FACTORY``; a variant of an installed family; a model YAML of the
    installed Ultralytics. A YAML's name may lack its extension (not at a revision), and may have a scale after a
    number in it: ``yolo11s-seg`` is ``yolo11-seg`` at scale s, unless there is a file of just that name.

    Args:
        text: The reference.
        scale: One of the variant's scales; it goes before one in the name.

    Raises:
        UnknownReferenceError: Where it means nothing, with the nearest names.
        VariantError: Where it means a file that is not a variant.
        UsageError: Where a scale is given for something that has none.
    """
    spec = _model(text)
    if spec is not None:
        if scale is not None:
            raise UsageError(f"{text} has no scales, so --scale {scale} means nothing")
        return spec
    if (file := revision.parse(text)) and not _is_file(Path(text)):
        return _at_revision(file, scale)
    return _variant(text, scale)


def scales(reference: Spec | str) -> tuple[str, ...]:
    """Every scale that a reference has, in the order of its file; none for what is not a YAML with scales.

    Raises:
        UnknownReferenceError, VariantError: As for :func:`resolve`.
    """
    spec = resolve(reference) if isinstance(reference, str) else reference
    return tuple(spec.scales) if isinstance(spec, VariantSpec) else ()


@cache
def stock() -> Mapping[str, Path]:
    """The model YAMLs of the installed Ultralytics, by name, found without importing it."""
    spec = find_spec("ultralytics")
    places = spec.submodule_search_locations if spec else None
    files = sorted(Path(next(iter(places))).glob("cfg/models/**/*.yaml")) if places else []
    return {file.stem: file for file in files}


def _model(text: str) -> ModelSpec | None:
    """The spec of what is not a YAML, or None."""
    origin, _, target = text.partition(":")
    if origin in COLLECTIONS and target:
        return ModelSpec(name=target, reference=text, origin=origin, target=target)
    match = _FACTORY.fullmatch(text)
    if not match or _is_file(Path(text)) or revision.parse(text):
        return None
    file = Path(match["place"])
    if file.suffix == ".py" and not _is_file(file):
        hint = did_you_mean(file.name, _names_in(file.parent, (".py",)))
        raise UnknownReferenceError(f"no file {str(file)!r}", hint=hint)
    return ModelSpec(name=match["factory"], reference=text, origin="python", target=text)


def _variant(text: str, scale: str | None) -> VariantSpec:
    place = Path(text)
    stem = place.stem if place.suffix in SUFFIXES else place.name
    if place.suffix == ".py" and _is_file(place):
        hint = f"name the function that makes the model, as {text}:make"
        raise UnknownReferenceError(f"{text!r} is a file of Python, not a model", hint=hint)
    if not stem:
        raise _unknown(text, place, stem)
    if found := _find(place, stem):
        path, family = found
        return yaml_file.load(path, scale=scale, reference=text, family=family)
    for letter, without in yaml_file.scales_in_name(stem):
        if found := _find(place.with_name(place.name.replace(stem, without)), without):
            path, family = found
            return yaml_file.load(path, scale=scale or letter, reference=text, family=family)
    raise _unknown(text, place, stem)


def _at_revision(file: Revision, scale: str | None) -> VariantSpec:
    stem, _, suffix = file.file.rpartition(".")
    without = [(letter, f"{name}.{suffix}") for letter, name in yaml_file.scales_in_name(stem)]
    name, data = file.read([file.file, *(name for _, name in without)])
    path = Path(f"{file.name}:{file.folder}{name}")
    letter = next((letter for letter, other in without if other == name), None)
    return yaml_file.load(path, scale=scale or letter, reference=str(file), name=name.rpartition(".")[0], data=data)


def _find(place: Path, stem: str) -> tuple[Path, str | None] | None:
    """The file that a path or a bare name means, and its family where that does not depend on the name."""
    for path in (place, *(place.with_name(place.name + suffix) for suffix in SUFFIXES)):
        if _is_file(path):
            return path, None
    if place.parent != Path():  # whoever names a folder means a file
        return None
    for family, name, path in families.variants():
        if name == stem:
            return path, family.name
    return (stock()[stem], STOCK) if stem in stock() else None


def _unknown(text: str, place: Path, stem: str) -> ArchprofError:
    kinds = (
        "a YAML file, REV:FILE.yaml, a name that `archprof zoo` lists, timm:NAME, torchvision:NAME or FILE.py:FACTORY"
    )
    try:
        if text.strip() and place.is_dir():
            return VariantError("a directory, not a YAML file", path=place)
    except OSError as error:
        return VariantError(f"cannot be read: {error.strerror}", path=place)
    if not stem:
        return UnknownReferenceError(f"{text!r} names nothing", hint=f"give {kinds}")
    names = {name: name for name in (*(name for _, name, _ in families.variants()), *stock())}
    names |= {Path(name).stem: str(place.with_name(name)) for name in _names_in(place.parent, SUFFIXES)}
    near = [names[name] for name in nearest(stem, names)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"give {kinds}"
    missing = "nothing is called" if place.parent == Path() else "no file"
    return UnknownReferenceError(f"{missing} {text!r}", hint=hint)


def _names_in(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    try:
        yield from sorted(file.name for file in folder.iterdir() if file.suffix in suffixes)
    except OSError:
        return


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
