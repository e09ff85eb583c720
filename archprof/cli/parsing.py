"""What the command line does with words that it cannot take: the same messages as for any other mistake."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from archprof.cli.console import console
from archprof.errors import ArchprofError, UsageError, did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from archprof.budgets.project import Default

ParserError: Any = typer.BadParameter.__mro__[1]
"""What the parser raises, whichever click typer has."""

REFERENCES = ("references", "reference")
"""What commands call the argument that names models."""

VARY = "--vary"
"""The option of several values of several things, each an assignment."""

FACTORS = ("depth", "width", "max_channels")
"""Factors of a scale, which have no option of their own."""

FILES = ("archprof.toml", "pyproject.toml")
"""Files that may hold a project's configuration."""

LIST = ",..."
"""How the values of an option are shown that takes several, with commas between them."""

HELP = "help"
"""``archprof help summary`` is ``archprof summary --help``."""

ULTRALYTICS = frozenset(
    ["detect", "segment", "classify", "pose", "obb", "semantic", "train", "val", "predict", "export", "track"]
)
"""Words that stand before the assignments of Ultralytics' command line."""


@dataclass(frozen=True)
class EnvironmentValue:
    """What the environment sets an option to."""

    variable: str
    value: str

    @property
    def origin(self) -> str:
        """Where it is set, for a message."""
        return f"it is set by the environment variable {self.variable}"


class Command(TyperCommand):
    """One command."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse its words."""
        path = f"{parent.command_path} {info_name}" if parent else f"archprof {info_name}"
        with _as_ours(path, self._options()):
            self._refuse_single_dashes(args)
            if any(parameter.name in REFERENCES for parameter in self.params):
                # `archprof sweep REF` is short for `archprof sweep run REF`.
                self._refuse_assignments(parent.command_path if parent and parent.parent else path, args)
            args = self._join_lists(args)
            if not extra.get("resilient_parsing") and not {"--help", "-h"} & set(args):
                defaults = self._defaults(str(info_name), args)
                extra["default_map"] = {default.parameter: default.value for default in defaults}
                console.origins = [
                    *((self._names(default.parameter), default) for default in defaults),
                    *self._environment(args),
                ]
            return super().make_context(info_name, args, parent, **extra)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands behind the command in its usage: ``REF...`` where it is required, and ``[REF...]`` where not."""
        return [re.sub(r"^\{(.*)\}$", r"\1", piece) for piece in super().collect_usage_pieces(ctx)]

    def invoke(self, ctx: Any) -> Any:
        """Run it, with the families that the project gives its files."""
        console.typed = {
            str(parameter.name): max(parameter.opts, key=len)
            for parameter in self.params
            if parameter.param_type_name == "option" and _is_typed(ctx, str(parameter.name))
        }
        if not _is_in_project() or ctx.info_name in ("config", "init"):
            return super().invoke(ctx)
        from archprof.budgets import project

        with ExitStack() as stack:
            with _as_ours(ctx.command_path):
                stack.enter_context(project.families_assigned(Path.cwd()))
            return super().invoke(ctx)

    def _defaults(self, command: str, args: Sequence[str]) -> list[Default]:
        """What the project's configuration says of the command's options, and nothing before it does.

        Raises:
            BudgetFileError: Where the configuration makes no sense.
        """
        if not _is_in_project():
            return []
        from archprof.budgets import project

        defaults = project.defaults_for({str(parameter.name) for parameter in self.params}, command, Path.cwd())
        given = {word.partition("=")[0] for word in args}
        return [
            default
            for default in defaults
            if given.isdisjoint(names := self._names(default.parameter))
            and not any(f"ARCHPROF_{name.removeprefix('--').replace('-', '_').upper()}" in os.environ for name in names)
        ]

    def _environment(self, args: Sequence[str]) -> list[tuple[set[str], EnvironmentValue]]:
        """The options that the environment sets."""
        given = {word.partition("=")[0] for word in args}
        return [
            (set(parameter.opts), EnvironmentValue(variable, os.environ[variable]))
            for parameter in self.params
            if isinstance(variable := getattr(parameter, "envvar", None), str)
            and variable in os.environ
            and given.isdisjoint(parameter.opts)
        ]

    def _names(self, parameter: str) -> set[str]:
        """What an option is called on the command line."""
        return {name for entry in self.params if entry.name == parameter for name in entry.opts}

    def _refuse_single_dashes(self, words: Sequence[str]) -> None:
        """Say what to type instead of ``-imgsz 320``, which the parser takes for ``-i -m -g -s -z``.

        Raises:
            UsageError: Where there is such a word.
        """
        options = self._options()
        long = [name.removeprefix("--") for name in options if name.startswith("--")]
        for before, word in zip(("", *words), words, strict=False):
            name, equals, value = word[1:].partition("=")
            if not re.fullmatch(r"-[A-Za-z][\w-]+", f"-{name}") or not word.startswith("-") or options.get(before):
                continue
            if name in long or (word[:2] not in options and nearest(name, long, 1)):
                option = f"--{name if name in long else nearest(name, long, 1)[0]}"
                raise UsageError(f"no such option: -{name}", hint=f"type {option}{equals}{value}, with two dashes")

    def _join_lists(self, words: Sequence[str]) -> list[str]:
        """``--vary width=0.5 --vary depth=1`` -> ``--vary=width=0.5,depth=1``: of two options the second would hold."""
        takes = self._options()
        values: dict[str, list[str]] = {
            name: []
            for parameter in self.params
            if str(getattr(parameter, "metavar", "")).endswith(LIST)
            for name in parameter.opts
        }
        rest, index, end = list[str](), 0, words.index("--") if "--" in words else len(words)
        while index < end:
            name, equals, value = words[index].partition("=")
            with_value = takes.get(name, False) and not equals and index + 1 < end
            if name in values and (equals or with_value):
                values[name].append(words[index + 1] if with_value else value)
            else:
                rest += words[index : index + 1 + with_value]
            index += 1 + with_value
        lists = (f"{name}={','.join(pieces)}" for name, pieces in values.items() if pieces)
        return [*lists, *rest, *words[end:]]  # before an option at the end that has no value

    def _refuse_assignments(self, command: str, words: Sequence[str]) -> None:
        """Say what to type instead of ``imgsz=640``.

        Raises:
            UsageError: Where there is such a word.
        """
        from archprof.sources import assignment

        options = self._options()
        loose = [_is_loose(word, before, options) for before, word in zip(("", *words), words, strict=False)]
        mistaken = [word for word, free in zip(words, loose, strict=True) if free and assignment.split(word)]
        if not mistaken:
            return
        result, dropped, named = list[str](), list[str](), False
        by_name = {name.removeprefix("--"): takes for name, takes in options.items() if name.startswith("--")}
        varies = VARY in options and any(word.partition("=")[0] == VARY for word in words)
        for word, free in zip(words, loose, strict=True):
            is_factor = VARY in options and word.partition("=")[0] in FACTORS
            if (varies or is_factor) and word in mistaken and not assignment.names_model(word):
                result += [VARY, word]
                continue
            translation = assignment.translate([word] if free else [], by_name)
            result += translation.words if free else [word]
            dropped += translation.dropped
            named = named or (free and (word not in mistaken or assignment.names_model(word)))
        raise _refusal(mistaken, [*command.split(), *([] if named else [assignment.MODEL]), *result], dropped)

    def _options(self) -> Mapping[str, bool]:
        """Each option's names, and whether it takes a value."""
        return {
            name: not getattr(parameter, "is_flag", False)
            for parameter in self.params
            if parameter.param_type_name == "option"
            for name in parameter.opts
        }


