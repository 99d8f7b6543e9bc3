"""A virtual environment of its own, wheels made by hand, and packages that ``plugins new`` has written."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from loopengt.cli import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

PLUGIN = """
from loopengt_hookspecs import hookimpl

@hookimpl
def loopengt_register_gates(register):
    register("acme_gate", dict, summary="Checks acme things")
"""


UNWANTED = ("LOOPENGT_", "PIP_", "UV_", "PYTHONPATH", "VIRTUAL_ENV", "COV")
"""Beginnings of variables that tests must not depend on."""


class Environment:
    """A virtual environment that has everything of the one that runs the tests, and takes changes of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        packages = [path for path in sys.path if path.endswith("-packages")]
        site = next(folder.glob("lib/python*/site-packages"))
        lines = [f"import site; site.addsitedir({path!r})" for path in packages]
        (site / "everything.pth").write_text("\n".join(lines) + "\n")

    def run(
        self, *args: str, cwd: Path, text: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python …`` in it, without the settings of pip and loopengt that this machine has."""
        own = {key: value for key, value in os.environ.items() if not key.startswith(UNWANTED)}
        # Only programs of the system: whether uv is found does not depend on the machine.
        own |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PATH": "/usr/bin:/bin"}
        return subprocess.run(
            [self.python, *args],
            cwd=cwd,
            env=own | environ,
            input=text,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def plugins(self, *args: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``loopengt plugins …`` in it."""
        return self.run("-m", "loopengt", "plugins", *args, cwd=cwd, **environ)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """An environment of the test's own."""
    if find_spec("pip") is None:
        pytest.skip("pip is missing: python -m ensurepip, or uv pip install pip")
    return Environment(tmp_path / "venv")


def write_wheel(
    folder: Path, name: str, version: str = "1.0", source: str = PLUGIN, requires: tuple[str, ...] = ()
) -> Path:
    """Write the wheel of a distribution with one plugin, without a build backend."""
    package = name.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    needed = "".join(f"Requires-Dist: {item}\n" for item in requires)
    files = {
        f"{package}/__init__.py": "",
        f"{package}/plugin.py": dedent(source),
        f"{info}/METADATA": head + needed,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[loopengt]\n{package.removeprefix('loopengt_')} = {package}.plugin\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    file = folder / f"{package}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return file


@pytest.fixture
def wheel() -> Callable[..., Path]:
    """Return the function that writes a wheel."""
    return write_wheel


@pytest.fixture
def call(project: Path) -> Callable[..., Result]:
    """Return a function that calls ``loopengt plugins`` in this process, in a project."""

    def run(*words: str | Path) -> Result:
        return CliRunner().invoke(cli, ["-C", str(project), "plugins", *map(str, words)])

    return run


@pytest.fixture
def made(tmp_path: Path, call: Callable[..., Result]) -> Callable[..., Path]:
    """Return a function that has ``plugins new`` write a package, and returns its folder."""

    def make(kind: str, name: str = "acme-thing") -> Path:
        folder = tmp_path / f"new-{kind}"
        done = call("new", name, "--kind", kind, "-o", folder)
        assert done.exit_code == 0, done.output
        return folder

    return make
