"""The root command: options that all commands share, and commands imported only when they are called."""

from __future__ import annotations

from contextlib import contextmanager
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from loopengt import __version__
from loopengt.cli.output import OutputLost, lost_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopengt.kernel import Kernel

__all__ = ["cli", "pass_kernel"]

P = ParamSpec("P")
R = TypeVar("R")


class Failure(click.ClickException):
    """An error that was foreseen, or the apology for one that was not."""

    def show(self, file: Any = None) -> None:
        """Print the message to stderr, without secrets, and without what would steer the terminal."""
        from loopengt.display import visible
        from loopengt.redaction import process_redactor

        text = process_redactor().text(visible(self.message, keep="\n\t"))
        click.echo(text, file=file, err=file is None)


class UsageFailure(Failure):
    """An error in what was asked for."""

    exit_code = 2


class Root(click.Group):
    """A group whose commands are those that plugins register."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the command line. ``--help`` already needs the plugins, so errors are translated here too."""
        with _translated_errors(None):
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        with _translated_errors(ctx):
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, without importing one."""
        return list(_kernel_of(ctx).names("commands"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        kernel = _kernel_of(ctx)
        if cmd_name not in kernel.names("commands"):
            return None
        command = kernel.get("commands", cmd_name)
        if not isinstance(command, click.Command):
            plugin = kernel.component("commands", cmd_name).plugin
            raise Failure(f"Error: {cmd_name!r} of the plugin {plugin!r} is not a click.Command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; when there is none, say which is nearest."""
        name, kernel = args[0], _kernel_of(ctx)
        known = kernel.names("commands")
        if name not in known and not ctx.resilient_parsing:
            from loopengt.naming import hint

            _ = kernel.config  # when it is broken, that is the first thing to know
            idle = [record.name for record in kernel.plugins if record.status != "loaded"]
            note = f" (plugins not loaded: {', '.join(idle)})" if idle else ""
            ctx.fail(f"There is no command {name!r}{hint(name, known)}{note}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, and what is wrong with config or plugins."""
        kernel = _kernel_of(ctx)
        commands = list(kernel.names("commands").items())
        problems = kernel.problems()
        problems += [
            f"the plugin {plugin.name!r} failed: see loopengt plugins info {plugin.name}"
            for plugin in kernel.plugins
            if plugin.status == "failed"
        ]
        for title, rows in (("Commands", commands), ("Problems", [("!", problem) for problem in problems])):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def pass_kernel(function: Callable[Concatenate[Kernel, P], R]) -> Callable[P, R]:
    """Decorate a command's function: its first argument becomes the kernel."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        context = click.get_current_context()
        return context.invoke(function, _kernel_of(context), *args, **kwargs)

    return update_wrapper(call, function)


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--project",
    metavar="DIR",
    is_eager=True,
    help="Project folder, in place of the nearest .loopengt/.",
)
@click.option(
    "-p",
    "--plugin",
    "plugins",
    metavar="[no:]NAME",
    multiple=True,
    is_eager=True,
    help="Load a disabled plugin, or do not load one.",
)
@click.option(
    "-o",
    "--option",
    "options",
    metavar="KEY=VALUE",
    multiple=True,
    is_eager=True,
    help="Override a setting, such as storage.name=memory.",
)
@click.option(
    "--log-format",
    type=click.Choice(["human", "json"]),
    envvar="LOOPENGT_LOG_FORMAT",
    help="Form of the log, on stderr.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    envvar="LOOPENGT_LOG_LEVEL",
    help="Least level that is logged.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli(log_format: str | None, log_level: str | None, **_: Any) -> None:
    """Write an agent loop down once, run it unattended, and trust its end."""
    from loopengt.logs import configure

    configure(form=log_format or "human", level=log_level or "warning")


def _kernel_of(ctx: click.Context) -> Kernel:
    root = ctx.find_root()
    if root.obj is None:
        root.obj = _make_kernel(**root.params)
    kernel: Kernel = root.obj
    return kernel


def _make_kernel(
    project: str | None = None, plugins: tuple[str, ...] = (), options: tuple[str, ...] = (), **_: Any
) -> Kernel:
    from pathlib import Path

    from loopengt.kernel import Kernel

    switches = {plugin.removeprefix("no:"): not plugin.startswith("no:") for plugin in plugins}
    overrides = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or "." not in key:
            raise click.UsageError(
                f"-o {option} is not of the form SECTION.KEY=VALUE or PLUGIN.OPTION=VALUE."
            )
        overrides[key.strip()] = value
    return Kernel(
        Path(project) if project is not None else None,
        options=overrides,
        disabled=[name for name, wanted in switches.items() if not wanted],
        enabled=[name for name, wanted in switches.items() if wanted],
    )


@contextmanager
def _translated_errors(ctx: click.Context | None) -> Iterator[None]:
    """Turn exceptions into what click prints, with the exit code that belongs to them."""
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit, OutputLost):
        raise
    except Exception as exc:
        lost = lost_output(exc) if isinstance(exc, OSError) else None
        if lost is not None:
            raise lost from exc
        from loopengt.errors import LoopengtError, SpecError, UsageError

        if isinstance(exc, SpecError):  # each of its lines begins with file:line:column, as editors like it
            raise UsageFailure(str(exc)) from exc
        if isinstance(exc, LoopengtError):
            failure = UsageFailure if isinstance(exc, UsageError) else Failure
            raise failure(f"Error: {exc}") from exc
        raise Failure(_apology(exc, ctx.find_root().obj if ctx else None)) from exc


def _apology(exc: Exception, kernel: Kernel | None) -> str:
    import time
    import traceback

    from loopengt.redaction import process_redactor

    text = process_redactor().text("".join(traceback.format_exception(exc)))
    sorry = f"Sorry, loopengt {__version__} failed where it should not: {type(exc).__name__}: {exc}"
    try:
        if kernel is None or not kernel.folder.is_dir():
            raise FileNotFoundError
        log = kernel.folder / "logs" / f"crash-{time.strftime('%Y%m%d-%H%M%S')}.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(text, encoding="utf-8")
    except OSError:
        return f"{text}{sorry}"
    return f"{sorry}\nThe traceback is in {log}"