def _is_typed(ctx: Any, parameter: str) -> bool:
    """Whether the value of an option stands on the command line: not in the environment, nor in a configuration."""
    source = ctx.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def _is_in_project() -> bool:
    """Whether a file is here or above that may hold a project's configuration."""
    here = Path.cwd()
    # A folder above may be one that may not be read: pathlib raises there.
    return any(os.path.isfile(folder / name) for folder in (here, *here.parents) for name in FILES)  # noqa: PTH113


class Group(TyperGroup):
    """Commands under one name."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parse the words before the command."""
        with _as_ours(f"archprof {info_name}" if parent else "archprof"):
            return super().make_context(info_name, args, parent, **extra)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what each command is for, whole: the parser's own way cuts what is longer than a line."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.summary(ctx, name)) for name in self.list_commands(ctx)])

    def summary(self, ctx: Any, name: str) -> str:
        """What a command is for: the first sentence of its help."""
        command: Any = self.get_command(ctx, name)
        return " ".join((command.help or "").split("\n\n")[0].split())

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of a name; "help" is one, and a model's name is answered with the command that takes it."""
        with _as_ours(ctx.command_path):
            if args[:1] == [HELP] and self.get_command(ctx, HELP) is None:
                if not args[1:]:
                    typer.echo(ctx.get_help())
                    raise typer.Exit
                args = [*args[1:], "--help"]
            if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
                raise self._unknown(ctx, args)
            return super().resolve_command(ctx, args)

    def _unknown(self, ctx: Any, words: Sequence[str]) -> ArchprofError:
        first, names = words[0], self.list_commands(ctx)
        if ctx.parent is None and (error := _model_without_command(words)):
            return error
        if f"--{first}" in {option for parameter in self.params for option in parameter.opts}:
            hint = f"type: {ctx.command_path} --{first}"
        elif "show" in names:
            hint = did_you_mean(first, names) or f"type: {ctx.command_path} show {shlex.quote(first)}"
        elif len(names) == 1:
            hint = did_you_mean(first, names) or f"type: {ctx.command_path} {names[0]} {shlex.quote(first)}"
        else:
            hint = did_you_mean(first, names) or f"commands: {', '.join(names)}"
        return UsageError(f"unknown command {first!r}", hint=hint)


