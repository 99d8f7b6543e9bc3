"""Says what is wrong with a block of data or code, without executing it.

What a block of YAML is, it says by its keys, such as those of a loop or a part of one, which is completed with what it
names; or its mark says so: ``as=gates``, ``as=judges``, ``as=suite``, ``as=template``, ``as=template-loop``,
``as=answers``, ``as=data`` (of another program).
TOML is the project's config unless it is marked ``as=data`` or ``as=pyproject``.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import yaml

from loopengt import Kernel
from loopengt.errors import LoopengtError
from loopengt.evaluating import judge_specs
from loopengt.spec import check_model, parse_document
from loopengt.templates import find_template
from loopengt_evals.suites.model import EvalSuite
from loopengt_hookspecs.models import JudgeSpec, LoopSpec, VerificationGate

from .commands import commands_of, problems_of, synopsis_of
from .fragments import completed, write_children

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .blocks import Block

__all__ = ["check"]

SUITE = {"name": "shown", "loop": "loop.yaml", "cases": [{"id": "one"}]}
"""What a part of a suite is completed with."""


def check(block: Block, folder: Path) -> list[str]:
    """Return what is wrong with a block.

    Args:
        block: The block.
        folder: An empty folder to work in.
    """
    checker = _CHECKERS.get(block.language)
    if checker is None:
        return [f"{block.place}: nothing checks {block.language!r}; there are {', '.join(_CHECKERS)}"]
    (folder / ".loopengt").mkdir(exist_ok=True)
    try:
        found = checker(block, folder)
    except (LoopengtError, ValueError, SyntaxError, ImportError, yaml.YAMLError) as exc:
        found = [str(exc)]
    return [f"{block.place}: {problem}" for problem in found]


def _shell(block: Block, _: Path) -> list[str]:
    return [problem for command in commands_of(block) for problem in problems_of(command.text)]


def _text(block: Block, _: Path) -> list[str]:
    synopsis = synopsis_of(block.text)
    if not synopsis and re.search(r"^(\$ |(pip install|loopengt) )", block.text, re.MULTILINE):
        return ["it holds commands: call it sh or console"]
    return [problem for line in synopsis for problem in problems_of(line)]


def _json(block: Block, _: Path) -> list[str]:
    json.loads(block.text)
    return []


def _toml(block: Block, folder: Path) -> list[str]:
    tables = tomllib.loads(block.text)
    kind = block.marks.get("as", "config")
    if kind in ("data", "pyproject"):
        return []
    if kind != "config":
        return [f"there is no as={kind} for TOML"]
    (folder / ".loopengt" / "config.toml").write_text(block.text, encoding="utf-8")
    kernel = Kernel(folder, environ={})
    _ = kernel.config
    found = list(kernel.problems())
    for plugin in tables.get("plugins", {}).keys() | tables.keys() & {"mcp"}:
        if isinstance(tables.get("plugins", {}).get(plugin, {}), dict):
            kernel.plugin_options(plugin)
    return found


def _python(block: Block, folder: Path) -> list[str]:
    """Compile, and look every imported name up; of what is skipped, those that loopengt itself has."""
    tree = ast.parse(block.text)
    compile(tree, block.place, "exec")
    known = {name for name, _ in _own_modules(block)}
    found = []
    ours = ("loopengt", "loopengt_hookspecs")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module not in known:
            if "skip" in block.marks and node.module.partition(".")[0] not in ours:
                continue
            module = importlib.import_module(node.module)
            found += [
                f"{node.module} has no {alias.name}"
                for alias in node.names
                if not hasattr(module, alias.name)
            ]
        elif isinstance(node, ast.Import) and "skip" not in block.marks:
            for alias in node.names:
                importlib.import_module(alias.name)
    return found or _hooks(block, tree, folder)


def _own_modules(block: Block) -> list[tuple[str, str]]:
    """Modules that the page itself shows as files."""
    from .blocks import pages

    page = next((page for page in pages() if page.path == block.page), None)
    files = [other.file for other in page.blocks if other.file] if page else []
    return [(file.removesuffix(".py").replace("/", "."), file) for file in files if file.endswith(".py")]


def _hooks(block: Block, tree: ast.Module, folder: Path) -> list[str]:
    """Put a block that is a plugin into a project; everything that it registers is there then."""
    hooks = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("loopengt_register_")
        and any(isinstance(mark, ast.Name) and mark.id == "hookimpl" for mark in node.decorator_list)
    ]
    if not hooks or "skip" in block.marks:
        return []
    (folder / "loopengt_plugins.py").write_text(block.text, encoding="utf-8")
    kernel = Kernel(folder, environ={"LOOPENGT_ALLOW_PROJECT_PLUGINS": "1"})
    failed = [f"{plugin.name}: {plugin.reason}" for plugin in kernel.plugins if plugin.status == "failed"]
    for hook in hooks:
        kind = hook.removeprefix("loopengt_register_")
        mine = [part for part in kernel.components if part.kind == kind and part.plugin == "project"]
        failed += [] if mine or kind == "options" else [f"{hook} registered nothing"]
        for component in mine:
            kernel.get(kind, component.name)
    return failed


def _yaml(block: Block, folder: Path) -> list[str]:
    data = yaml.safe_load(block.text)
    kind = block.marks.get("as") or _kind_of(data)
    checker = _YAML.get(kind)
    if checker is None:
        return [f"say what it is, by a mark: as={', as='.join(sorted(_YAML))}"]
    return checker(block, data, folder)


def _kind_of(data: Any) -> str:
    """What the keys alone say that it is; empty: nothing certain."""
    if isinstance(data, dict) and data:
        if data.keys() <= LoopSpec.model_fields.keys():
            return "loop"
        if data.keys() <= EvalSuite.model_fields.keys():
            return "suite"
        return "judges" if "kind" in data and data.keys() <= JudgeSpec.model_fields.keys() else ""
    items = data if isinstance(data, list) else []
    is_gate = (
        isinstance(item, dict) and "name" in item and item.keys() <= VerificationGate.model_fields.keys()
        for item in items
    )
    return "gates" if items and all(is_gate) else ""


def _loop(block: Block, data: Any, folder: Path) -> list[str]:
    whole = {"name", "goal", "steps"} <= data.keys()
    text = block.text if whole else yaml.safe_dump(completed(data), sort_keys=False, allow_unicode=True)
    (folder / "loop.yaml").write_text(text, encoding="utf-8")
    write_children(data, folder)
    Kernel(folder, environ={}).load_spec(folder / "loop.yaml", frozenset(_placeholders(block.text)))
    return []


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{([a-z_]+)[^{}]*\}", text))


def _gates(block: Block, data: Any, folder: Path) -> list[str]:
    judges = [gate["judge"] for gate in data if isinstance(gate.get("judge"), dict)]
    asked = {judge["agent"] for judge in judges if isinstance(judge.get("agent"), str)}
    agents = [{"name": name} for name in sorted({"worker"} | asked)]
    spec = completed(
        {"agents": agents, "policy": {"verification_gates": data}, "context": _context(block.text)}
    )
    (folder / "loop.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    Kernel(folder, environ={}).load_spec(folder / "loop.yaml")
    return []


def _context(text: str) -> dict[str, str]:
    return dict.fromkeys(re.findall(r"\bcontext\.([a-z_]+)", text), "given")


def _judges(block: Block, data: Any, folder: Path) -> list[str]:
    """Declarations of judges, as a file for ``-j``; their options are those that a gate would give."""
    (folder / "judges.yaml").write_text(block.text, encoding="utf-8")
    judge_specs(Kernel(folder, environ={}), [str(folder / "judges.yaml")])
    items = data if isinstance(data, list) else [data]
    return _gates(
        block, [{"name": f"g{at}", "kind": "judge", "judge": item} for at, item in enumerate(items)], folder
    )


def _template(block: Block, data: Any, folder: Path) -> list[str]:
    """A template.yaml, beside a loop that uses all its variables."""
    uses = "".join(f"  {name}: <<{name}>>\n" for name in data["variables"])
    loop = f"context:\n{uses}" + yaml.safe_dump(completed({}))
    _write_template(folder, loop, block.text)
    find_template(Kernel(folder, environ={}), "shown").open()
    return []


def _template_loop(block: Block, data: Any, folder: Path) -> list[str]:
    """A part of a template's loop, filled in."""
    names = re.findall(r"<<(\w+)>>", block.text)
    described = yaml.safe_dump(
        {"variables": {name: {"description": name} for name in names}} | {"description": "x"}
    )
    extra = {key: value for key, value in completed({"goal": "x"}).items() if key not in data}
    _write_template(folder, block.text + yaml.safe_dump(extra), described)
    filled = find_template(Kernel(folder, environ={}), "shown").open().fill(dict.fromkeys(names, "7"))
    (folder / "loop.yaml").write_text(filled["loop.yaml"], encoding="utf-8")
    Kernel(folder, environ={}).load_spec(folder / "loop.yaml")
    return []


