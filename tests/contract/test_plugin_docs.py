"""The pages of docs/plugins: they are what the contracts say, and no extension point lacks anything."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopengt.testing.suites import SUITES, rules, suite_for
from loopengt_hookspecs import API_VERSION, EXTENSION_POINTS

from ..docs.fragments import completed
from .plugin_examples import EXAMPLES, KINDS, PLUGIN, component_name, kernel_with

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "plugins"
GENERATOR = ROOT / "scripts" / "generate-plugin-docs"


def page(kind: str) -> str:
    """Return the text of a page."""
    return (PAGES / f"{kind}.md").read_text(encoding="utf-8")


def blocks(kind: str, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page(kind), re.MULTILINE | re.DOTALL)


def test_the_pages_are_up_to_date() -> None:
    """Generating the pages anew gives the pages that are there; else run scripts/generate-plugin-docs."""
    done = subprocess.run(
        [sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


@pytest.mark.slow
def test_a_stale_page_is_found_and_written(tmp_path: Path) -> None:
    """--check names a page that differs and changes nothing; without it the page is written, and only that one."""
    copy = tmp_path / "copy"
    for part in ("hookspecs", "core", "scripts", "docs/plugins", "plugins"):
        for path in (ROOT / part).rglob("*"):
            wanted = path.is_file() and (path.suffix in (".py", ".md") or path == GENERATOR)
            if wanted and (part != "plugins" or path.name == "plugin.py"):
                target = copy / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    generate = [sys.executable, str(copy / "scripts" / GENERATOR.name)]
    subprocess.run(generate, check=True, capture_output=True, timeout=60)
    gates = copy / "hookspecs" / "loopengt_hookspecs" / "gates.py"
    gates.write_text(
        gates.read_text("utf-8").replace("Register kinds of gates.", "Register what checks."), "utf-8"
    )

    def run(*arguments: str) -> tuple[str, int]:
        environ = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [*generate, *arguments], capture_output=True, text=True, timeout=60, env=environ
        )
        assert done.stderr == ""
        return done.stdout, done.returncode

    assert run("--check") == ("docs/plugins/gates.md is not up to date\n", 1)
    assert run() == ("docs/plugins/gates.md written\n", 0)
    assert "Register what checks." in (copy / "docs" / "plugins" / "gates.md").read_text("utf-8")
    assert run("--check") == ("", 0)


@pytest.mark.parametrize("kind", KINDS)
def test_no_hook_lacks_anything(kind: str) -> None:
    """Each extension point has a page, an example, a way to use it, a suite with rules, and a built-in plugin."""
    assert (PAGES / f"{kind}.md").is_file()
    assert (EXAMPLES / f"{kind}.py").is_file()
    assert (ROOT / "scripts" / "plugin_docs" / "usage" / f"{kind}.md").read_text("utf-8").strip()
    assert rules(suite_for(kind)), f"{SUITES[kind]} has no rules"
    hook = f"def loopengt_register_{kind}("
    users = [file for file in (ROOT / "plugins").glob("*/plugin.py") if hook in file.read_text("utf-8")]
    assert users


def test_nothing_is_documented_that_is_not_there() -> None:
    """There is no page and no example of an extension point that does not exist."""
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == KINDS
    assert sorted({path.stem for path in PAGES.glob("*.md")} - {"index", "shared", "data"}) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_says_all_that_its_contract_says(kind: str) -> None:
    """Every public class of the module, each method, field and property with it, and the whole example are there."""
    text = page(kind)
    module = import_module(EXTENSION_POINTS[kind])
    assert f"def loopengt_register_{kind}(" in text
    for name, one in vars(module).items():
        if not inspect.isclass(one) or name.startswith("_") or one.__module__ != module.__name__:
            continue
        assert f"### {name}\n" in text
        members = [
            *getattr(one, "__annotations__", {}),
            *(key for key in vars(one) if not key.startswith("_")),
        ]
        missing = [key for key in members if not re.search(rf"\b{key}\b", text)]
        assert not missing, f"{name}: {missing}"
    assert (EXAMPLES / f"{kind}.py").read_text("utf-8") in blocks(kind, "python")
    for name in rules(suite_for(kind)):
        assert f"`{name}`" in text


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_is_short(kind: str) -> None:
    """An example can be read at once: at most 55 lines, of which the hook is one."""
    text = (EXAMPLES / f"{kind}.py").read_text("utf-8")
    assert len(text.splitlines()) <= 55
    assert text.count("@hookimpl") == (2 if kind == "options" else 1)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if blocks(kind, "yaml")])
def test_the_yaml_of_a_page_is_valid_with_its_example(kind: str, tmp_path: Path) -> None:
    """A loop with what the page shows is accepted by a kernel that has the example, and not without it."""
    name = component_name(kind, tmp_path)
    shown = [text for text in blocks(kind, "yaml") if name in text]
    assert bool(shown) != (kind == "templates")  # whose docstring shows a file of a template
    for number, text in enumerate(shown):
        file = tmp_path / f"loop{number}.yaml"
        file.write_text(yaml.safe_dump(completed(yaml.safe_load(text))), encoding="utf-8")
        assert kernel_with(kind, tmp_path).load_spec(file)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if blocks(kind, "toml")])
def test_the_toml_of_a_page_is_valid_with_its_example(kind: str, tmp_path: Path) -> None:
    """The settings that the page shows are accepted, with the example under the name that the page gives it."""
    for text in blocks(kind, "toml"):
        tables: dict[str, Any] = tomllib.loads(text)
        kernel = kernel_with(kind, tmp_path, config=tables)
        assert kernel.config
        assert kernel.problems() == []
        for plugin in tables.get("plugins", {}):
            kernel.plugin_options(plugin)
    if kind == "options":
        assert kernel.plugin_options(PLUGIN).seconds == 2.5


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of a page names a file, and a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        file = (path.parent / name) if name else path
        assert file.is_file(), f"{path.name} links to {target}"
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            known = [re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings]
            assert heading in known, f"{path.name} links to {target}"


def test_the_version_of_the_hooks_is_said() -> None:
    """The index, the shared page and the policy name the version that the contracts have."""
    major, minor = API_VERSION
    assert f'LOOPENGT_API = "{major}.{minor}"' in page("index")
    assert f"`API_VERSION = ({major}, {minor})`" in page("shared")
    assert f"{major}.{minor}" in (ROOT / "docs" / "deprecation.md").read_text("utf-8")
