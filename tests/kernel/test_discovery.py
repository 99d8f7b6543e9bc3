"""Discovery: which plugins are found and loaded, and that a bad one harms no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt import PluginError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel, PluginRecord

    from ..conftest import Site

GATE = """
    @hookimpl
    def loopengt_register_gates(register):
        register("NAME", dict, summary="A gate")
"""


def gate(name: str) -> str:
    """Source of a plugin that registers one gate."""
    return GATE.replace("NAME", name)


def record(kernel: Kernel, name: str) -> PluginRecord:
    """Return the one record of a name."""
    found = [record for record in kernel.plugins if record.name == name]
    assert len(found) == 1, found
    return found[0]


def test_a_record_tells_where_a_plugin_comes_from_and_what_it_provides(site: Site, project: Path) -> None:
    """A loaded plugin's record has its distribution, version, file, hooks and components."""
    site.install("acme-gates", {"acme": "acme_gates"}, {"acme_gates": gate("acme")}, version="2.1")
    found = record(site.kernel(project), "acme")
    assert (found.status, found.reason) == ("loaded", "")
    assert (found.distribution, found.version) == ("acme-gates", "2.1")
    assert found.origin == str(site.folder / "acme_gates.py")
    assert found.hooks == ["loopengt_register_gates"]
    assert found.provides == {"gates": ["acme"]}
    assert found.import_seconds > 0