def _write_template(folder: Path, loop: str, about: str) -> None:
    home = folder / ".loopengt" / "templates" / "shown"
    home.mkdir(parents=True)
    (home / "loop.yaml").write_text(loop, encoding="utf-8")
    (home / "template.yaml").write_text(about, encoding="utf-8")


def _answers(block: Block, _: Any, folder: Path) -> list[str]:
    (folder / "answers.yaml").write_text(block.text, encoding="utf-8")
    kernel = Kernel(folder, environ={})
    agent = {
        "name": "it",
        "config": {"provider": "scripted", "extra": {"answers": yaml.safe_load(block.text)}},
    }
    (folder / "loop.yaml").write_text(yaml.safe_dump(completed({"agents": [agent]})), encoding="utf-8")
    kernel.load_spec(folder / "loop.yaml")
    return []


def _suite(block: Block, data: Any, folder: Path) -> list[str]:
    """A suite, or a part of one."""
    rest = {key: value for key, value in SUITE.items() if key not in data}
    document = parse_document(block.text + (yaml.safe_dump(rest) if rest else ""), "evals.yaml")
    problems = check_model(document, EvalSuite)[1]
    return [str(problem) for problem in [*document.problems, *problems]]


def _data(*_: Any) -> list[str]:
    return []


_YAML: dict[str, Callable[[Block, Any, Path], list[str]]] = {
    "answers": _answers,
    "data": _data,
    "gates": _gates,
    "judges": _judges,
    "loop": _loop,
    "suite": _suite,
    "template": _template,
    "template-loop": _template_loop,
}

_CHECKERS: dict[str, Callable[[Block, Path], list[str]]] = {
    "console": _shell,
    "json": _json,
    "python": _python,
    "sh": _shell,
    "text": _text,
    "toml": _toml,
    "yaml": _yaml,
}
