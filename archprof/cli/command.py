"""What every command has in common: five options, and one place where errors become exit codes."""

import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import wraps
from typing import Any

import typer

from archprof import cache
from archprof.cli import options as o
from archprof.cli import selection
from archprof.cli.console import console
from archprof.errors import ArchprofError
from archprof.registry import deferred

INTERRUPTED = 130
FAILED = 2


def begin(verbose: bool, quiet: bool, color: o.ColorChoice | None, debug: bool, no_cache: bool) -> None:
    """Take in the options that stand before the command: a command line begins."""
    console.verbose, console.quiet, console.debug = verbose, quiet, debug
    console.color = color or o.ColorChoice.auto
    console.no_cache = no_cache


@dataclass(frozen=True, kw_only=True)
class Common:
    """The same options after the command; what stood before it holds unless they say otherwise."""

    verbose: o.Verbose = False
    quiet: o.Quiet = False
    color: o.Color = None
    debug: o.Debug = False
    no_cache: o.NoCache = False

    def take_in(self) -> None:
        """Let them hold."""
        begin(
            console.verbose or self.verbose,
            console.quiet or self.quiet,
            self.color or console.color,
            console.debug or self.debug,
            console.no_cache or self.no_cache,
        )


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A function -> a command: with the common options, and its errors turned into messages and exit codes.

    A parameter whose type is a dataclass stands for one option for each of its fields.
    """
    own = _parameters(function)
    groups = {
        name: kind
        for name, parameter in own.items()
        if is_dataclass(kind := parameter.annotation) and isinstance(kind, type)
    }
    common = _parameters(Common)

    @wraps(function)
    def run(**arguments: Any) -> None:
        Common(**{name: arguments.pop(name) for name in common}).take_in()
        option_groups = {
            name: group(**{option: arguments.pop(option) for option in _parameters(group)})
            for name, group in groups.items()
        }
        with _caching(), deferred(_loading(arguments, option_groups.values())):
            _guarded(lambda: function(**arguments, **option_groups))

    parameters: list[inspect.Parameter] = []
    for name, parameter in own.items():
        parameters += _parameters(groups[name]).values() if name in groups else [parameter]
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*parameters, *common.values())
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _loading(arguments: Mapping[str, Any], groups: Iterable[Any]) -> Callable[[], None]:
    """What loads the plugins of a command line, for an option that names something of theirs."""
    options = dict(arguments)
    for group in groups:
        options |= {name: getattr(group, name) for name in _parameters(type(group))}

    def load() -> None:
        if plugins := options.get("plugins"):
            config = selection.execution_config(plugins, no_plugins=options.get("no_plugins", False))
            selection.load_plugins(config.plugins)

    return load


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters


@contextmanager
def _caching() -> Iterator[None]:
    """While it holds, results are kept, unless they are not to be: whoever calls a command from Python keeps none."""
    before, cache.enabled = cache.enabled, not console.no_cache
    try:
        yield
    finally:
        cache.enabled = before


@contextmanager
def _dependencies_quiet() -> Iterator[None]:
    """While it holds, warnings and what is logged below an error are not shown; Python's -W or --debug shows them.

    torch.compile alone logs a hundred lines about a model that it has to break into several graphs.
    """
    import logging  # which --help does without

    disabled = logging.root.manager.disable
    with warnings.catch_warnings():
        if not sys.warnoptions and not console.debug:
            warnings.simplefilter("ignore")
            logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(disabled)


def _broken_import(error: ImportError) -> str:
    """What is said of a package that cannot be imported: which one, why, and what to type."""
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    packages = [name.partition(".")[0] for name in frames]
    others = [name for name in packages if name not in {"archprof", *sys.stdlib_module_names}]
    name = others[-1] if others else (error.name or "").partition(".")[0]
    if name in ("archprof", "model_zoo"):
        return f"internal error: {type(error).__name__}: {error} (a fault of archprof's: --debug shows where)"
    from archprof.doctor import repair

    first, *_ = str(error).splitlines() or [""]
    command = repair(str(error))
    types = f"type: {command}\n" if command else ""
    package = f"the package {name}" if name else "a package"
    return f"{package} cannot be imported: {first}\n{types}archprof doctor checks the whole installation"


def _guarded(work: Callable[[], None]) -> None:
    """Do the work; whatever goes wrong is one message and an exit code, and never a user's traceback."""
    try:
        with _dependencies_quiet(), console.stdout_for_data():
            work()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except ArchprofError as error:
        console.error(str(error))
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        console.error("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read has read enough. What is still buffered goes nowhere, or the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except ImportError as error:
        if console.debug:
            traceback.print_exc()
        console.error(_broken_import(error))
        raise typer.Exit(FAILED) from None
    except Exception as error:
        if console.debug:
            traceback.print_exc()
        first, *_ = str(error).splitlines() or [""]
        where = "" if console.debug else " (a fault of archprof's: --debug shows where)"
        console.error(f"internal error: {type(error).__name__}: {first}{where}")
        raise typer.Exit(FAILED) from None
