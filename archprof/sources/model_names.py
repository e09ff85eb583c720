"""The names of timm's and torchvision's models, read from their files: importing either takes seconds.

Both register a model with a decorator above the function of its name. What is registered otherwise is not found here,
so that a name which is missing may exist nevertheless, unless it stands nowhere in the package at all.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from archprof import cache as result_cache
from archprof.errors import UnknownReferenceError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archprof.sources.spec import RecipeSpec

_REGISTERED = re.compile(
    r"""^@register_model\b(?:\(name="(?P<name>\w+)"\))?[\s\S]*?^def (?P<function>\w+)\(""", re.MULTILINE
)
_WORD = re.compile(r"[A-Za-z_]\w*")


@cache
def registered(package: str) -> tuple[str, ...]:
    """The names of the models in a package, as ``timm.models``, in alphabetical order; none where it is not there."""

    def read() -> tuple[str, ...]:
        matches = (match for text in _texts(package) for match in _REGISTERED.finditer(text))
        return tuple(sorted({match["name"] or match["function"] for match in matches}))

    if not result_cache.enabled:
        return read()
    from archprof.cache.fingerprint import installed
    from archprof.cache.memoize import remember

    source = f"{package} {installed(times=True)!r}".encode()
    return remember("model names", source, tuple[str, ...], read)


def architecture(name: str) -> str:
    """The architecture in a model's name on a hub: ``hf-hub:timm/resnet50.a1_in1k`` is ``resnet50`` with a tag."""
    return re.split(r"[/:]", name.removeprefix("timm."))[-1].partition(".")[0]


def is_absent(name: str, package: str) -> bool:
    """Whether a package surely has no model of that name: it is not registered, and no file has it as a word."""
    if name in registered(package) or not registered(package):
        return False
    return all(name not in _WORD.findall(text) for text in _texts(package) if name in text)


def unknown_model(spec: RecipeSpec, names: Iterable[str]) -> UnknownReferenceError:
    """The error of a model that its library does not have.

    Args:
        spec: What was asked for.
        names: The names of those that it has.
    """
    known = list(names)
    meant = architecture(spec.target)
    near = [f"{spec.origin}:{name}" for name in ([meant] if meant in known else nearest(meant, known))]
    hint = f"did you mean {' or '.join(near)}?" if near else None
    return UnknownReferenceError(f"{spec.origin} has no model {spec.target!r}", hint=hint)


def _texts(package: str) -> Iterator[str]:
    outermost, *inner = package.split(".")  # find_spec would import what is around an inner package
    spec = find_spec(outermost)
    for folder in spec.submodule_search_locations or () if spec else ():
        for path in sorted(Path(folder, *inner).rglob("*.py")):
            yield path.read_text(encoding="utf-8", errors="ignore")
