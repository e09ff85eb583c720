"""Names of models that a library does not have, and which of its own are near."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archprof.errors import UnknownReferenceError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archprof.sources.spec import RecipeSpec


def unknown_model(spec: RecipeSpec, names: Iterable[str]) -> UnknownReferenceError:
    """The error of a model that its library does not have.

    Args:
        spec: What was asked for.
        names: The names of those that it has.
    """
    near = [f"{spec.origin}:{name}" for name in nearest(spec.target, names)]
    hint = f"did you mean {' or '.join(near)}?" if near else None
    return UnknownReferenceError(f"{spec.origin} has no model {spec.target!r}", hint=hint)
