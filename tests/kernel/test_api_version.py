"""The version of the hooks: which plugins are too new or too old, and what is said of those that use old things."""

from __future__ import annotations

import json
import sys
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import loopengt_hookspecs
from loopengt import Kernel, PluginError, hookimpl
from loopengt.api_version import check_declared, check_requirements
from loopengt_hookspecs import API_VERSION, deprecated, deprecations_of, gates

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import PluginRecord

    from ..conftest import Site

HERE = "{}.{}".format(*API_VERSION)
NEWER = f"{API_VERSION[0]}.{API_VERSION[1] + 1}"
UPDATE = "pip install -U loopengt"

GATE = """
@hookimpl
def loopengt_register_gates(register):
    register("acme", dict, summary="A gate")
"""


def record(kernel: Kernel, name: str) -> PluginRecord:
    """Return the record of a plugin."""
    return next(record for record in kernel.plugins if record.name == name)


def require(site: Site, *requirements: str) -> None:
    """Write requirements into the metadata of the distribution acme, which is installed."""
    with (site.folder / "acme-1.0.dist-info" / "METADATA").open("a") as file:
        file.writelines(f"Requires-Dist: {requirement}\n" for requirement in requirements)


def refusal_of(requirement: str) -> str:
    """Return why a requirement is refused; empty: it is not."""
    try:
        check_requirements([requirement])
    except PluginError as exc:
        return f"{exc.message}: {exc.remedy}"
    return ""


@pytest.mark.parametrize(
    ("declared", "refused"),
    [
        ("1.0", False),
        ("1.2", False),
        ("1.3", True),
        ("1.10", True),
        ("2.0", True),
        ("0.9", True),
        (None, False),
    ],
)
def test_the_same_major_and_no_later_minor_fits(
    monkeypatch: pytest.MonkeyPatch, declared: str | None, refused: bool
) -> None:
    """Where the hooks are 1.2, a plugin for 1.0 to 1.2 is taken, and one for 1.3, 1.10, 2.0 or 0.9 is not."""
    monkeypatch.setattr(loopengt_hookspecs, "API_VERSION", (1, 2))
    if not refused:
        check_declared(declared)
        return
    with pytest.raises(
        PluginError, match=f"version {declared} of the hooks, and loopengt .* has version 1.2"
    ):
        check_declared(declared)


def test_the_remedy_names_what_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a plugin that is too new loopengt is to be updated, for one that is too old the plugin."""
    monkeypatch.setattr(loopengt_hookspecs, "API_VERSION", (2, 0))
    with pytest.raises(PluginError) as newer:
        check_declared("2.1", "acme-gates")
    with pytest.raises(PluginError) as older:
        check_declared("1.4", "acme-gates")
    assert newer.value.remedy.endswith(UPDATE)
    assert older.value.remedy.endswith("pip install -U acme-gates")


@pytest.mark.parametrize(
    "declared", [1.0, "1", "1.0.0", "", "v1.0", (1, 0), "newest", "1.0\n", "1." + "9" * 9]
)
def test_another_form_is_refused(declared: object) -> None:
    """A version that is no text of two numbers is an error that shows how it is written, and no guess."""
    with pytest.raises(PluginError, match="is no version of the hooks") as caught:
        check_declared(declared)
    assert f'LOOPENGT_API = "{HERE}"' in caught.value.remedy


@pytest.mark.parametrize(
    "requirement",
    [
        "loopengt",
        "loopengt>=0.1",
        "loopengt (>=0.2)",
        "loopengt[prices]>=0.2,<9",
        "Loopengt == 0.1.*",
        "loopengt~=0.2",
        "loopengt>0.1.9",
        "loopengt<0.1",
        "loopengt!=99.0",
        "loopengt @ https://example.org/loopengt-99.0.whl",
        "loopengt>=99; python_version < '3'",
        "loopengt-other>=99",
        "click>=99",
        "?? >=99",
    ],
)
def test_requirements_that_do_not_ask_for_more_are_met(requirement: str) -> None:
    """What names this version or an older one, another distribution, or stands behind a condition is no obstacle."""
    assert refusal_of(requirement) == ""


@pytest.mark.parametrize(
    "requirement",
    [
        "loopengt>=99",
        "loopengt (>=99.1)",
        "LoopEngt[prices] >= 0.1, >= 99",
        "loopengt~=99.0",
        "loopengt==99.*",
        "loopengt===99",
        "loopengt>99.0rc1",
    ],
)
def test_a_requirement_on_a_newer_loopengt_is_refused(requirement: str) -> None:
    """Each form of a lower bound above this version is refused, with the requirement as it was written."""
    said = refusal_of(requirement)
    assert f"requires {requirement}, and this is loopengt " in said
    assert said.endswith(UPDATE)


def test_this_version_itself_is_no_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros at the end and marks of a pre-release do not make a version older; "greater than" leaves it out."""
    monkeypatch.setattr("loopengt.api_version.__version__", "0.3.0rc1")
    assert [refusal_of(f"loopengt{bound}") for bound in (">=0.3", ">=0.3.0", "==0.3.0.0", ">0.2.9")] == [
        ""
    ] * 4
    assert refusal_of("loopengt>0.3")
    assert refusal_of("loopengt>=0.3.1")


