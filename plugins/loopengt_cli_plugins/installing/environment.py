"""Which installer made the environment that loopengt runs in, and whether it may be changed from within."""

from __future__ import annotations

import shlex
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.naming import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Installer", "find_installer"]

UV_RECEIPT = "uv-receipt.toml"
PIPX_METADATA = "pipx_metadata.json"


@dataclass(frozen=True, slots=True)
class Installer:
    """A program that changes the environment."""

    name: str
    """``pip`` or ``uv``."""
    command: tuple[str, ...]
    """What its subcommands are appended to."""
    prefix: Path

    def install(self, names: Sequence[str], more: Sequence[str]) -> list[str]:
        """Return the command that installs."""
        return [*self.command, "install", *self._python(), *more, *names]

    def uninstall(self, names: Sequence[str]) -> list[str]:
        """Return the command that uninstalls without a question."""
        sure = [] if self.name == "uv" else ["--yes"]
        return [*self.command, "uninstall", *self._python(), *sure, *names]

    def _python(self) -> list[str]:
        # Else uv would take whichever environment is active, or lies in the working directory.
        return ["--python", sys.executable] if self.name == "uv" else []


def find_installer(names: Sequence[str], *, removes: bool = False, prefix: Path | None = None) -> Installer:
    """Return the installer that made the environment, else another one that can change it.

    Args:
        names: What is to be installed, for messages.
        removes: Whether it is to be removed.
        prefix: The environment; None: that of this process.

    Raises:
        UsageError: The environment belongs to a tool that keeps a record of what is in it; the remedy is what to
            type. Or there is neither pip nor uv, or the system's package manager owns the environment.
    """
    prefix = Path(sys.prefix) if prefix is None else prefix
    _check_tools(prefix, names, removes=removes)
    _check_managed(prefix)
    uv = shutil.which("uv")
    by_uv = Installer("uv", (uv, "pip"), prefix) if uv else None
    by_pip = Installer("pip", (sys.executable, "-m", "pip"), prefix) if find_spec("pip") else None
    chosen = (by_uv or by_pip) if _made_by_uv(prefix) else (by_pip or by_uv)
    if chosen is None:
        verb = "uninstall" if removes else "install"
        raise UsageError(
            f"there is neither pip in {prefix} nor uv on the PATH",
            remedy=f"install uv, then type: uv pip {verb} --python {shlex.quote(sys.executable)} {shlex.join(names)}",
        )
    return chosen


def _made_by_uv(prefix: Path) -> bool:
    """Whether uv made the virtual environment, or at least installed loopengt into it."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if any(line.partition("=")[0].strip() == "uv" for line in lines):
        return True
    import importlib_metadata

    try:
        installer = importlib_metadata.distribution("loopengt").read_text("INSTALLER")
    except importlib_metadata.PackageNotFoundError:
        return False
    return (installer or "").strip() == "uv"


def _check_tools(prefix: Path, names: Sequence[str], *, removes: bool) -> None:
    if (prefix / PIPX_METADATA).is_file():
        verb = "uninject" if removes else "inject"
        raise UsageError(
            "loopengt was installed by pipx, which keeps a record of what is in its environment",
            remedy=f"type: pipx {verb} {prefix.name} {shlex.join(names)}",
        )
    if (prefix / UV_RECEIPT).is_file():
        words = _tool_words(prefix, names, removes=removes)
        raise UsageError(
            "loopengt was installed by uv tool, which would forget a change that it did not make itself",
            remedy=f"type: {shlex.join(['uv', 'tool', 'install', *words])}",
        )


def _tool_words(prefix: Path, names: Sequence[str], *, removes: bool) -> list[str]:
    """What ``uv tool install`` has to be told: everything that is to be there, since it replaces the whole."""
    import tomllib

    try:
        receipt = tomllib.loads((prefix / UV_RECEIPT).read_text(encoding="utf-8"))
        there = [str(item["name"]) for item in receipt["tool"]["requirements"]]
    except (OSError, ValueError, KeyError, TypeError):
        there = ["loopengt"]
    tool, *others = there or ["loopengt"]
    gone = {normalise(name) for name in names} if removes else set()
    kept = [name for name in others if normalise(name) not in gone]
    wanted = dict.fromkeys(kept if removes else [*kept, *names])
    return [tool, *(word for name in wanted for word in ("--with", name))]


def _check_managed(prefix: Path) -> None:
    is_virtual = prefix != Path(sys.base_prefix)
    if not is_virtual and (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file():
        raise UsageError(
            f"the Python in {prefix} belongs to the system's package manager",
            remedy="install loopengt with pipx or uv tool, or into a virtual environment",
        )
