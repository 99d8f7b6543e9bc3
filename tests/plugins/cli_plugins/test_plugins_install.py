"""``loopengt plugins install`` and ``uninstall``: in an environment of the test's own, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopengt.errors import UsageError
from loopengt_cli_plugins.installing.changing import CAUSES
from loopengt_cli_plugins.installing.environment import find_installer
from loopengt_cli_plugins.installing.names import check_requirements

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from .conftest import Environment

OFFLINE = ("--", "--no-index", "--no-deps", "--find-links")


@pytest.mark.slow
def test_a_plugin_comes_and_goes(
    environment: Environment, wheel: Callable[..., Path], project: Path, tmp_path: Path
) -> None:
    """A wheel is installed by its name, shown with what it registers, and uninstalled again after a yes."""
    wheel(tmp_path / "wheels", "loopengt-acme")
    done = environment.plugins("install", "loopengt-acme", *OFFLINE, str(tmp_path / "wheels"), cwd=project)
    assert done.returncode == 0, done.stderr
    assert f"Installing loopengt-acme with pip into {environment.folder}" in done.stdout
    assert done.stdout.endswith("+ acme (loopengt-acme 1.0): gates: acme_gate\n")
    wheel(tmp_path / "wheels", "loopengt-acme", version="1.1")
    for shown in ("~ acme (loopengt-acme 1.1): gates: acme_gate\n", "The plugins are as they were before.\n"):
        wanted = ["loopengt-acme==1.1", *OFFLINE, str(tmp_path / "wheels")]
        assert environment.plugins("install", *wanted, cwd=project).stdout.endswith(f" …\n{shown}")
    done = environment.plugins("uninstall", "acme", cwd=project)
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    done = environment.plugins("uninstall", "acme", "--yes", cwd=project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["loopengt-acme, with: acme", "- acme (loopengt-acme 1.1)"]


@pytest.mark.slow
def test_a_broken_plugin_is_said_at_once(
    environment: Environment, wheel: Callable[..., Path], project: Path, tmp_path: Path
) -> None:
    """It is installed and does not work: the reason and the way out are told, and the exit code is 1."""
    file = wheel(tmp_path / "wheels", "loopengt-torn", source="import no_such_module\n")
    done = environment.plugins("install", str(file), "--", "--no-index", cwd=project)
    assert done.returncode == 1
    assert "+ torn (loopengt-torn 1.0): failed: ModuleNotFoundError" in done.stdout
    assert "loopengt plugins uninstall torn" in done.stderr


@pytest.mark.slow
def test_what_cannot_be_found_is_told_in_words(
    environment: Environment, project: Path, tmp_path: Path
) -> None:
    """A name that no index has leaves everything as it was; the installer's words follow."""
    (tmp_path / "wheels").mkdir()
    done = environment.plugins("install", "loopengt-nobody", *OFFLINE, str(tmp_path / "wheels"), cwd=project)
    assert done.returncode == 1
    assert "pip could not install loopengt-nobody (exit code 1): there is no such distribution" in done.stderr
    assert "No matching distribution found for loopengt-nobody" in done.stderr


@pytest.mark.slow
def test_without_a_network_it_says_so(environment: Environment, project: Path) -> None:
    """An index that cannot be reached is the cause that is told, not that there is no such plugin."""
    nowhere = ["--index-url", "http://127.0.0.1:9/simple", "--retries", "1", "--timeout", "2"]
    done = environment.plugins("install", "loopengt-acme", "--", *nowhere, cwd=project)
    assert done.returncode == 1
    assert "the package index cannot be reached" in done.stderr
    assert "--find-links" in done.stderr


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("requests", "did you mean 'loopengt-requests'?"),
        ("otel>=0.2", "did you mean 'loopengt-otel>=0.2'?"),
        ("loopengtx", "did you mean 'loopengt-loopengtx'?"),
        ("loopengt", "is here already"),
        ("--index-url=x", "options of the installer stand behind --"),
        (" ", "is nothing to install"),
    ],
)
def test_what_is_not_named_as_a_plugin_is_refused(requirement: str, words: str) -> None:
    """Nothing else is installed in silence under the name that was typed."""
    with pytest.raises(UsageError) as caught:
        check_requirements([requirement], exact=False)
    assert words in caught.value.remedy + caught.value.message


