"""What a function of the user's returns."""

from __future__ import annotations

import copy
import inspect
import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import BuildError, UnknownReferenceError, did_you_mean, nearest
from archprof.sources import foreign_names, other_files, python_file
from archprof.sources.files import is_file, names_in
from archprof.sources.origin import Origin
from archprof.sources.origins import ORIGINS
from archprof.sources.settings import is_count
from archprof.sources.spec import Recipe, RecipeSpec
from archprof.sources.usercode import import_code, importable, root_of, takes
from archprof.units import with_article

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from archprof.sources.origin import Query
    from archprof.sources.spec import Spec

SHOWN = 5
"""How many functions of a file a message names."""

SIDE = 640
"""Side of the image for a model that does not say what it takes."""

_FACTORY = re.compile(r"(?P<module>.+\.py|[^\W\d]\w*(?:\.\w+)*):(?P<factory>[^\W\d]\w*(?:\.\w+)*)")


class PythonFactory(Origin):
    """``nets.py:make``, ``package.module:make``: a function that makes a model, or the model itself."""

    order = 50
    form = "FILE.py:FACTORY"

    def find(self, query: Query) -> Spec | None:
        """A function or a model by its name; whether there is one, only running its file tells.

        Raises:
            UnknownReferenceError: Where there is no such file, or the function's name is missing.
        """
        match = _FACTORY.fullmatch(query.text)
        if match is None:
            if query.text.endswith(".py") and is_file(Path(query.text)):
                raise other_files.explain(Path(query.text)) or UnknownReferenceError(
                    f"{query.text!r} is a file of Python, not a model",
                    hint=f"name the function that makes the model, as {python_file.example(Path(query.text))}",
                )
            return None
        file = Path(match["module"])
        if file.suffix == ".py" and not is_file(file):
            hint = did_you_mean(file.name, names_in(file.parent, (".py",)))
            raise UnknownReferenceError(f"no file {str(file)!r}", hint=hint)
        return PythonSpec(name=match["factory"], reference=query.text, target=query.text)


class PythonSpec(RecipeSpec):
    """What a user's function returns, its settings being keyword arguments, or a model that the user's file made.

    The model may say what it takes in an attribute ``input_size``: a side, (height, width), (channels, height,
    width), or (length,) for a model of tokens.
    """

    origin = "python"
    trusted = False
    content_key = None  # it may read anything

    def recipe(self, channels: int, size: tuple[int, ...] | None = None) -> Recipe:
        """How to call it, or to copy it."""
        reference, _, path = self.target.rpartition(":")
        module = _module(reference, path)
        target = _find(module, reference, path)
        root = root_of(module.__spec__) if module.__spec__ else None
        factory = _copying(target, self) if _is_model(target) else _callable(target, self.target)
        _check_arguments(factory, path, self)

        def make() -> Any:
            with importable(root.parent) if root else nullcontext():
                return factory(**self.settings)

        return Recipe(make, lambda model: _shape(self.target, model, channels), code=root)


def _module(reference: str, path: str) -> ModuleType:
    try:
        return import_code(reference, BuildError)
    except BuildError as error:  # tim:resnet50 reads as a function of a module
        error.hint = foreign_names.of_framework(reference, path) or error.hint
        prefixes = [name for name, origin in ORIGINS.items() if origin.form.startswith(f"{name}:")]
        if near := nearest(reference, prefixes, 1):
            error.hint = error.hint or f"did you mean {near[0]}:{path}?"
        raise


def _find(module: ModuleType, reference: str, path: str) -> Any:
    target: Any = module
    for name in path.split("."):
        if not hasattr(target, name):
            callables = [key for key, value in vars(target).items() if callable(value)]
            hint = did_you_mean(name, callables) or _own_functions(target)
            raise UnknownReferenceError(f"{reference} has no {name!r}", hint=hint)
        target = getattr(target, name)
    return target


def _is_model(target: Any) -> bool:
    from torch import nn

    return isinstance(target, nn.Module)


def _copying(model: Any, spec: PythonSpec) -> Callable[[], Any]:
    """What makes a copy of a model that is there already: whoever builds it may change it.

    Raises:
        BuildError: Where something is set, which only a function could take.
    """
    if spec.settings:
        raise BuildError(
            f"{spec.target} is a model already, so {', '.join(spec.settings)} cannot be set",
            hint="name a function or a class that makes the model",
        )
    return lambda: copy.deepcopy(model)


def _callable(target: Any, reference: str) -> Callable[..., Any]:
    if not callable(target):
        kind = with_article(type(target).__name__)
        raise BuildError(f"{reference} must be a torch.nn.Module or a function that returns one; it is {kind}")
    return target  # type: ignore[no-any-return]


def _own_functions(module: Any) -> str | None:
    """The first functions and classes that a module defines itself; None where it has none."""
    own = getattr(module, "__name__", None)
    names = [
        key
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == own and not key.startswith("_")
    ]
    return f"it has {', '.join(names[:SHOWN])}{' and more' if len(names) > SHOWN else ''}" if names else None


def _check_arguments(factory: Callable[..., Any], name: str, spec: PythonSpec) -> None:
    """See to it that a function can be called with the settings.

    Raises:
        BuildError: Where an argument is missing, or it takes none of a name.
    """
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # what is written in C may have none
        return
    try:
        signature.bind(**spec.settings)
    except TypeError as error:
        accepted = f"{name} takes {takes(factory)}"
        missing = [
            f"--set {parameter.name}=VALUE"
            for parameter in signature.parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            and parameter.name not in spec.settings
        ]
        hint = f"{accepted}; type {' '.join(missing)}" if missing else accepted
        raise BuildError(f"{spec.target}: {error}", hint=hint) from None


def _shape(target: str, model: Any, channels: int) -> tuple[int, ...]:
    size = getattr(model, "input_size", None)
    if size is None:
        return (channels, SIDE, SIDE)
    sides = (size, size) if isinstance(size, int) else size
    if not isinstance(sides, (tuple, list)) or not 1 <= len(sides) <= 4 or not all(map(is_count, sides)):
        raise BuildError(f"{target}: input_size must be 1 to 4 whole numbers, not {size!r}")
    return (channels, *sides) if len(sides) == 2 else tuple(sides)


ORIGINS.register("python", PythonFactory())
