"""What the user typed -> a spec: every origin is asked in turn."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.errors import ArchprofError, UnknownReferenceError, UsageError, VariantError, nearest
from archprof.registry import registrations
from archprof.sources import arguments, misread, python_file, scale_in_name, settings
from archprof.sources.files import SUFFIXES, is_file, names_in
from archprof.sources.origin import Query
from archprof.sources.origins import ORIGINS, model_suffixes

if TYPE_CHECKING:
    from archprof.sources.origin import Origin
    from archprof.sources.spec import Spec


def resolve(text: str, *, scale: str | None = None) -> Spec:
    """Find what a reference means.

    Origins are asked in their order: ``timm:NAME`` and ``torchvision:NAME``; a file; ``REV:FILE.yaml``, a file at a
    git revision; ``FILE.py:FACTORY`` and ``PACKAGE.MODULE:FACTORY``; a variant of an installed family; a model YAML
    of the installed Ultralytics. A YAML's name may lack its extension (not at a revision), and may have a scale:
    ``yolo11s-seg`` is ``yolo11-seg`` at scale s, unless there is a file of just that name. What stands behind a
    question mark is set for this model alone: ``nets.py:make?depth=3&width=64``.

    Args:
        text: The reference.
        scale: One of the variant's scales; it goes before one in the name.

    Raises:
        UnknownReferenceError: Where it means nothing, with the nearest names.
        VariantError: Where it means a file that is not a variant.
        UsageError: Where a scale is given for something that has none.
    """
    if parts := arguments.split(text):
        base, changes = parts
        return settings.apply(resolve(base, scale=scale), changes).called(text)
    spec = _find(text, scale)
    if spec is None:
        raise _unknown(text)
    if scale is not None and spec.scale is None:
        raise UsageError(f"{text} has no scales", hint="leave out --scale")
    return spec


def _find(text: str, scale: str | None = None) -> Spec | None:
    """What the first origin says that knows a reference; None where none does."""
    folder, name, suffix = _parts(text)
    queries = [Query(text, text, scale)]
    for other in scale_in_name.without_scale(name):
        queries.append(Query(f"{folder}{other}{suffix}", text, scale, scale_in_name.scale_of(name)))
    return next((spec for query in queries for origin in _in_order() if (spec := origin.find(query))), None)


def scales(reference: Spec | str) -> tuple[str, ...]:
    """Every scale that a reference has, in the order of its file; none for what is not a YAML with scales.

    Raises:
        UnknownReferenceError, VariantError: As for :func:`resolve`.
    """
    return tuple((resolve(reference) if isinstance(reference, str) else reference).scales)


def _in_order() -> tuple[Origin, ...]:
    """The origins in the order in which they are asked. A check asks them a hundred times."""
    return _sorted(tuple(ORIGINS), registrations())


@lru_cache(maxsize=1)
def _sorted(names: tuple[str, ...], registered: int) -> tuple[Origin, ...]:
    """Of what is registered; another origin of the same name is another registration."""
    return tuple(sorted((ORIGINS[name] for name in names), key=lambda origin: origin.order))


def _parts(text: str) -> tuple[str, str, str]:
    """``models/yolo11n.yaml`` -> ``models/``, ``yolo11n`` and ``.yaml``; the folder and the extension may be empty."""
    folder, slash, name = text.rpartition("/")
    suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
    return folder + slash, name.removesuffix(suffix), suffix


def _unknown(text: str) -> ArchprofError:
    typed = Path(text)
    try:
        typed.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError as failure:
        return VariantError(f"cannot be read: {failure.strerror}", path=typed)
    if error := misread.explain(text):
        return error
    *others, last = (origin.form for origin in _in_order())
    forms = f"give {', '.join(others)} or {last}"
    folder, name, suffix = _parts(text)
    if not name:
        return UnknownReferenceError("the name of the model is empty", hint=forms)
    if error := _no_such_scale(text, folder, name, suffix):
        return error
    if hint := _functions_of(typed) or _almost(text):
        return UnknownReferenceError(f"model {text!r} not found", hint=hint)
    references: dict[str, list[str]] = {}
    for origin in _in_order():
        for other, reference in origin.names(typed.parent).items():
            references.setdefault(other, []).append(reference)
    # torchvision.models.resnet50 and pytorch/vision:resnet50 end in a name.
    exact = next((references[part] for part in (name, *reversed(re.split("[.:]", name))) if part in references), None)
    near = exact or [references[other][0] for other in nearest(name, references)]
    hint = f"did you mean {' or '.join(near)}?" if near else _in_folder(typed) or forms
    return UnknownReferenceError(f"model {text!r} not found", hint=hint)


_SIZE_BEHIND = re.compile(r"(?P<name>.+)[@:](?P<size>\d+(?:x\d+)?)")


def _almost(text: str) -> str | None:
    """A hint for a model's name in other letters, in a folder, or with its size, as ``YOLO11n`` and ``yolo11n@640``."""
    plain = text.strip()
    without_folder = plain if ":" in plain else plain.rpartition("/")[2]
    for other in dict.fromkeys((plain, plain.lower(), without_folder)):
        match = _SIZE_BEHIND.fullmatch(other)
        if match and _is_known(match["name"]):
            return f"type {match['name']} --imgsz {match['size']}"
        if other != text and _is_known(other):
            return f"did you mean {other}?"
    return None


def _functions_of(path: Path) -> str | None:
    """A hint for a Python file that is named without its extension: its functions; None where there is none."""
    file = path.with_name(f"{path.name}.py")
    return f"did you mean {python_file.example(file)}?" if is_file(file) else None


def _is_known(text: str) -> bool:
    try:
        return _find(text) is not None
    except ArchprofError:
        return False


def _in_folder(path: Path) -> str | None:
    """What there is in the folder of a file that is not there; None where nothing is, or none is named."""
    names = list(names_in(path.parent, model_suffixes())) if path.parent.parts and path.suffix else []
    more = f" and {len(names) - misread.SHOWN:,} more" if len(names) > misread.SHOWN else ""
    return f"{path.parent}/ has {', '.join(names[: misread.SHOWN])}{more}" if names else None


def _no_such_scale(text: str, folder: str, name: str, suffix: str) -> ArchprofError | None:
    """The error of a name with a letter for its scale that is none, or not where it is read: ``yolov13q-pose``."""
    for parts, is_read in ((scale_in_name.other_letter(name), True), (scale_in_name.misplaced(name), False)):
        if parts is None:
            continue
        letter, head, tail = parts
        query = Query(f"{folder}{head}{tail}{suffix}", text)
        spec = next((spec for origin in _in_order() if (spec := origin.find(query))), None)
        if spec is None or not spec.scales:
            continue
        if not is_read:
            return _misplaced_scale(query, spec, letter)
        names = " or ".join(f"{folder}{head}{scale}{tail}{suffix}" for scale in spec.scales)
        scales = ", ".join(spec.scales)
        return UnknownReferenceError(f"{text!r}: no scale {letter!r}; {spec.name} has {scales}", hint=f"type {names}")
    return None


def _misplaced_scale(query: Query, spec: Spec, letter: str) -> ArchprofError:
    """The error of ``yolov8-p2s``, which Ultralytics takes for ``yolov8-p2`` at the file's first scale."""
    first = next(iter(spec.scales))
    return UnknownReferenceError(
        f"{query.reference!r} has no scale where Ultralytics reads one, behind the number that follows yolo: it takes "
        f"{spec.name} at scale {first}",
        hint=f"type {query.text} --scale {letter if letter in spec.scales else first}",
    )