def test_what_cannot_be_mistaken_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plugins' names in any spelling, folders, wheels, URLs, and other names with --exact."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme-1.0-py3-none-any.whl").write_text("")
    taken = ["loopengt-otel", "Loopengt_OTEL[grpc]>=0.2", "./acme", str(tmp_path / "acme")]
    taken += [
        "acme-1.0-py3-none-any.whl",
        "git+https://example.org/acme.git",
        "acme @ https://example.org/a.whl",
    ]
    check_requirements(taken, exact=False)
    check_requirements(["requests"], exact=True)
    with pytest.raises(UsageError):
        check_requirements(["acme"], exact=False)  # pip would ask its index for the name, not take the folder


@pytest.mark.parametrize("line", ["uv = 0.9.1\n", "version = 3.11\nuv = 0.9\n"])
def test_uv_changes_what_uv_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """An environment whose pyvenv.cfg names uv is changed by uv, which is told which Python is meant."""
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text("#!/bin/sh\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(uv.parent))
    (tmp_path / "pyvenv.cfg").write_text(f"home = /usr/bin\n{line}")
    installer = find_installer(["loopengt-acme"], prefix=tmp_path)
    assert installer.name == "uv"
    command = installer.install(["loopengt-acme"], ["--no-index"])
    assert command[:4] == [str(uv), "pip", "install", "--python"]
    assert command[5:] == ["--no-index", "loopengt-acme"]
    assert "--yes" not in installer.uninstall(["loopengt-acme"])


def test_without_uv_pip_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where uv made the environment and is gone, pip is taken; without either, the message says what to type."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "pyvenv.cfg").write_text("uv = 0.9.1\n")
    monkeypatch.setattr("loopengt_cli_plugins.installing.environment.find_spec", lambda name: object())
    installer = find_installer(["loopengt-acme"], prefix=tmp_path)
    assert installer.command[1:] == ("-m", "pip")
    assert "--yes" in installer.uninstall(["loopengt-acme"])
    monkeypatch.setattr("loopengt_cli_plugins.installing.environment.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="neither pip") as caught:
        find_installer(["loopengt-acme"], prefix=tmp_path)
    assert "uv pip install --python " in caught.value.remedy


def test_environments_of_tools_are_left_to_them(tmp_path: Path) -> None:
    """pipx and uv tool keep records of what is in their environments: the message is what to type there."""
    pipx = tmp_path / "pipx" / "loopengt"
    pipx.mkdir(parents=True)
    (pipx / "pipx_metadata.json").write_text("{}")
    for removes, verb in ((False, "inject"), (True, "uninject")):
        with pytest.raises(UsageError) as caught:
            find_installer(["loopengt-acme"], removes=removes, prefix=pipx)
        assert caught.value.remedy == f"type: pipx {verb} loopengt loopengt-acme"
    receipt = '[tool]\nrequirements = [{ name = "loopengt" }, { name = "loopengt-otel" }]\n'
    (tmp_path / "uv-receipt.toml").write_text(receipt)
    with pytest.raises(UsageError) as caught:
        find_installer(["loopengt-acme"], prefix=tmp_path)
    assert caught.value.remedy == "type: uv tool install loopengt --with loopengt-otel --with loopengt-acme"
    with pytest.raises(UsageError) as caught:
        find_installer(["Loopengt_Otel"], removes=True, prefix=tmp_path)
    assert caught.value.remedy == "type: uv tool install loopengt"


def test_built_in_plugins_cannot_be_uninstalled(call: Callable[..., Result]) -> None:
    """They are a part of loopengt; the message says how one is switched off."""
    done = call("uninstall", "gates", "--yes")
    assert (done.exit_code, "loopengt plugins disable gates" in done.output) == (2, True)


def test_loopengt_itself_cannot_be_uninstalled(call: Callable[..., Result]) -> None:
    """It would take the program away that runs; no plugin of that name is said to be switched off."""
    result = call("uninstall", "Loopengt", "--yes")
    assert result.exit_code == 2
    assert "is this program itself" in result.stderr
    assert "disable" not in result.stderr


def test_every_cause_has_a_remedy() -> None:
    """What installers say is matched in lower case, and each cause tells what to do."""
    for signs, cause, remedy in CAUSES:
        assert all(sign == sign.lower() for sign in signs)
        assert cause
        assert remedy
