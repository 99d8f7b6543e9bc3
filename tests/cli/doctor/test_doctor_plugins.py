"""The command ``doctor`` with a broken config, plugins that fail, and installs that have become stale."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import Site
    from .conftest import Reporter

EMPTY_PLUGIN = "MARK = 'nothing'"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[storage\n", "config.toml:1:9: "),
        ('[storage]\nnmae = "sqlite"\n', "[storage] has no key 'nmae', the nearest is 'name'"),
        ("[engine]\nname = 3\n", "engine.name: a text is expected, not 3"),
    ],
)
def test_a_broken_config_is_one_finding_among_others(
    report: Reporter, loop: Path, text: str, said: str
) -> None:
    """With a config that cannot be used, the config is what fails, and all other checks still report."""
    (loop / ".loopengt/config.toml").write_text(text)
    found = report(loop)
    assert found.exit_code == 1
    assert said in found.of("config", "fail")[0]["message"]
    assert found.is_complete
    for check in ("components", "storage", "specs"):
        assert found.only(check, "fail")["message"] == "not checked, since the config is not usable"
    assert found.of("plugins", "fail") == []


@pytest.mark.slow
def test_an_option_that_does_not_fit_is_found(report: Reporter, loop: Path) -> None:
    """Options of plugins are checked with the plugin's own model, though nothing has used them yet."""
    (loop / ".loopengt/config.toml").write_text("[plugins.local]\nlease_seconds = -1\n")
    found = report(loop)
    assert found.exit_code == 1
    assert "plugins.local.lease_seconds" in found.only("config", "fail")["message"]


@pytest.mark.slow
def test_a_table_that_nobody_reads_is_found(report: Reporter, loop: Path) -> None:
    """A table of a plugin that is not there is named with the nearest that is."""
    (loop / ".loopengt/config.toml").write_text('[plugins.storage_sqlit]\ndurability = "full"\n')
    found = report(loop)
    assert found.exit_code == 1
    assert (
        "there is no plugin 'storage_sqlit', the nearest is 'storage_sqlite'"
        in found.only("config", "warn")["message"]
    )


def test_with_a_broken_config_strangers_are_not_loaded(site: Site, report: Reporter, loop: Path) -> None:
    """A plugin that the unreadable config may have disabled is off, which is a warning with the reason."""
    site.install("acme", {"acme": "acme_plugin"}, {"acme_plugin": EMPTY_PLUGIN})
    (loop / ".loopengt/config.toml").write_text("[plugins\n")
    told = [finding["message"] for finding in report(loop).of("plugins", "warn")]
    assert any(each.startswith("acme (acme 1.0) is off: not loaded, since the config") for each in told)


@pytest.mark.slow
@pytest.mark.parametrize(("section", "check"), [("storage", "storage"), ("engine", "components")])
def test_a_component_that_is_not_there_is_named(
    report: Reporter, loop: Path, section: str, check: str
) -> None:
    """A storage or engine that no plugin registers fails its check, with the setting and what there is."""
    (loop / ".loopengt/config.toml").write_text(f'[{section}]\nname = "nowhere"\n')
    found = report(loop)
    assert found.exit_code == 1
    assert f"no plugin registers the {section} 'nowhere'" in found.only(check, "fail")["message"]


PLUGINS = {
    "it fails to import": ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
    "it ends the program": ("raise SystemExit(3)", "SystemExit: 3"),
    "its hook raises": (
        "@hookimpl\ndef loopengt_register_gates(register):\n    raise ValueError('no gates today')\n",
        "ValueError: no gates today",
    ),
    "its hook is misspelt": (
        "@hookimpl\ndef loopengt_register_gate(register):\n    pass\n",
        "there is no hook 'loopengt_register_gate', the nearest is 'loopengt_register_gates'",
    ),
}


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_failed_plugin_is_one_finding_among_others(
    site: Site, report: Reporter, loop: Path, kind: str
) -> None:
    """The plugin is named with its distribution, the reason and a remedy; everything else is in order."""
    source, reason = PLUGINS[kind]
    site.install("acme-broken", {"broken": "broken_plugin"}, {"broken_plugin": source})
    found = report(loop)
    assert found.exit_code == 1
    finding = found.only("plugins", "fail")
    assert finding["message"].startswith("broken (acme-broken 1.0) failed: ")
    assert reason in finding["message"]
    assert finding["remedy"]
    assert [each for each in found.findings if each["status"] == "fail"] == [finding]