@pytest.mark.parametrize("how", ["declaration", "requirement"])
def test_a_plugin_for_newer_hooks_is_not_executed(site: Site, project: Path, how: str) -> None:
    """It is failed with reason and remedy, none of its code has run, and every other plugin is loaded."""
    declared = f'LOOPENGT_API = "{NEWER}"\n' if how == "declaration" else ""
    source = f"{declared}raise RuntimeError('executed')\n{GATE}"
    module = f"acme_newer_{how}"
    site.install("acme", {"acme": module}, {module: source})
    if how == "requirement":
        require(site, "click", "loopengt>=99")
    kernel = site.kernel(project)
    found = record(kernel, "acme")
    assert (found.status, found.provides, found.traceback) == ("failed", {}, "")
    assert NEWER in found.reason if how == "declaration" else "requires loopengt>=99" in found.reason
    assert found.remedy.endswith(UPDATE)
    assert module not in sys.modules
    assert {other.status for other in kernel.plugins if other.distribution == "loopengt"} == {"loaded"}


def test_nothing_of_its_package_is_executed_either(site: Site, project: Path) -> None:
    """The module is found in its package without importing that."""
    package = site.folder / "acme_kit" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise RuntimeError('executed')\n")
    (package / "__init__.py").write_text("raise RuntimeError('executed')\n")
    (package / "plugin.py").write_text(f"LOOPENGT_API: str = '{NEWER}'\n")
    site.install("acme", {"acme": "acme_kit.inner.plugin"}, {})
    assert "is written for version" in record(site.kernel(project), "acme").reason
    assert not [name for name in sys.modules if name.startswith("acme_kit")]


def test_what_the_source_does_not_show_is_seen_after_the_import(site: Site, project: Path) -> None:
    """A declaration that is computed counts, too, before any hook is called."""
    source = f"LOOPENGT_API = '.'.join({NEWER.split('.')})\n{GATE}"
    site.install("acme", {"acme": "acme_computed"}, {"acme_computed": source})
    kernel = site.kernel(project)
    assert "is written for version" in record(kernel, "acme").reason
    assert "acme" not in kernel.names("gates")


def test_a_plugin_for_these_hooks_or_older_ones_is_loaded(site: Site, project: Path) -> None:
    """With its declaration and its requirement met, nothing is said."""
    site.install("acme", {"acme": "acme_fits"}, {"acme_fits": f'LOOPENGT_API = "{HERE}"\n{GATE}'})
    require(site, "loopengt>=0.1")
    kernel = site.kernel(project)
    assert record(kernel, "acme").status == "loaded"
    assert kernel.names("gates")["acme"] == "A gate"


def test_a_text_that_looks_like_a_declaration_is_none(site: Site, project: Path) -> None:
    """Only a statement of the module itself counts, not one in a function, a comment or a text."""
    source = (
        f'# LOOPENGT_API = "{NEWER}"\ndef f():\n    LOOPENGT_API = "{NEWER}"\n'
        f'TEXT = """\nLOOPENGT_API = "{NEWER}"\n"""\n{GATE}'
    )
    site.install("acme", {"acme": "acme_text"}, {"acme_text": source})
    assert record(site.kernel(project), "acme").status == "loaded"


def test_a_disabled_plugin_stays_disabled(site: Site, project: Path) -> None:
    """Switching a plugin off that is too new ends the matter."""
    site.install("acme", {"acme": "acme_off"}, {"acme_off": f'LOOPENGT_API = "{NEWER}"\n'})
    assert record(site.kernel(project, disabled=["acme"]), "acme").status == "disabled"


