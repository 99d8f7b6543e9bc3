"""The project's own plugin file: it runs after a person's consent to exactly its content, and not before."""

from __future__ import annotations

import json
import py_compile
import shutil
from typing import TYPE_CHECKING

import pytest

from loopengt import ConfigError, Kernel, consent

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
from dataclasses import dataclass
from loopengt import hookimpl
open("MARKER", "w").close()

@dataclass
class Gate:
    pure: bool = True

@hookimpl
def loopengt_register_gates(register):
    register("homemade", Gate, summary="A gate of this project")
"""


@pytest.fixture
def marker(project: Path) -> Path:
    """A project with a plugin file; the path returned exists once the file was executed."""
    marker = project.parent / "executed"
    (project / consent.PROJECT_FILE).write_text(SOURCE.replace("MARKER", str(marker)))
    return marker


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose state folder is the test's own."""
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


def status(project: Path, environ: dict[str, str]) -> tuple[str, str]:
    """Status and reason of the project's plugin."""
    (record,) = (record for record in Kernel(project, environ=environ).plugins if record.name == "project")
    return record.status, record.reason + record.remedy


def test_without_consent_the_file_is_not_executed(
    project: Path, marker: Path, environ: dict[str, str]
) -> None:
    """It is disabled, and the record names the file and the command that allows it."""
    state, why = status(project, environ)
    assert state == "disabled"
    assert str(project / "loopengt_plugins.py") in why
    assert "loopengt plugins allow" in why
    assert not marker.exists()


def test_with_consent_it_is_a_plugin_like_any_other(
    project: Path, marker: Path, environ: dict[str, str]
) -> None:
    """After consent its components are there; consent taken back, they are gone."""
    file = project / consent.PROJECT_FILE
    consent.allow(file, environ)
    kernel = Kernel(project, environ=environ)
    assert kernel.get("gates", "homemade").pure is True
    assert marker.exists()
    assert consent.disallow(file, environ) is True
    assert status(project, environ)[0] == "disabled"
    assert consent.disallow(file, environ) is False


def test_changed_content_needs_new_consent(project: Path, marker: Path, environ: dict[str, str]) -> None:
    """One byte more, and the file is not executed any longer."""
    file = project / consent.PROJECT_FILE
    consent.allow(file, environ)
    file.write_text(file.read_text() + "\n")
    state, why = status(project, environ)
    assert (state, "changed since it was allowed" in why) == ("disabled", True)
    assert not marker.exists()
    consent.allow(file, environ)
    assert status(project, environ)[0] == "loaded"


def test_consent_does_not_travel_with_a_copy(
    project: Path, marker: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """The same content in another folder, beside other files, was not allowed."""
    consent.allow(project / consent.PROJECT_FILE, environ)
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    assert status(copy, environ)[0] == "disabled"
    assert not marker.exists()


def test_a_project_cannot_bring_its_own_consent(project: Path, marker: Path, environ: dict[str, str]) -> None:
    """Consent is kept in the user's state; a copy of it inside the project counts for nothing."""
    file = project / consent.PROJECT_FILE
    consent.allow(file, environ)
    kept = consent.state_file(environ)
    assert not kept.is_relative_to(project)
    for place in (project, project / ".loopengt"):
        shutil.copy(kept, place / "allowed.json")
    kept.unlink()
    assert status(project, environ)[0] == "disabled"
    assert not marker.exists()


def test_a_relative_state_folder_is_ignored(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_STATE_HOME=. would make the working directory, a cloned project, the home of consent."""
    monkeypatch.chdir(project)
    assert consent.state_file({"XDG_STATE_HOME": "."}).is_relative_to(project) is False
    assert consent.state_file({}).parts[-4:] == (".local", "state", "loopengt", "allowed.json")


def test_a_compiled_copy_of_the_file_is_not_trusted(
    project: Path, marker: Path, environ: dict[str, str]
) -> None:
    """What is executed are the bytes that were allowed, not a .pyc that lies beside them."""
    file = project / consent.PROJECT_FILE
    evil = project.parent / "evil.py"
    evil.write_text(f"open({str(project.parent / 'owned')!r}, 'w').close()")
    cached = project / "__pycache__"
    cached.mkdir()
    for name in ("loopengt_plugins.pyc", "loopengt_plugins.cpython-311.pyc"):
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(evil), cfile=str(cached / name), invalidation_mode=mode)
    consent.allow(file, environ)
    assert status(project, environ)[0] == "loaded"
    assert marker.exists()
    assert not (project.parent / "owned").exists()


def test_one_variable_allows_every_file_as_ci_needs(
    project: Path, marker: Path, environ: dict[str, str]
) -> None:
    """LOOPENGT_ALLOW_PROJECT_PLUGINS=1 is consent of its own; any other value is none."""
    assert status(project, environ | {"LOOPENGT_ALLOW_PROJECT_PLUGINS": "0"})[0] == "disabled"
    assert not marker.exists()
    assert status(project, environ | {"LOOPENGT_ALLOW_PROJECT_PLUGINS": "1"})[0] == "loaded"


def test_enabling_is_not_consent(project: Path, marker: Path, environ: dict[str, str]) -> None:
    """-p project switches the plugin on, but does not stand for having read it."""
    kernel = Kernel(project, environ=environ, enabled=["project"])
    assert [record.status for record in kernel.plugins if record.name == "project"] == ["disabled"]
    assert not marker.exists()


def test_an_allowed_plugin_can_be_disabled(project: Path, marker: Path, environ: dict[str, str]) -> None:
    """Consent does not outweigh a switch."""
    consent.allow(project / consent.PROJECT_FILE, environ)
    kernel = Kernel(project, environ=environ, disabled=["project"])
    assert [record.status for record in kernel.plugins if record.name == "project"] == ["disabled"]
    assert not marker.exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"a": 1', "\xff"])
def test_a_damaged_consent_file_allows_nothing_and_says_so(
    project: Path, marker: Path, environ: dict[str, str], content: str
) -> None:
    """What cannot be read is no consent, does not stop the kernel, and is never overwritten."""
    state = consent.state_file(environ)
    state.parent.mkdir(parents=True)
    state.write_text(content, encoding="latin-1")
    assert status(project, environ)[0] == "disabled"
    with pytest.raises(ConfigError, match=r"allowed\.json cannot be read"):
        consent.allow(project / consent.PROJECT_FILE, environ)
    assert state.read_text(encoding="latin-1") == content


def test_consent_for_one_project_keeps_that_for_others(
    project: Path, marker: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    """The file of consents holds one digest for each project."""
    other = tmp_path / "other"
    shutil.copytree(project, other)
    digest = consent.allow(project / consent.PROJECT_FILE, environ)
    assert consent.allow(other / consent.PROJECT_FILE, environ) == digest
    known = json.loads(consent.state_file(environ).read_text())
    assert set(known) == {str(folder / consent.PROJECT_FILE) for folder in (project, other)}
    assert not marker.exists()