FAILURES = {
    "import": ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
    "exit": ("raise SystemExit('over')", "SystemExit: over"),
    "syntax": ("def (:", "SyntaxError"),
    "hook": (
        """
        @hookimpl
        def loopengt_register_agents(register):
            register("early", dict, summary="Registered before the failure")
            raise ValueError("a bug in the hook")
        """,
        "ValueError: a bug in the hook",
    ),
    "argument": (
        """
        @hookimpl
        def loopengt_register_agents(registrar):
            pass
        """,
        "registrar",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_broken_plugin_fails_alone(site: Site, project: Path, kind: str) -> None:
    """A plugin that breaks while it is loaded is failed with reason and traceback; all others are loaded."""
    source, reason = FAILURES[kind]
    site.install("broken", {"broken": f"broken_{kind}"}, {f"broken_{kind}": source})
    site.install("sound", {"sound": f"sound_{kind}"}, {f"sound_{kind}": gate("sound")})
    kernel = site.kernel(project)
    broken = record(kernel, "broken")
    assert broken.status == "failed"
    assert reason in broken.reason
    assert broken.traceback.startswith("Traceback")
    assert broken.provides == {}
    assert "early" not in kernel.names("agents")
    assert record(kernel, "sound").status == "loaded"
    assert "sound" in kernel.names("gates")


CONTRACT_BREAKS = {
    "misspelled": (
        "@hookimpl\n    def loopengt_register_gate(register): pass",
        "there is no hook 'loopengt_register_gate', the nearest is 'loopengt_register_gates'",
    ),
    "misspelled and unmarked": (
        "def loopengt_regster_gates(register): pass",
        "there is no hook 'loopengt_regster_gates', the nearest is 'loopengt_register_gates'",
    ),
    "without the prefix": (
        "@hookimpl\n    def register_gates(register): pass",
        "there is no hook 'register_gates', the nearest is 'loopengt_register_gates'",
    ),
    "unmarked": (
        "def loopengt_register_gates(register): pass",
        "loopengt_register_gates is not marked as a hook",
    ),
    "coroutine": (
        "@hookimpl\n    async def loopengt_register_gates(register): pass",
        "loopengt_register_gates is a coroutine function",
    ),
    "wrapper": (
        "@hookimpl(wrapper=True)\n    def loopengt_register_gates(register): yield",
        "would register nothing",
    ),
}


@pytest.mark.parametrize("kind", CONTRACT_BREAKS)
def test_a_hook_that_would_never_work_is_refused(site: Site, project: Path, kind: str) -> None:
    """Hooks that pluggy would ignore in silence make the plugin fail, with the nearest name or a remedy."""
    source, reason = CONTRACT_BREAKS[kind]
    module = f"hooks_{kind.replace(' ', '_')}"
    site.install("odd", {"odd": module}, {module: f"\n    {source}\n"})
    found = record(site.kernel(project), "odd")
    assert found.status == "failed"
    assert reason in found.reason
    assert found.remedy


def test_an_imported_module_is_not_taken_for_a_hook(site: Site, project: Path) -> None:
    """A plugin may import modules whose names begin with loopengt_."""
    site.install(
        "modular", {"modular": "modular"}, {"modular": "    import loopengt_hookspecs.gates" + gate("m")}
    )
    assert record(site.kernel(project), "modular").status == "loaded"


def test_a_hook_of_a_later_version_can_be_optional(site: Site, project: Path) -> None:
    """An unknown hook that is marked optionalhook is left out, and the rest of the plugin counts."""
    later = "@hookimpl(optionalhook=True)\n    def register_dreams(register): pass\n"
    site.install("later", {"later": "later"}, {"later": f"\n    {later}{gate('later')}"})
    kernel = site.kernel(project)
    assert record(kernel, "later").status == "loaded"
    assert "later" in kernel.names("gates")


def test_of_two_plugins_with_one_name_neither_shadows_the_other_in_silence(site: Site, project: Path) -> None:
    """The second is failed, its reason names both, and either can be disabled by distribution/name."""
    site.install("beta-kit", {"Twin": "twin_beta"}, {"twin_beta": gate("beta")})
    site.install("alpha-kit", {"twin": "twin_alpha"}, {"twin_alpha": gate("alpha")}, version="3")
    kernel = site.kernel(project)
    first, second = (record for record in kernel.plugins if record.name == "twin")
    assert (first.distribution, first.status) == ("alpha-kit", "loaded")
    assert (second.distribution, second.status) == ("beta-kit", "failed")
    assert "alpha-kit 3 (twin_alpha)" in second.reason
    assert "beta-kit 1.0 (twin_beta)" in second.reason
    assert "loopengt plugins disable alpha_kit/twin" in second.remedy
    assert "beta" not in kernel.names("gates")
    other = site.kernel(project, disabled=["alpha_kit/twin"])
    assert "beta" in other.names("gates")
    assert {record.status for record in other.plugins if record.name == "twin"} == {"loaded", "disabled"}


def test_two_components_of_one_name_fail_the_second_plugin_whole(site: Site, project: Path) -> None:
    """The reason names both plugins and how to disable either; nothing of the second plugin is left."""
    second = (
        gate("dup")
        + """
    @hookimpl
    def loopengt_register_agents(register):
        register("of_second", dict, summary="Another component")
    """
    )
    site.install("one", {"a_first": "dup_first"}, {"dup_first": gate("dup")})
    site.install("two", {"b_second": "dup_second"}, {"dup_second": second})
    kernel = site.kernel(project)
    found = record(kernel, "b_second")
    assert found.status == "failed"
    assert found.reason == "the plugins 'a_first' and 'b_second' both register the gate 'dup'"
    assert "loopengt plugins disable a_first, or loopengt plugins disable b_second" in found.remedy
    assert "of_second" not in kernel.names("agents")
    assert kernel.component("gates", "dup").plugin == "a_first"
    assert "of_second" in site.kernel(project, disabled=["a_first"]).names("agents")


def test_loopengts_own_plugins_are_loaded_before_any_other(site: Site, project: Path) -> None:
    """A third party whose name sorts first cannot push a built-in out by taking its component's name."""
    site.install("aaa", {"aaa": "aaa_plugin"}, {"aaa_plugin": gate("wanted")})
    site.install("loopengt", {"zzz": "zzz_plugin"}, {"zzz_plugin": gate("wanted")})
    kernel = site.kernel(project)
    assert record(kernel, "zzz").status == "loaded"
    assert record(kernel, "aaa").status == "failed"


DISABLING: dict[str, tuple[str, dict[str, str], list[str]]] = {
    "config": ('disabled = ["acme"]', {}, []),
    "config by distribution": ('disabled = ["Acme.Kit"]', {}, []),
    "environment": ("", {"LOOPENGT_DISABLE_PLUGINS": "other, ACME"}, []),
    "environment by distribution": ("", {"LOOPENGT_DISABLE_PLUGINS": "acme-kit"}, []),
    "environment as a setting": ("", {"LOOPENGT_PLUGINS__DISABLED": "acme"}, []),
    "caller": ("", {}, ["acme"]),
    "caller by both": ("", {}, ["acme-kit/acme"]),
}


@pytest.mark.parametrize("way", DISABLING)
def test_a_disabled_plugin_is_never_imported(site: Site, project: Path, way: str) -> None:
    """Whatever disables it, and by whichever name: its module is not executed, and its record says why."""
    config, environ, disabled = DISABLING[way]
    marker = site.folder / "imported"
    module = f"marked_{way.replace(' ', '_')}"
    site.install("acme-kit", {"acme": module}, {module: f"open({str(marker)!r}, 'w').close()\n"})
    (project / ".loopengt/config.toml").write_text(f"[plugins]\n{config}\n")
    kernel = site.kernel(project, environ, disabled=disabled)
    found = record(kernel, "acme")
    assert found.status == "disabled"
    assert found.reason.startswith("switched off by ")
    assert not marker.exists()
    # The same plugin writes the marker when nothing disables it.
    assert record(site.kernel(project, environ, enabled=["acme"]), "acme").status == "loaded"
    assert marker.exists()


def test_a_plugins_own_name_counts_more_than_its_distributions(site: Site, project: Path) -> None:
    """One plugin of a disabled distribution can be enabled by its name."""
    modules = {"kit_a": gate("kit_a"), "kit_b": gate("kit_b")}
    site.install("kit", {"kit_a": "kit_a", "kit_b": "kit_b"}, modules)
    kernel = site.kernel(project, {"LOOPENGT_DISABLE_PLUGINS": "kit"}, enabled=["kit_b"])
    assert record(kernel, "kit_a").status == "disabled"
    assert record(kernel, "kit_b").status == "loaded"


def test_an_unknown_name_is_an_error_of_the_caller_and_a_note_elsewhere(site: Site, project: Path) -> None:
    """A caller's typo raises with the nearest name; a stale name in config or environment is reported."""
    site.install("acme-kit", {"acme": "acme_known"}, {"acme_known": gate("acme")})
    for kernel in (
        site.kernel(project, disabled=["acne"]),
        site.kernel(project, enabled=["acne"]),
    ):
        with pytest.raises(UsageError, match="there is no plugin 'acne', the nearest is 'acme'"):
            _ = kernel.plugins
    kernel = site.kernel(project, {"LOOPENGT_DISABLE_PLUGINS": "acne"})
    assert record(kernel, "acme").status == "loaded"
    assert "LOOPENGT_DISABLE_PLUGINS" in kernel.problems()[0]


def test_strict_turns_failures_into_an_error(site: Site, project: Path) -> None:
    """With LOOPENGT_STRICT_PLUGINS=1 nothing can be looked up while a plugin has failed; records stay."""
    site.install("broken", {"broken": "broken_strict"}, {"broken_strict": "1 / 0"})
    kernel = site.kernel(project, {"LOOPENGT_STRICT_PLUGINS": "1"})
    with pytest.raises(PluginError, match="the plugin 'broken' failed: ZeroDivisionError"):
        kernel.names("gates")
    assert record(kernel, "broken").status == "failed"


def test_hook_calls_can_be_traced(site: Site, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LOOPENGT_TRACE_PLUGINS=1 writes each import and hook call with its plugin to stderr, else nothing."""
    site.install("acme", {"acme": "acme_traced"}, {"acme_traced": gate("acme")})
    _ = site.kernel(project).plugins
    assert capsys.readouterr().err == ""
    _ = site.kernel(project, {"LOOPENGT_TRACE_PLUGINS": "1"}).plugins
    assert "loopengt: acme: called loopengt_register_gates" in capsys.readouterr().err


def test_a_config_that_cannot_be_read_leaves_only_own_plugins(site: Site, project: Path) -> None:
    """What the config may disable is not imported when the config is broken; built-ins still are."""
    marker = site.folder / "imported"
    site.install("acme", {"acme": "acme_unsure"}, {"acme_unsure": f"open({str(marker)!r}, 'w').close()\n"})
    site.install("loopengt", {"built_in": "built_in"}, {"built_in": gate("built_in")})
    (project / ".loopengt/config.toml").write_text("[plugins\n")
    kernel = site.kernel(project)
    assert "built_in" in kernel.names("gates")
    assert record(kernel, "acme").status == "disabled"
    assert not marker.exists()
    assert "config.toml:1:9" in kernel.problems()[0]


def test_a_distribution_with_unreadable_entry_points_fails_alone(site: Site, project: Path) -> None:
    """Entry points that are no entry points fail that distribution and no other."""
    site.install("sound", {"sound": "sound_beside"}, {"sound_beside": gate("sound")})
    site.install("odd-reference", {"odd_reference": "not a reference at all"}, {})
    site.install("torn", {"torn": "torn_plugin"}, {"torn_plugin": gate("torn")})
    (site.folder / "torn-1.0.dist-info/entry_points.txt").write_bytes(b"[loopengt]\ntorn = \xff\n")
    kernel = site.kernel(project)
    assert record(kernel, "odd_reference").status == "failed"
    assert str(site.folder) in record(kernel, "unreadable_distribution").reason
    assert "sound" in kernel.names("gates")


def test_one_module_cannot_be_two_plugins(site: Site, project: Path) -> None:
    """Two entry points of one module would register everything twice: the second fails and says so."""
    site.install("acme", {"first": "acme_shared", "second": "acme_shared"}, {"acme_shared": gate("acme")})
    kernel = site.kernel(project)
    assert record(kernel, "first").status == "loaded"
    assert "the same module as the plugin 'first'" in record(kernel, "second").reason