@contextmanager
def _as_ours(command: str, options: Iterable[str] = ()) -> Iterator[None]:
    """While it holds, what the parser refuses is said as any other mistake is.

    Args:
        command: The command.
        options: The names of its options.
    """
    try:
        yield
    except ParserError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        console.error(str(_refused(error, command, options)))
        raise typer.Exit(error.exit_code) from None
    except ArchprofError as error:
        console.error(str(error))
        raise typer.Exit(error.exit_code) from None


_CHOICES = re.compile(r"'([^']*)' is not one of (.+)$")
"""What the parser says of a value that is none of those that an option takes."""

_POSSIBLE = re.compile(r" \(Possible options: (.+)\)$")
"""What it says of a name that it does not know."""


def _refused(error: Any, command: str, options: Iterable[str]) -> UsageError:
    """The error of what the parser refuses; an option of other tools is answered with the one that it is here."""
    from archprof.sources import assignment

    name = getattr(error, "option_name", "")
    if meant := assignment.option_meant(name, options):
        return UsageError(f"no such option: {name}", hint=meant)
    message, hint = _plain(error.format_message().strip().removesuffix(".")), f"{command} --help lists what it takes"
    if near := _POSSIBLE.search(message):
        message = message[: near.start()]
        wrong = message.rpartition(" ")[2].lstrip("-")
        near_names = nearest(wrong, [option.lstrip("-") for option in near[1].split(", ")], 1)
        hint = f"did you mean --{near_names[0]}?" if near_names else hint
    if choice := _CHOICES.search(message):
        hint = did_you_mean(choice[1], re.findall(r"'([^']*)'", choice[2])) or hint
    return UsageError(message[:1].lower() + message[1:], hint=hint)


_PLAIN = {
    r"is not a valid int(eger)?(?: range)?$": "is not a whole number",
    r"is not a valid float(?: range)?$": "is not a number",
    r"is not in the range x>=(\S+?)$": r"is less than \1",
    r"is not in the range x<=(\S+?)$": r"is more than \1",
    r"is not in the range (\S+?)<=x<=(\S+?)$": r"is not between \1 and \2",
}
"""What the parser says -> the same in plain English."""


def _plain(message: str) -> str:
    for pattern, text in _PLAIN.items():
        message = re.sub(pattern, text, message)
    return message


def _is_loose(word: str, before: str, options: Mapping[str, bool]) -> bool:
    """Whether a word is neither an option nor an option's value."""
    return not word.startswith("-") and not options.get(before, False)


def _refusal(mistaken: Sequence[str], words: Sequence[str], dropped: Sequence[str]) -> UsageError:
    """The error of assignments, with what to type."""
    hint = f"type: {shlex.join(words)}"
    if dropped:
        hint += f"\n{', '.join(dropped)}: no option here; --set KEY=VALUE sets a top-level value of the YAML"
    return UsageError(f"archprof does not take key=value ({', '.join(mistaken)})", hint=hint)


def _model_without_command(words: Sequence[str]) -> ArchprofError | None:
    """The error of a model where a command is expected; None where the first word is no model."""
    from archprof.sources import assignment, files, reference

    first = words[0]
    mistaken = [word for word in words if assignment.split(word)]
    if mistaken and (first in mistaken or first in ULTRALYTICS):
        words = [word for word in words if word not in ULTRALYTICS and not word.startswith("mode=")]
        translation = assignment.translate(words)
        model = [] if any(map(assignment.names_model, mistaken)) else [assignment.MODEL]
        return _refusal(mistaken, ["archprof", "summary", *model, *translation.words], translation.dropped)
    try:
        reference.resolve(first)
    except ArchprofError:
        if not first.endswith(files.SUFFIXES) and ":" not in first:
            return None
    return UsageError(
        f"{first!r} is a model, and a command is missing", hint=f"type: {shlex.join(['archprof', 'summary', *words])}"
    )
