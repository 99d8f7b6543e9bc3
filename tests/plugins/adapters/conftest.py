"""A person's home and a project, into whose tools the adapters install."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from loopengt.cli import main
from loopengt.testing import make_kernel

if TYPE_CHECKING:
    from loopengt_hookspecs.adapters import Adapter


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Desk:
    """A project, and the home of who works in it."""

    project: Path
    home: Path

    def adapter(self, name: str) -> Adapter:
        """Return an adapter as the command line would find it."""
        found: Adapter = make_kernel(self.project).get("adapters", name)
        return found

    def write(self, path: str, data: bytes) -> Path:
        """Write a file: ``~/`` begins one of the home, all else is in the project."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return file

    def path(self, path: str) -> Path:
        """Return the path of a file."""
        return self.home / path[2:] if path.startswith("~/") else self.project / path

    def tree(self) -> dict[str, bytes]:
        """Return every file of project and home but our own lock, and every folder."""
        found = {}
        for base in (self.project, self.home):
            for path in sorted(base.rglob("*")):
                name = str(path.relative_to(self.project.parent))
                if "state" not in path.parts and not name.endswith(".local"):
                    found[name] = path.read_bytes() if path.is_file() else b"/"
        return found

    def run(self, *args: str, stdin: str = "", path: str = "") -> Done:
        """Call ``loopengt`` in the project as this person would, within this process.

        Args:
            args: The command line.
            stdin: What it can read.
            path: PATH in place of that of the tests.
        """
        out, err = StringIO(), StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.project)
            patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin.encode("utf-8", "surrogatepass"))))
            if path:
                patch.setenv("PATH", path)
            code = main(args)
        return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A project without tools, and an empty home."""
    project, home = tmp_path / "project", tmp_path / "home"
    (project / ".loopengt").mkdir(parents=True)
    home.mkdir()
    gone: Any = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOOPENGT_PROJECT")
    for name in gone:
        monkeypatch.delenv(name, raising=False)
    # The program that the tools are told to start is there, also where its environment is not activated.
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".local" / "state"))
    return Desk(project, home)