def test_the_project_file_and_given_modules_are_held_to_it(project: Path) -> None:
    """A project's own plugin and one that a program hands over may declare a version, too."""
    (project / "loopengt_plugins.py").write_text(
        f'LOOPENGT_API = "{NEWER}"\nraise RuntimeError("executed")\n'
    )
    environ = {"LOOPENGT_ALLOW_PROJECT_PLUGINS": "1"}
    own = record(Kernel(project, environ=environ), "project")
    given = record(
        Kernel(project, plugins=[("mine", SimpleNamespace(LOOPENGT_API="9.0"))], environ={}), "mine"
    )
    assert own.status == given.status == "failed"
    assert "is written for version" in own.reason


def test_the_program_says_so_and_works(site: Site, project: Path) -> None:
    """``plugins list`` shows failure and remedy, and other commands work, with no word on stderr."""
    site.install("acme", {"acme": "acme_list"}, {"acme_list": f'LOOPENGT_API = "{NEWER}"\n{GATE}'})
    listed = site.run("plugins", "list", cwd=project)
    assert listed.returncode == 0
    assert f"acme is failed: it is written for version {NEWER} of the hooks" in listed.stderr
    assert UPDATE in listed.stderr
    schema = site.run("schema", cwd=project)
    assert (schema.returncode, schema.stderr) == (0, "")


# What is deprecated


@pytest.fixture
def old_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook for gates is deprecated."""
    hook = gates.loopengt_register_gates
    monkeypatch.setattr(hook, "loopengt_deprecations", (), raising=False)
    deprecated("1.1", "2.0", "loopengt_register_checks")(hook)


def using(hook: str, **more: object) -> Any:
    """Make a plugin with one hook."""

    def implementation(register: Any) -> None:
        register("thing", object(), summary="A thing")

    return SimpleNamespace(**{hook: hookimpl(implementation)}, **more)


def test_no_hook_is_deprecated_yet() -> None:
    """A hook without the mark is not deprecated."""
    assert deprecations_of(gates.loopengt_register_gates) == ()


@pytest.mark.usefixtures("old_gates")
def test_a_deprecated_hook_works_and_is_told_of(tmp_path: Path) -> None:
    """Plugin, hook, replacement and the version of removal are named; no Python warning is given."""
    plugins = [("old", using("loopengt_register_gates")), ("new", using("loopengt_register_metrics"))]
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        kernel = Kernel(tmp_path, plugins=plugins, environ={})
        old, new = record(kernel, "old"), record(kernel, "new")
    assert not given
    assert old.status == "loaded"
    assert "thing" in kernel.names("gates")
    assert new.deprecations == []
    assert old.deprecations == [
        "the plugin 'old' uses loopengt_register_gates, deprecated since hooks 1.1, to be removed in 2.0: "
        "use loopengt_register_checks"
    ]


def test_a_deprecated_argument_is_told_of_where_it_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An implementation that leaves the argument out has nothing to mend."""
    hook = gates.loopengt_register_gates
    monkeypatch.setattr(hook, "loopengt_deprecations", (), raising=False)
    deprecated("1.3", "2.0", "the argument 'add'", argument="register")(hook)
    without = SimpleNamespace(loopengt_register_gates=hookimpl(lambda: None))
    plugins = [("with", using("loopengt_register_gates")), ("without", without)]
    kernel = Kernel(tmp_path, plugins=plugins, environ={})
    assert "'register' of loopengt_register_gates" in record(kernel, "with").deprecations[0]
    assert record(kernel, "without").deprecations == []


DEPRECATING = """
import sys
import warnings
warnings.simplefilter("error")
from loopengt_hookspecs import deprecated, gates
deprecated("1.1", "2.0", "loopengt_register_checks")(gates.loopengt_register_gates)
from loopengt.cli import main
sys.exit(main({arguments}))
"""


@pytest.mark.parametrize("command", [["plugins", "list"], ["plugins", "info", "acme"], ["doctor"]])
def test_commands_tell_of_it_once(site: Site, project: Path, command: list[str]) -> None:
    """Each command that looks at plugins says it once for a plugin; with warnings as errors all goes well."""
    import subprocess

    site.install("acme", {"acme": "acme_old"}, {"acme_old": GATE})
    script = DEPRECATING.format(arguments=command)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env=site.program_environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = done.stdout + done.stderr
    assert told.count("the plugin 'acme' uses loopengt_register_gates, deprecated") == 1, told
    assert "Warning" not in told


def test_other_commands_do_not_tell_of_it(site: Site, project: Path) -> None:
    """A person who runs loops is not bothered with what only an author can mend."""
    import subprocess

    site.install("acme", {"acme": "acme_quiet"}, {"acme_quiet": GATE})
    script = DEPRECATING.format(arguments=["schema"])
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project,
        env=site.program_environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)
