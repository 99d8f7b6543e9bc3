"""A site of made-up distributions, in which programs and kernels find plugins as they find installed ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from loopengt import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

HEAD = "from loopengt import hookimpl\n"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background by a shell: programs that tests start would inherit that, and not mind Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup, likewise
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Site:
    """A folder on the path of the programs that ``run`` starts, and of this process."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder = folder
        self.environ = {"XDG_STATE_HOME": str(state)}

    def install(
        self, distribution: str, plugins: Mapping[str, str], modules: Mapping[str, str], version: str = "1.0"
    ) -> None:
        """Put a distribution in.

        Args:
            distribution: Its name.
            plugins: Entry points of the group loopengt, name to module.
            modules: Source by module name; ``hookimpl`` is imported in each.
            version: Its version.
        """
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        entries = "".join(f"{name} = {module}\n" for name, module in plugins.items())
        (info / "entry_points.txt").write_text(f"[loopengt]\n{entries}")
        for name, source in modules.items():
            (self.folder / f"{name}.py").write_text(HEAD + dedent(source))

    def kernel(
        self,
        project: Path,
        environ: Mapping[str, str] | None = None,
        disabled: Iterable[str] = (),
        enabled: Iterable[str] = (),
    ) -> Kernel:
        """Make a kernel that sees the site, with nothing in its environment but what is given."""
        return Kernel(
            project, environ={**self.environ, **(environ or {})}, disabled=disabled, enabled=enabled
        )

    def run(self, *args: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``loopengt`` as a person would, with the site's distributions installed."""
        return subprocess.run(
            [sys.executable, "-m", "loopengt", *args],
            cwd=cwd,
            env=self.program_environ() | environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def program_environ(self) -> dict[str, str]:
        """The environment of such a program, without settings of the person who runs the tests."""
        own = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
        path = os.pathsep.join(filter(None, (str(self.folder), own.get("PYTHONPATH", ""))))
        return own | self.environ | {"PYTHONPATH": path}


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that a test has read are no secrets to the next one."""
    monkeypatch.setattr("loopengt.redaction._kept", set())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty site; what this process imports from it is forgotten at the end."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield Site(folder, tmp_path / "state")
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with an empty ``.loopengt``."""
    folder = tmp_path / "project"
    (folder / ".loopengt").mkdir(parents=True)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Turn a skip into a failure under CI, which has every real part that a test may miss elsewhere."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        # A rule of a contract suite that does not concern the component at hand, such as that of pure gates.
        of_a_suite = "this storage" in reason or "loopengt/testing/contracts/" in reason
        if not of_a_suite:
            report.outcome = "failed"
            report.longrepr = f"skipped under CI, where nothing may be missing: {reason}"
    return report