@pytest.mark.slow
def test_two_plugins_of_one_name_are_found(site: Site, report: Reporter, loop: Path) -> None:
    """The one that is not loaded is reported, with how to switch either off."""
    for name in ("acme-one", "acme-two"):
        module = name.replace("-", "_")
        site.install(name, {"twin": module}, {module: EMPTY_PLUGIN})
    finding = report(loop).only("plugins", "fail")
    assert "two plugins are named 'twin'" in finding["message"]
    assert "loopengt plugins disable acme_two/twin" in finding["remedy"]


@pytest.mark.slow
def test_what_is_switched_off_is_told_and_in_order(report: Reporter, loop: Path) -> None:
    """A plugin that a person has disabled is ok, with what did it; one that waits for consent is not."""
    (loop / ".loopengt/config.toml").write_text('[plugins]\ndisabled = ["exporters"]\n')
    (loop / "loopengt_plugins.py").write_text("")
    found = report(loop)
    assert found.exit_code == 0
    off = found.of("plugins", "ok")[0]["message"]
    assert off.startswith("exporters (loopengt ")
    assert f"by plugins.disabled of {loop}/.loopengt/config.toml" in off
    finding = found.only("plugins", "warn")
    assert "loopengt_plugins.py is not allowed to run yet" in finding["message"]
    assert finding["remedy"] == "read it, then run: loopengt plugins allow"


ODD_STORAGE = """
@hookimpl
def loopengt_register_storages(register):
    register("odd", Odd, summary="A storage that goes wrong in its own way")

class Odd:
    async def open(self):
        raise KeyError("no such drawer")
    async def close(self):
        pass
"""


@pytest.mark.slow
def test_a_check_that_breaks_is_a_finding(site: Site, report: Reporter, loop: Path) -> None:
    """An error of a plugin that nobody foresaw fails one check, and the others still report."""
    site.install("acme-odd", {"odd": "odd_plugin"}, {"odd_plugin": ODD_STORAGE})
    found = report(loop, "-o", "storage.name=odd")
    assert found.exit_code == 1
    assert found.only("storage", "fail")["message"] == "cannot be checked: KeyError: 'no such drawer'"
    assert found.is_complete


def edit(
    site: Site, tmp_path: Path, installed: dict[str, str], pyproject: str, *, editable: bool = True
) -> Path:
    """Install a distribution from a source folder whose pyproject.toml says something by now."""
    source = tmp_path / "my source"
    source.mkdir()
    (source / "pyproject.toml").write_text(pyproject)
    site.install("acme-edited", installed, dict.fromkeys(installed.values(), EMPTY_PLUGIN))
    origin = {"url": source.as_uri(), "dir_info": {"editable": editable}}
    (site.folder / "acme_edited-1.0.dist-info/direct_url.json").write_text(json.dumps(origin))
    return source


@pytest.mark.slow
def test_stale_entry_points_are_found(site: Site, report: Reporter, loop: Path, tmp_path: Path) -> None:
    """An editable install whose pyproject.toml was edited since is named, with what differs and a remedy."""
    source = edit(
        site,
        tmp_path,
        {"gone": "acme_gone", "moved": "acme_old"},
        '[project.entry-points.loopengt]\nmoved = "acme_new"\nfresh = "acme_fresh"\n',
    )
    found = report(loop)
    assert found.exit_code == 0
    finding = found.only("entry points", "warn")
    assert finding["message"] == (
        "acme-edited: fresh in pyproject.toml but not installed;"
        " gone installed but no longer in pyproject.toml;"
        " moved changed in pyproject.toml since it was installed"
    )
    assert finding["remedy"] == f"pip install -e {shlex.quote(str(source))}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pyproject", "editable"),
    [
        ('[project.entry-points.loopengt]\nsame = "acme_same"\n', True),
        ('[project.entry-points.loopengt]\nfresh = "acme_fresh"\n', False),
        ('[project]\ndynamic = ["entry-points"]\n', True),
        ("[project\n", True),
    ],
    ids=["up to date", "not editable", "dynamic", "unreadable"],
)
def test_entry_points_that_are_not_stale_are_not_reported(
    site: Site, report: Reporter, loop: Path, tmp_path: Path, pyproject: str, editable: bool
) -> None:
    """Nothing is said of an install that is up to date, is a copy, or whose pyproject.toml does not tell."""
    edit(site, tmp_path, {"same": "acme_same"}, pyproject, editable=editable)
    assert report(loop).of("entry points", "warn") == []
