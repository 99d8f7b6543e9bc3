"""Takes commands out of shell blocks, and says what is wrong with those that call loopengt."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

import click

from loopengt import Kernel
from loopengt.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .blocks import Block

__all__ = ["Command", "commands_of", "problems_of", "synopsis_of"]

PROMPT = "$ "
CONTINUED = "> "
_OPERATORS = re.compile(r"[;&|()]+")
_REDIRECTIONS = re.compile(r"[<>]+&?")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


@dataclass
class Command:
    """A command, and what the page shows that it prints."""

    line: int
    """In the block, from 0."""
    text: str
    shown: list[str] = field(default_factory=list)


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a block; in ``console`` they stand behind ``$``, in ``sh`` each line is one.

    Raises:
        ValueError: A block of ``console`` does not begin with a command.
    """
    found: list[Command] = []
    heredoc = ""
    for number, line in enumerate(block.text.splitlines()):
        if heredoc:
            found[-1].text += f"\n{line}"
            heredoc = "" if line.strip() == heredoc else heredoc
        elif block.language == "console" and line.startswith(PROMPT):
            found.append(Command(number, line[len(PROMPT) :]))
        elif block.language == "console" and not found:
            raise ValueError(f"{block.place}: begin with '{PROMPT}command', not {line!r}")
        elif found and found[-1].text.endswith("\\") and not found[-1].shown:
            found[-1].text += f"\n{line.removeprefix(CONTINUED)}"
        elif block.language == "console":
            found[-1].shown.append(line)
            continue
        elif line.strip() and not line.lstrip().startswith("#"):
            found.append(Command(number, line))
        else:
            continue
        begun = re.search(r"<<-?\s*['\"]?(\w+)['\"]?", found[-1].text.splitlines()[-1])
        heredoc = heredoc or (begun[1] if begun and not heredoc and line != begun[1] else "")
    return found


def synopsis_of(text: str) -> list[str]:
    """Return the command lines of a synopsis, whose every line is ``loopengt …``; empty when it is none.

    Brackets are left out, of alternatives the first is taken, and what stands behind several blanks is prose, unless it
    is in brackets or capitals.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not all(line.startswith("loopengt ") for line in lines):
        return []
    found = []
    for line in lines:
        head, *rest = re.split(r"\s{2,}", line.strip())
        head = " ".join([head, *(part for part in rest if part[0] in "[-" or part.split()[0].isupper())])
        head = re.sub(r"(\S+)(\|\S+)+", r"\1", head)  # --kind a|b
        head = re.sub(r"\s\|\s.*", "", head)  # RUN | --session ID
        found.append(re.sub(r"[\[\]]", "", head).replace("…", ""))
    return found


def _parts(text: str) -> Iterator[list[str]]:
    """Yield the words of each program that a command line starts."""
    body = text.split("\n", 1)[0] if "<<" in text else text.replace("\\\n", " ")
    lexer = shlex.shlex(body, posix=True, punctuation_chars=";&|()<>")
    lexer.commenters = "#"
    lexer.wordchars += "~-./*?=,:@%^+{}[]!$…"
    words: list[str] = []
    skip_next = False
    tokens = list(lexer)
    for word, after in zip(tokens, [*tokens[1:], ""], strict=True):
        if skip_next:
            skip_next = False
        elif word.isdigit() and _REDIRECTIONS.fullmatch(after):
            continue  # 2>&1
        elif _REDIRECTIONS.fullmatch(word):
            skip_next = True
        elif _OPERATORS.fullmatch(word):
            yield words
            words = []
        elif words or not _ASSIGNMENT.match(word):
            words.append(word)
    yield words


def problems_of(text: str) -> list[str]:
    """Say what is wrong with a command line: commands, options, choices or a number of arguments that do not exist."""
    try:
        parts = list(_parts(text))
    except ValueError as exc:
        return [f"{text!r} is no shell command: {exc}"]
    found = []
    for words in parts:
        if words and (words[0] == "loopengt" or words[0].endswith("/loopengt")):
            problem = _problem(words[1:])
            found += [f"{' '.join(words)!r}: {problem}"] if problem else []
    return found


@cache
def _kernel() -> Kernel:
    """The commands of what is installed, in a folder that is no project."""
    return Kernel(Path(gettempdir()))


def _problem(words: list[str]) -> str:
    """Parse as the program does; that a value is of no use here, such as a file that is not there, is no problem."""
    command: click.Command = cli
    context: click.Context | None = None
    name = "loopengt"
    try:
        while True:
            extra = {"obj": _kernel()} if context is None else {}
            context = command.make_context(name, list(words), parent=context, **extra)
            command = context.command
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            if not isinstance(command, click.Group) or not rest:
                return ""
            found_name, below, words = command.resolve_command(context, rest)
            if below is None:
                return f"there is no command {rest[0]!r}"
            name, command = found_name or rest[0], below
    except click.exceptions.Exit:  # --help, --version
        return ""
    except click.MissingParameter as exc:
        return exc.format_message()
    except click.BadParameter as exc:
        wrong_choice = exc.param is not None and isinstance(exc.param.type, click.Choice)
        return exc.format_message() if wrong_choice else ""
    except click.ClickException as exc:
        return exc.format_message()
