"""The rules of the house that no linter knows: who is registered where, and who may import what."""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

import loopengt
from loopengt_hookspecs import EXTENSION_POINTS

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = sorted(folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "plugin.py").is_file())
SOURCES = sorted(path for floor in ("core", "hookspecs", "plugins") for path in (ROOT / floor).rglob("*.py"))

LONGEST = 350
"""Lines that a source file may have."""


def imports_of(path: Path, *, at_run_time: bool = True) -> set[str]:
    """Return the modules that a file imports, those under TYPE_CHECKING left out when asked."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if at_run_time and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        waiting.extend(ast.iter_child_nodes(node))
    return found


def test_every_built_in_plugin_is_registered_everywhere() -> None:
    """Each plugin folder is an entry point, a package of the wheel, and known to every import contract."""
    entries = PYPROJECT["project"]["entry-points"]["loopengt"]
    assert sorted(entries.values()) == [f"{name}.plugin" for name in PLUGINS]
    assert [f"loopengt_{name}" for name in entries] == [value.partition(".")[0] for value in entries.values()]
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(Path(package).name for package in packages if package.startswith("plugins/")) == PLUGINS
    contracts = {contract["name"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    assert set(PLUGINS) <= set(contracts["The contracts import nothing of ours"]["forbidden_modules"])
    assert contracts["The kernel never imports a plugin"]["forbidden_modules"] == PLUGINS
    assert contracts["Plugins never import each other"]["modules"] == PLUGINS


def test_the_version_is_the_same_everywhere() -> None:
    """``loopengt.__version__`` is what pyproject.toml says."""
    assert loopengt.__version__ == PYPROJECT["project"]["version"]


@pytest.mark.parametrize("kind", sorted(EXTENSION_POINTS))
def test_every_hook_is_documented(kind: str) -> None:
    """Each hookspec says what it registers, when it is called, its argument, its errors and since when."""
    hook = getattr(importlib.import_module(EXTENSION_POINTS[kind]), f"loopengt_register_{kind}")
    text = hook.__doc__ or ""
    assert text.startswith("Register "), text
    for part in ("Called once when the plugin is loaded", "Args:\n        register:", "Raises:", "Since: "):
        assert part in text, f"{part!r} is missing"


@pytest.mark.parametrize("kind", sorted(set(EXTENSION_POINTS) - {"options"}))
def test_every_kind_has_a_built_in_implementation(kind: str) -> None:
    """Each extension point is used by a built-in plugin."""
    hook = f"def loopengt_register_{kind}("
    users = [
        name
        for name in PLUGINS
        if hook in (ROOT / "plugins" / name / "plugin.py").read_text(encoding="utf-8")
    ]
    assert users


@pytest.mark.parametrize("name", PLUGINS)
def test_plugin_modules_are_cheap(name: str) -> None:
    """A plugin.py imports nothing at run time but the hook marker."""
    found = imports_of(ROOT / "plugins" / name / "plugin.py")
    allowed = {"__future__", "typing", "loopengt_hookspecs"}
    assert {module.partition(".")[0] for module in found} <= allowed, found


@pytest.mark.parametrize("name", PLUGINS)
def test_plugins_use_public_names_only(name: str) -> None:
    """No plugin imports a name of the kernel or the contracts that begins with an underscore."""
    for path in (ROOT / "plugins" / name).rglob("*.py"):
        for module in imports_of(path, at_run_time=False):
            if module.partition(".")[0] in ("loopengt", "loopengt_hookspecs"):
                assert not re.search(r"\._(?!_)", module), f"{path.name} imports {module}"


def test_contracts_need_nothing_but_pluggy_and_pydantic() -> None:
    """The hookspecs package imports pluggy, pydantic and the standard library, and nothing else."""
    allowed = {"pluggy", "pydantic", "pydantic_core", "loopengt_hookspecs", *sys.stdlib_module_names}
    for path in (ROOT / "hookspecs").rglob("*.py"):
        roots = {module.partition(".")[0] for module in imports_of(path)}
        assert roots <= allowed, f"{path.name} imports {sorted(roots - allowed)}"


def test_files_are_short() -> None:
    """No source file has grown past the house's limit."""
    long = {
        str(path.relative_to(ROOT)): n
        for path in SOURCES
        if (n := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def test_packages_are_typed() -> None:
    """Each package that is installed says that it is typed."""
    for package in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        assert (ROOT / package / "py.typed").is_file(), package
