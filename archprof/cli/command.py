"""What every command has in common: five options, and one place where errors become exit codes."""

import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from archprof import cache
from archprof.cli import options as o
from archprof.cli.console import console
from archprof.errors import ArchprofError

INTERRUPTED = 130
FAILED = 2


def begin(verbose: bool, quiet: bool, color: o.ColorChoice | None, debug: bool, no_cache: bool) -> None:
    """Take in the options that stand before the command: a command line begins."""
    console.verbose, console.quiet, console.debug = verbose, quiet, debug
    console.color = color or o.ColorChoice.auto
    cache.enabled = not no_cache


def common(
    verbose: o.Verbose = False,
    quiet: o.Quiet = False,
    color: o.Color = None,
    debug: o.Debug = False,
    no_cache: o.NoCache = False,
) -> None:
    """Take in the same options after the command; what stood before it holds unless they say otherwise."""
    begin(
        console.verbose or verbose,
        console.quiet or quiet,
        color or console.color,
        console.debug or debug,
        no_cache or not cache.enabled,
    )


def command(function: Callable[..., None]) -> Callable[..., None]:
    """A function -> a command: with the common options, and its errors turned into messages and exit codes."""
    own, shared = (inspect.signature(one, eval_str=True) for one in (function, common))

    @wraps(function)
    def run(**arguments: Any) -> None:
        common(**{name: arguments.pop(name) for name in shared.parameters})
        _guarded(lambda: function(**arguments))

    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in (*own.parameters.values(), *shared.parameters.values())
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _guarded(work: Callable[[], None]) -> None:
    """Do the work; whatever goes wrong is one message and an exit code, and never a user's traceback."""
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions and not console.debug:
                warnings.simplefilter("ignore")
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
    except Exception as error:
        if console.debug:
            traceback.print_exc()
        first, *_ = str(error).splitlines() or [""]
        where = "" if console.debug else " (a fault of archprof's: --debug shows where)"
        console.error(f"internal error: {type(error).__name__}: {first}{where}")
        raise typer.Exit(FAILED) from None
