"""The suite that every IDE adapter passes; its author subclasses it in a test module.

::

    from loopengt.testing import AdapterContract

    class TestMyTool(AdapterContract):
        existing = {"project/.mytool/config.json": b'{"other": 1}'}

        def make(self, folder):
            return MyTool()
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import patch

from loopengt.testing.contracts.base import Contract, guarded, quick, require, rule, snapshot, whole_line
from loopengt_hookspecs.adapters import AdapterStatus, Change

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.adapters import Adapter, Scope

__all__ = ["AdapterContract"]

STATES = ("installed", "stale", "broken", "not installed")
GARBAGE = b"\xff\xfe{ this is : no file = of any [ format\x00\n"
VERSION_SECONDS = 5.0
"""The contract says 3; a busy machine is given more."""


class AdapterContract(Contract):
    """Every rule of ``loopengt_hookspecs.adapters.Adapter`` as a test; override ``make(self, folder) -> Adapter``.

    The tests run with a home of their own, ``folder / "home"``; ``make`` is called with it in the environment.
    """

    scopes: ClassVar[Sequence[Scope]] = ("project", "user")
    existing: ClassVar[Mapping[str, bytes]] = {}
    """Files that a person has already, by their path; it begins with ``project/`` or ``home/``."""

    @rule
    def test_install_and_uninstall_leave_no_trace(self, adapter: Adapter, folder: Path) -> None:
        """After ``install`` and ``uninstall`` every file of project and home is as it was, byte by byte."""
        for scope, project in self._desks(folder):
            before = self._files(folder)
            self._install(adapter, project, scope)
            with guarded(f"uninstall, scope {scope}"):
                adapter.uninstall(project, scope=scope)
            after = self._files(folder)
            odd = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            require(
                not odd, f"uninstalling (scope {scope}) left {odd[:5]} changed", "Take out what was put in."
            )

    @rule
    def test_what_is_a_persons_stays(self, adapter: Adapter, folder: Path) -> None:
        """Installing removes no file that was there."""
        for scope, project in self._desks(folder):
            before = self._files(folder)
            self._install(adapter, project, scope)
            gone = sorted(before.keys() - self._files(folder).keys())
            require(not gone, f"installing (scope {scope}) removed {gone[:5]}", "Leave what is not yours.")
            adapter.uninstall(project, scope=scope)

    @rule
    def test_twice_is_once(self, adapter: Adapter, folder: Path) -> None:
        """A second ``install`` changes no file and says so, and so does a second ``uninstall``."""
        for scope, project in self._desks(folder):
            for what, call in (("install", adapter.install), ("uninstall", adapter.uninstall)):
                with guarded(f"{what}, scope {scope}"):
                    call(project, scope=scope)
                    before = self._files(folder)
                    changes = call(project, scope=scope)
                fact = f"a second {what} (scope {scope})"
                require(
                    self._files(folder) == before, f"{fact} changed files", "Look at what is there first."
                )
                made = [change.sentence for change in changes if change.is_made]
                require(
                    not made, f"{fact} says it made changes: {made[:3]}", "Give before and after as they are."
                )

    @rule
    def test_a_dry_run_only_says(self, adapter: Adapter, folder: Path) -> None:
        """A dry run changes nothing, and says the changes that are then made."""
        for scope, project in self._desks(folder):
            for what, call in (("install", adapter.install), ("uninstall", adapter.uninstall)):
                before = self._files(folder)
                with guarded(f"{what}, scope {scope}, as a dry run"):
                    said = call(project, scope=scope, dry_run=True)
                changed = self._files(folder) != before
                require(
                    not changed, f"a dry run of {what} (scope {scope}) changed files", "Write nothing in it."
                )
                with guarded(f"{what}, scope {scope}"):
                    made = call(project, scope=scope)
                dry, real = ([one.file for one in each if one.is_made] for each in (said, made))
                fact = f"a dry run of {what} (scope {scope}) named {dry}, and {real} were changed"
                require(dry == real, fact, "Make the list of changes first, then write.")

    @rule
    def test_changes_are_said_in_sentences(self, adapter: Adapter, folder: Path) -> None:
        """``install`` and ``uninstall`` return ``Change`` objects, each with a sentence; at least one."""
        for scope, project in self._desks(folder):
            for what, call in (("install", adapter.install), ("uninstall", adapter.uninstall)):
                with guarded(f"{what}, scope {scope}"):
                    changes = call(project, scope=scope)
                require(bool(changes), f"{what} (scope {scope}) said nothing", "Say why nothing was done.")
                for change in changes:
                    require(
                        isinstance(change, Change), f"{what} returned {change!r}", "Return Change objects."
                    )
                    said = bool(change.sentence.strip())
                    require(
                        said, f"{what} returned a Change without a sentence", "Say what it is, for people."
                    )

    @rule
    def test_status_tells_where_it_stands(self, adapter: Adapter, folder: Path) -> None:
        """It is installed, and names its files, between ``install`` and ``uninstall``, and not before or after."""
        for scope, project in self._desks(folder):
            fact = f"(scope {scope})"
            self._stands(adapter, project, scope, "not installed", f"before install {fact}")
            if self._install(adapter, project, scope):
                found = self._stands(adapter, project, scope, "installed", f"after install {fact}")
                there = bool(found.files) and all(one.exists() for one in found.files)
                require(
                    there,
                    f"after install {fact} its files are {found.files}",
                    "Name the files that hold yours.",
                )
            with guarded(f"uninstall {fact}"):
                adapter.uninstall(project, scope=scope)
            self._stands(adapter, project, scope, "not installed", f"after uninstall {fact}")

    @rule
    def test_status_survives_any_file(self, adapter: Adapter, folder: Path) -> None:
        """Whatever a file holds ``status`` raises nothing, and where one is gone it does not say installed."""
        for scope, project in self._desks(folder):
            if not self._install(adapter, project, scope):
                continue
            for file in self._status(adapter, project, scope).files:
                kept = file.read_bytes()
                for damage in (GARBAGE, b"", None):
                    file.unlink()
                    if damage is not None:
                        file.write_bytes(damage)
                    state = self._status(adapter, project, scope).state
                    what = "gone" if damage is None else f"{damage[:12]!r}"
                    fact = f"{file.name} is {what}, and the state (scope {scope}) is {state}"
                    seen = damage is not None or state != "installed"
                    require(seen, fact, "Look at every part of what was put in.")
                    file.write_bytes(kept)
            adapter.uninstall(project, scope=scope)

    @rule
    def test_the_version_is_said_quickly(self, adapter: Adapter, folder: Path) -> None:
        """``tool_version`` returns a line or None within seconds, and raises nothing."""
        with self._at_home(folder), quick("tool_version()", VERSION_SECONDS), guarded("tool_version()"):
            version = adapter.tool_version()
        if version is not None:
            whole_line(version, "tool_version()")

    # Inside

    def _desks(self, folder: Path) -> Iterator[tuple[Scope, Path]]:
        for scope in self.scopes:
            project = folder / "project"
            for name, data in self.existing.items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            project.mkdir(exist_ok=True)
            with self._at_home(folder):
                yield scope, project

    @contextmanager
    def _at_home(self, folder: Path) -> Iterator[None]:
        home = folder / "home"
        home.mkdir(exist_ok=True)
        environ = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        with patch.dict(os.environ, environ | {"HOME": str(home), "USERPROFILE": str(home)}, clear=True):
            yield

    def _files(self, folder: Path) -> dict[str, bytes]:
        """Return all files but those that loopengt keeps for itself, such as locks."""
        ours = (".loopengt/", "/loopengt/")
        return {
            name: data
            for name, data in snapshot(folder).items()
            if not (name.endswith(".lock") or any(part in name and "state" in name for part in ours))
        }

    def _install(self, adapter: Adapter, project: Path, scope: Scope) -> bool:
        """Install, and return whether that changed anything: a tool may know only one of the scopes."""
        with guarded(f"install, scope {scope}"):
            changes = adapter.install(project, scope=scope)
        return any(change.is_made for change in changes)

    def _status(self, adapter: Adapter, project: Path, scope: Scope) -> AdapterStatus:
        with guarded(f"status, scope {scope}", remedy="Return the state 'broken' and say in details why."):
            found = adapter.status(project, scope=scope)
        sound: Any = isinstance(found, AdapterStatus) and found.state in STATES
        require(sound, f"status returned {found!r}", f"Return an AdapterStatus: {', '.join(STATES)}.")
        return found

    def _stands(self, adapter: Adapter, project: Path, scope: Scope, state: str, when: str) -> AdapterStatus:
        found = self._status(adapter, project, scope)
        fact = f"{when} the state is {found.state}: {' '.join(found.details)}"
        require(found.state == state, fact, f"Say {state!r} then.")
        return found
