"""Start-up: what the program imports before it knows what to do; modules are counted, time is not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

HEAVY = {"mcp", "pydantic", "structlog", "rich", "asyncio", "sqlite3", "yaml", "msgspec", "minijinja"}

SCRIPT = """
import sys
from loopengt.cli import main
code = main({arguments})
print("MODULES", *sorted(sys.modules))
sys.exit(code)
"""


def modules_after(arguments: list[str], site: Site, cwd: Path) -> set[str]:
    """Run the program in a process of its own and return what it had imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(arguments=arguments)],
        cwd=cwd,
        env=site.program_environ(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_imports_nothing_heavy(site: Site, project: Path) -> None:
    """After --help, with all installed plugins loaded, none of the heavy modules is there."""
    modules = modules_after(["--help"], site, project)
    assert "loopengt.registry" in modules
    assert not HEAVY & modules


def test_version_imports_click_and_nothing_else(site: Site, project: Path) -> None:
    """After --version there is click, and of loopengt only the root command."""
    clean = subprocess.run(
        [sys.executable, "-c", "import click, sys; print(*sys.modules)"],
        env=site.program_environ(),
        capture_output=True,
        text=True,
        check=True,
    )
    more = modules_after(["--version"], site, project) - set(clean.stdout.split())
    ours = {module for module in more if module.partition(".")[0] == "loopengt"}
    assert ours == {
        "loopengt",
        "loopengt.cli",
        "loopengt.cli.output",
        "loopengt.cli.program",
        "loopengt.cli.root",
    }
    assert {module.partition(".")[0] for module in more - ours} <= {"click", *sys.stdlib_module_names}
    assert not HEAVY & more


def test_help_imports_no_command(site: Site, project: Path) -> None:
    """The module of a command is imported when that command is called, and not for --help."""
    plugin = """
        @hookimpl
        def loopengt_register_commands(register):
            register("lazy", "lazy_command:lazy", summary="Imported on call")
    """
    command = "import click\n\n@click.command()\ndef lazy():\n    click.echo('called')\n"
    site.install("lazy-kit", {"lazy": "lazy_plugin"}, {"lazy_plugin": plugin, "lazy_command": command})
    assert "lazy_command" not in modules_after(["--help"], site, project)
    assert "lazy_command" in modules_after(["lazy"], site, project)
    assert site.run("lazy", cwd=project).stdout == "called\n"
