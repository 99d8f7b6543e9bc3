"""The suite that every command passes; a command's author subclasses it in a test module.

::

    from loopengt.testing import CommandContract

    class TestGreet(CommandContract):
        runs = [(["--name", "Ann"], 0), (["--name"], 2)]

        def make(self, folder):
            return greet
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import Contract, guarded, quick, require, rule, skip, still

if TYPE_CHECKING:
    from pathlib import Path

    import click
    from click.testing import Result

__all__ = ["CommandContract"]

HEAVY = ("anthropic", "mcp", "numpy", "openai", "opentelemetry", "pandas", "pydantic_ai", "torch", "uvicorn")
"""Packages that a command does not import before it needs them; loopengt's own are found by ``help``'s time."""
HELP_SECONDS = 10.0


class CommandContract(Contract):
    """Every rule of ``loopengt_hookspecs.cli`` as a test; override ``make(self, folder: Path) -> click.Command``."""

    name: ClassVar[str] = "under-test"
    """What a person types."""
    runs: ClassVar[Sequence[tuple[Sequence[str], int]]] = ()
    """Command lines that are run in an empty project, with their exit codes."""
    takes_anything: ClassVar[Sequence[str]] = ()
    """Subcommands, as they are typed behind ``name``, that programs call and that no wrong option may stop."""
    reference: ClassVar[str] = ""
    """``"module:attribute"`` of the command, whose import is then timed and looked at."""

    @rule
    def test_it_is_a_command(self, command: click.Command, folder: Path) -> None:
        """The target is a ``click.Command``, and so are its subcommands."""
        import click

        for path, one in _tree(command, (self.name,)):
            kind = type(one).__name__
            fact = f"{' '.join(path)} is a Python {kind}"
            require(isinstance(one, click.Command), fact, "Decorate a function with @click.command.")

    @rule
    def test_help_says_what_it_does(self, command: click.Command, folder: Path) -> None:
        """``--help`` ends with exit code 0 and says what each command and each of its options does."""
        import click

        for path, one in _tree(command, (self.name,)):
            typed = " ".join(path)
            result = self._invoke(command, folder, [*path[1:], "--help"])
            require(
                result.exit_code == 0,
                f"{typed} --help ended with {result.exit_code}: {result.output}",
                "Mend it.",
            )
            said = bool((one.help or one.short_help or "").strip())
            require(said, f"{typed} has no help", "Give its function a docstring.")
            for option in one.params:
                told = not isinstance(option, click.Option) or option.help or option.hidden
                require(bool(told), f"{typed} {option.opts[0]} has no help", 'Add help="…" to the option.')

    @rule
    def test_help_does_nothing(self, command: click.Command, folder: Path) -> None:
        """``--help`` touches nothing and is quick."""
        self._invoke(command, folder, ["--help"])
        with still("--help", folder), quick("--help"):
            self._invoke(command, folder, ["--help"])

    @rule
    def test_a_wrong_command_line_is_exit_code_2(self, command: click.Command, folder: Path) -> None:
        """An option that it does not have ends each command with exit code 2 and a message on stderr."""
        for path, _ in _tree(command, (self.name,)):
            typed = " ".join(path)
            if " ".join(path[1:]) in self.takes_anything:
                continue
            result = self._invoke(command, folder, [*path[1:], "--no-option-has-this-name"])
            fact = f"{typed} --no-option-has-this-name ended with {result.exit_code}"
            require(result.exit_code == 2, fact, "Do not take unknown options (ignore_unknown_options).")
            said = "Error" in result.stderr and "Traceback" not in result.stderr
            require(said, f"{typed} said {result.stderr!r}", "Let click say what is wrong.")

    @rule
    def test_samples_end_as_they_should(self, command: click.Command, folder: Path) -> None:
        """Each sample ends with its exit code, and what is wrong is said without a traceback."""
        if not self.runs:
            skip("give the suite runs = [(arguments, exit code)]")
        for number, (args, code) in enumerate(self.runs):
            place = folder / str(number)
            place.mkdir()
            result = self._invoke(command, place, list(args))
            fact = f"{' '.join([self.name, *args])} ended with {result.exit_code}, not {code}: {result.output[-500:]}"
            require(result.exit_code == code, fact, "Mend the command, or the sample.")
            require(
                "Traceback" not in result.output,
                f"{self.name} printed a traceback",
                "Raise click.ClickException.",
            )

    @rule
    def test_its_import_is_light(self, command: click.Command, folder: Path) -> None:
        """Importing the command's module imports no large package: that waits until the command runs."""
        module = self.reference.partition(":")[0] or getattr(command.callback, "__module__", "")
        if not module:
            skip('give the suite reference = "module:attribute"')
        done = _imported(module)
        if "ModuleNotFoundError" in done.stderr and not self.reference:
            skip('give the suite reference = "module:attribute"')
        require(done.returncode == 0, f"importing {module} failed: {done.stderr[-500:]}", "Mend the import.")
        loaded = {name.partition(".")[0] for name in done.stdout.split()}
        heavy = [name for name in HEAVY if name in loaded]
        require(
            not heavy, f"importing {module} imports {', '.join(heavy)}", "Import them where they are used."
        )

    # Inside

    def _invoke(self, command: click.Command, folder: Path, args: Sequence[str]) -> Result:
        from click.testing import CliRunner

        from loopengt.testing.running import make_kernel

        environ = {"NO_COLOR": "1", "LOOPENGT_PROJECT": str(folder)}
        typed = " ".join([self.name, *args])
        with chdir(folder), guarded(typed):
            result = CliRunner(env=environ).invoke(
                command, list(args), obj=make_kernel(folder), prog_name=self.name, catch_exceptions=True
            )
        return _as_the_program_ends(result, typed)


def _as_the_program_ends(result: Result, typed: str) -> Result:
    """Return a result with the exit code that the program gives it: click itself knows no numbers that return."""
    from loopengt_hookspecs.errors import LoopengtError

    failed = result.exception
    if failed is not None and not isinstance(failed, SystemExit | LoopengtError):
        require(
            False,
            f"{typed} raised {type(failed).__name__}: {failed}",
            "Raise click.ClickException or UsageError.",
        )
    if isinstance(failed, LoopengtError):
        from loopengt_hookspecs.errors import UsageError

        result.exit_code = 2 if isinstance(failed, UsageError) else 1
    elif type(result.return_value) is int:
        result.exit_code = result.return_value
    return result


def _tree(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield a command and its subcommands, with what is typed."""
    import click

    yield path, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                yield from _tree(command.get_command(context, name), (*path, name))


def _imported(module: str) -> subprocess.CompletedProcess[str]:
    """Import a module in a fresh interpreter, which prints what it has loaded."""
    code = f"import sys, importlib; importlib.import_module({module!r}); print(*sys.modules)"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
