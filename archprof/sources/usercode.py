"""Python that others wrote: found, imported once, and framed where it raises.

What a user sees of an error in their own file is their own lines, not archprof's.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
import traceback
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archprof.errors import ENDLESS, ArchprofError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from importlib.machinery import ModuleSpec
    from types import ModuleType


_OWN: set[Path] = set()
"""The files and folders of what the user named."""

_ARCHPROF = Path(__file__).parents[1]


def import_code(reference: str, error: type[ArchprofError], *, own: bool = True) -> ModuleType:
    """Import a file (``path/to/file.py``) or a module (``package.module``); a second time gives the first's.

    What lies beside the file, and for a module what lies in the working folder, can be imported by it.

    Args:
        reference: The file or the module.
        error: What to raise.
        own: Whether it is what the user named, whose lines :func:`own_lines` shows wherever it raises later.

    Raises:
        ArchprofError: Of the given class, where there is no such file or module, or where it raises itself.
    """
    path = Path(reference)
    if _is_path(path):
        return _import_file(path, error)
    return _import_module(reference, error, own)


def require(reference: str, error: type[ArchprofError]) -> None:
    """See to it that there is such a file or module, without running it.

    Raises:
        ArchprofError: Of the given class, where there is none.
    """
    path = Path(reference)
    if _is_path(path):
        _check_file(path, error)
        return
    outermost = reference.partition(".")[0]
    with importable(Path.cwd()):
        try:
            missing = find_spec(outermost) is None
        except (ImportError, ValueError):
            missing = True
    if missing:
        raise error(f"no module named {outermost!r}", hint=f"a file is named with its extension: {reference}.py")


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """While it holds, modules in a folder can be imported, after all others of the same name."""
    path = str(folder)
    if path in sys.path:
        yield
        return
    sys.path.append(path)
    try:
        yield
    finally:
        sys.path.remove(path)


@contextmanager
def framed(what: str, root: Path | None, error: type[ArchprofError]) -> Iterator[None]:
    """Turn whatever is raised meanwhile into one error with the traceback's lines in the given file or folder.

    An :class:`ArchprofError` (a block registered twice) stays what it is and gets the line.
    """
    try:
        yield
    except (Exception, SystemExit) as raised:
        summary = _within(raised, [root] if root else [])
        frame: Any = summary.stack[-1] if summary.stack else None
        if isinstance(raised, SyntaxError) and root and _inside(raised.filename or "", root):
            frame = raised
        kind, message = error, f"{what} raised {type(raised).__name__}: {_first_line(raised)}"
        if isinstance(raised, RecursionError):
            message = f"{what}: {ENDLESS}"
        if isinstance(raised, ArchprofError):
            kind, message = type(raised), raised.message
        raise kind(
            message,
            path=frame.filename if frame else None,
            line=frame.lineno if frame else None,
            hint=_frame(summary) if frame else None,
        ) from raised


def takes(function: Callable[..., Any]) -> str | None:
    """The parameters that a function or a class takes, in brackets, without types; None for what does not say."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # what is written in C may have none
        return None
    parameters = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
    return str(inspect.Signature(parameters))


def own_lines(error: BaseException) -> str | None:
    """The traceback of an error as far as it runs through what the user named, framed; None where it does not."""
    summary = _within(error, _OWN)
    return _frame(summary) if summary.stack else None


def _within(error: BaseException, roots: Collection[Path]) -> traceback.TracebackException:
    """An error's traceback, of which only the lines in the given files and folders are left."""
    summary = traceback.TracebackException.from_exception(error)
    summary.stack = traceback.StackSummary.from_list(
        frame for frame in summary.stack if any(_inside(frame.filename, root) for root in roots)
    )
    return summary


def _frame(summary: traceback.TracebackException) -> str:
    lines = [line for part in summary.format(chain=False) for line in part.rstrip("\n").split("\n")]
    return "\n".join(f"  | {line}" for line in lines)


def root_of(spec: ModuleSpec) -> Path | None:
    """What holds a module's code: a package's folder, or a single file."""
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.has_location and spec.origin else None


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "(without a message)")


def _inside(file: str, root: Path) -> bool:
    path = Path(file)
    if path.is_relative_to(_ARCHPROF):
        return False
    return path.is_relative_to(root) and "site-packages" not in path.relative_to(root).parts


def _is_path(path: Path) -> bool:
    return path.suffix == ".py" or path.exists() or path.parent != Path()


def _check_file(path: Path, error: type[ArchprofError]) -> None:
    if path.is_dir():
        raise error("a directory, not a Python file", path=path)
    if not path.exists():
        files = [file.name for file in path.parent.glob("*.py")]
        raise error("no such file", path=path, hint=did_you_mean(path.name, files))
    if path.suffix != ".py":
        raise error("not a Python file: its name does not end in .py", path=path)


def _import_file(path: Path, error: type[ArchprofError]) -> ModuleType:
    _check_file(path, error)
    path = path.resolve()
    _OWN.add(path.parent)
    name = f"_archprof_{path.stem}_{hashlib.sha256(bytes(path)).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path)
    assert spec is not None  # a name that ends in .py always has a loader
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        with importable(path.parent), framed(path.name, path.parent, error):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_module(name: str, error: type[ArchprofError], own: bool) -> ModuleType:
    outermost = name.partition(".")[0]
    with importable(Path.cwd()):
        try:
            spec = find_spec(outermost)
        except ValueError:
            spec = None
        if spec is None:
            raise error(f"no module named {outermost!r}")
        root = root_of(spec)
        if own and root and "site-packages" not in root.parts:
            _OWN.add(root)
        try:
            with framed(name, root, error):
                return importlib.import_module(name)
        except error as framed_error:
            missing = framed_error.__cause__
            if isinstance(missing, ModuleNotFoundError) and f"{name}.".startswith(f"{missing.name}."):
                raise error(f"no module named {missing.name!r}") from None
            raise
