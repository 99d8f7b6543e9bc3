"""``loopengt plugins``: lists, details, switching and consent, as a person uses them."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import Site

GATE = """
    @hookimpl
    def loopengt_register_gates(register):
        register("acme_gate", dict, summary="Checks acme things")

    @hookimpl
    def loopengt_register_options(register):
        register("acme_options:Options")
"""

OPTIONS = """
    from pydantic import BaseModel, Field

    class Options(BaseModel):
        size: int = Field(default=3, description="How large")
"""

CONFIG = """\
# Settings of this project.

[storage]
name = "memory"  # quick

[plugins]
# Why these are off: see the wiki.
disabled = [
    "torn",  # never worked
]

[plugins.acme]
size = 4
"""


@pytest.fixture
def kit(site: Site) -> Site:
    """A site with one sound plugin, acme, and one that fails, torn."""
    modules = {"acme_plugin": GATE, "acme_options": OPTIONS}
    site.install("acme-kit", {"acme": "acme_plugin"}, modules, version="2.0")
    site.install("torn-kit", {"torn": "torn_plugin"}, {"torn_plugin": "import no_such_module"})
    return site


def records(kit: Site, project: Path) -> dict[str, dict[str, Any]]:
    """What ``plugins list --json`` prints, by name."""
    return {
        record["name"]: record
        for record in json.loads(kit.run("plugins", "list", "--json", cwd=project).stdout)
    }


def test_list_shows_each_plugin_in_one_line(kit: Site, project: Path) -> None:
    """Name, status, version, distribution, origin and what it provides; reasons follow on stderr."""
    done = kit.run("plugins", "list", cwd=project)
    assert done.returncode == 0
    lines = [line.split(maxsplit=5) for line in done.stdout.splitlines()]
    assert lines[0] == ["NAME", "STATUS", "VERSION", "DISTRIBUTION", "ORIGIN", "PROVIDES"]
    origin = str(kit.folder / "acme_plugin.py")
    assert ["acme", "loaded", "2.0", "acme-kit", origin, "gates: acme_gate"] in lines
    assert ["torn", "failed", "1.0", "torn-kit", "torn_plugin", "-"] in lines
    assert ["cli_plugins", "loaded"] in [line[:2] for line in lines]
    assert "torn is failed: ModuleNotFoundError: No module named 'no_such_module'" in done.stderr


def test_list_prints_json(kit: Site, project: Path) -> None:
    """--json has the whole record, the traceback too."""
    found = records(kit, project)
    assert found["acme"]["provides"] == {"gates": ["acme_gate"]}
    assert found["acme"]["hooks"] == ["loopengt_register_gates", "loopengt_register_options"]
    assert found["torn"]["traceback"].startswith("Traceback")


def test_list_prints_requirements(kit: Site, project: Path) -> None:
    """--requirements names each distribution with plugins once, as pip takes it."""
    lines = kit.run("plugins", "list", "--requirements", cwd=project).stdout.splitlines()
    assert {"acme-kit==2.0", "torn-kit==1.0"} <= set(lines)
    assert len([line for line in lines if line.startswith("loopengt==")]) == 1


def test_list_works_with_a_broken_config(kit: Site, project: Path) -> None:
    """It lists what is built in and says what is wrong with the config."""
    (project / ".loopengt/config.toml").write_text("[plugins\n")
    done = kit.run("plugins", "list", cwd=project)
    assert done.returncode == 0
    assert "cli_plugins" in done.stdout
    assert "acme is disabled: not loaded, since the config" in done.stderr
    assert "config.toml:1:9" in done.stderr


def test_info_shows_components_and_options(kit: Site, project: Path) -> None:
    """A loaded plugin's components, hooks and options are shown; a distribution's name finds it too."""
    for name in ("acme", "ACME-kit", "acme-kit/acme"):
        done = kit.run("plugins", "info", name, cwd=project)
        assert done.returncode == 0
        assert "acme_gate: Checks acme things" in done.stdout
        assert "size (int, default 3): How large" in done.stdout


def test_info_shows_why_a_plugin_failed(kit: Site, project: Path) -> None:
    """The traceback is printed whole."""
    done = kit.run("plugins", "info", "torn", cwd=project)
    assert "failed" in done.stdout
    assert "import no_such_module" in done.stdout


@pytest.mark.parametrize("command", ["info", "enable", "disable"])
def test_an_unknown_plugin_is_a_usage_error(kit: Site, project: Path, command: str) -> None:
    """A typo exits 2 with the nearest name and changes nothing."""
    done = kit.run("plugins", command, "acne", cwd=project)
    assert done.returncode == 2
    assert "there is no plugin 'acne', the nearest is 'acme'" in done.stderr
    assert not (project / ".loopengt/config.toml").exists()


@pytest.mark.slow
def test_disable_and_enable_make_the_config_when_there_is_none(kit: Site, tmp_path: Path) -> None:
    """In a bare folder the config is made; enabling leaves an empty list."""
    assert kit.run("plugins", "disable", "Acme", cwd=tmp_path).stdout.startswith("acme is disabled")
    assert tomllib.loads((tmp_path / ".loopengt/config.toml").read_text()) == {
        "plugins": {"disabled": ["acme"]}
    }
    assert records(kit, tmp_path)["acme"]["status"] == "disabled"
    assert kit.run("plugins", "enable", "acme", cwd=tmp_path).stdout == "acme is loaded\n"
    assert records(kit, tmp_path)["acme"]["status"] == "loaded"


def test_everything_else_in_the_config_stays_as_it_was(kit: Site, project: Path) -> None:
    """Comments, order and other settings are kept; only the list changes, and disabling twice is once."""
    file = project / ".loopengt/config.toml"
    file.write_text(CONFIG)
    file.chmod(0o640)
    for _ in range(2):
        assert kit.run("plugins", "disable", "acme", cwd=project).returncode == 0
    text = file.read_text()
    assert tomllib.loads(text)["plugins"]["disabled"] == ["torn", "acme"]
    for kept in (
        "# Settings of this project.",
        '"memory"  # quick',
        "see the wiki",
        "# never worked",
        "size = 4",
    ):
        assert kept in text
    assert file.stat().st_mode & 0o777 == 0o640
    assert kit.run("plugins", "enable", "acme", cwd=project).returncode == 0
    assert tomllib.loads(file.read_text()) == tomllib.loads(CONFIG)
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_enable_says_what_still_keeps_a_plugin_off(kit: Site, project: Path) -> None:
    """Enabling is not enough when the environment disables it, or when it fails."""
    done = kit.run("plugins", "enable", "acme", cwd=project, LOOPENGT_DISABLE_PLUGINS="acme")
    assert done.stdout == "acme is disabled: switched off by LOOPENGT_DISABLE_PLUGINS\n"
    done = kit.run("plugins", "enable", "torn", cwd=project)
    assert done.stdout.startswith("torn is failed: ModuleNotFoundError")


@pytest.mark.slow
def test_a_config_that_cannot_be_edited_is_left_alone(kit: Site, project: Path) -> None:
    """Invalid TOML, and a list that is none, are reported and not overwritten."""
    file = project / ".loopengt/config.toml"
    for text in ("[storage\n", "plugins = 3\n", "[plugins]\ndisabled = 'acme'\n"):
        file.write_text(text)
        done = kit.run("plugins", "disable", "acme", cwd=project)
        assert (done.returncode, "cannot be edited" in done.stderr) == (2, True), done.stderr
        assert file.read_text() == text


def test_of_two_plugins_with_one_name_either_can_be_disabled(kit: Site, project: Path) -> None:
    """The remedy that the failed one shows works."""
    kit.install("other-kit", {"acme": "other_acme"}, {"other_acme": ""})
    done = kit.run("plugins", "list", cwd=project)
    assert "loopengt plugins disable other_kit/acme, or loopengt plugins disable acme_kit/acme" in done.stderr
    assert kit.run("plugins", "disable", "acme_kit/acme", cwd=project).returncode == 0
    found = json.loads(kit.run("plugins", "info", "acme", "--json", cwd=project).stdout)
    assert {record["distribution"]: record["status"] for record in found} == {
        "acme-kit": "disabled",
        "other-kit": "loaded",
    }


@pytest.mark.slow
def test_disabling_this_command_says_how_it_comes_back(kit: Site, project: Path) -> None:
    """The hint works."""
    done = kit.run("plugins", "disable", "cli_plugins", cwd=project)
    assert "-p cli_plugins" in done.stdout
    assert kit.run("plugins", "list", cwd=project).returncode == 2
    assert kit.run("-p", "cli_plugins", "plugins", "enable", "cli_plugins", cwd=project).returncode == 0
    assert kit.run("plugins", "list", cwd=project).returncode == 0


@pytest.mark.slow
def test_the_projects_own_file_runs_after_allow_and_not_after_disallow(kit: Site, project: Path) -> None:
    """list tells of the file and the command; allow makes it a plugin; a change or disallow ends that."""
    file = project / "loopengt_plugins.py"
    file.write_text("from loopengt import hookimpl\n")
    done = kit.run("plugins", "list", cwd=project)
    assert "project is disabled" in done.stderr
    assert "loopengt plugins allow" in done.stderr
    done = kit.run("plugins", "allow", cwd=project)
    assert done.returncode == 0
    assert "project is loaded" in done.stdout
    assert records(kit, project)["project"]["origin"] == str(file)
    assert "does not run any more" in kit.run("plugins", "disallow", cwd=project).stdout
    assert records(kit, project)["project"]["status"] == "disabled"
    assert "nothing to do" in kit.run("plugins", "disallow", cwd=project).stdout


def test_there_is_nothing_to_allow_without_the_file(kit: Site, project: Path) -> None:
    """allow without a plugin file is a usage error that names the place."""
    done = kit.run("plugins", "allow", cwd=project)
    assert (done.returncode, str(project / "loopengt_plugins.py") in done.stderr) == (2, True)
