"""Imports one plugin in a process of its own and tells what came of it; run by ``loopengt plugins check``.

Reads a JSON object with ``name`` and ``value`` of the entry point from stdin, and writes one to stdout. Whatever the
plugin prints goes to stderr.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
from dataclasses import asdict
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pluggy

from loopengt.cli import cli
from loopengt.kernel import Kernel
from loopengt.naming import hint
from loopengt.registry import HOOK_PREFIX, Registry
from loopengt.resolving import load_reference
from loopengt_cli_plugins.checking.findings import ProbedComponent, ProbedPlugin
from loopengt_hookspecs import EXTENSION_POINTS, PROJECT

__all__ = ["probe"]

HOOKS = sorted(HOOK_PREFIX + kind for kind in EXTENSION_POINTS)


def probe(name: str, value: str) -> ProbedPlugin:
    """Import a plugin, look at its hooks, call them, and import what they register."""
    found = ProbedPlugin(name, value)
    module = _imported(found)
    if module is None:
        return found
    api = getattr(module, "LOOPENGT_API", None)
    found.api = None if api is None else str(api)
    found.findings += _hook_problems(module)
    if found.findings:
        return found
    _register(found, module)
    return found


def _imported(found: ProbedPlugin) -> Any:
    # What every call of loopengt has imported is no fault of the plugin.
    _ = cli
    Registry()
    before = set(sys.modules)
    started = time.perf_counter()
    try:
        module = EntryPoint(found.name, found.value, PROJECT).load()
    except (Exception, SystemExit) as exc:
        found.findings.append(f"it cannot be imported: {_words(exc)}")
        return None
    found.seconds = time.perf_counter() - started
    own = found.value.partition(":")[0].partition(".")[0]
    added = {name.partition(".")[0] for name in set(sys.modules) - before}
    found.modules = sorted(added - {own, "loopengt", "loopengt_hookspecs"})
    return module


def _hook_problems(plugin: Any) -> list[str]:
    """Say everything that is wrong with the hooks; loading would stop at the first."""
    manager = pluggy.PluginManager(PROJECT)
    problems, hooks = [], 0
    for attribute in dir(plugin):
        member = inspect.getattr_static(plugin, attribute, None)
        marks = manager.parse_hookimpl_opts(plugin, attribute)
        hook = (marks and marks["specname"]) or attribute
        if isinstance(member, ModuleType) or not (marks or attribute.startswith(f"{PROJECT}_")):
            continue
        hooks += 1
        if hook not in HOOKS:
            if not (marks and marks["optionalhook"]):
                problems.append(f"there is no hook {hook!r}{hint(hook, HOOKS)}")
        elif marks is None:
            problems.append(f"{attribute} is not marked as a hook: write @hookimpl above it")
        else:
            wrapper = marks["wrapper"] or marks["hookwrapper"]
            problems += _signature_problems(attribute, getattr(plugin, attribute), wrapper=wrapper)
    if not hooks:
        near = [name for name in dir(plugin) if "register" in name]
        seen = f" (it has {', '.join(near)})" if near else ""
        problems.append(
            f"it implements no hook{seen}: write a function such as {HOOKS[0]}, with @hookimpl above it"
        )
    return problems


def _signature_problems(name: str, function: Any, *, wrapper: bool) -> list[str]:
    if inspect.iscoroutinefunction(function) or wrapper:
        return [
            f"{name} is a coroutine function or a wrapper, and would register nothing: make it a plain function"
        ]
    arguments = list(inspect.signature(function).parameters)
    wrong = [argument for argument in arguments if argument != "register"]
    if wrong:
        return [f"{name} takes {', '.join(wrong)}; the one argument that a hook is given is called register"]
    return [] if arguments else [f"{name} takes no argument, so it can register nothing: take register"]


def _register(found: ProbedPlugin, module: Any) -> None:
    """Load the plugin as a kernel does, alone, and import what it registers."""
    kernel = Kernel(plugins=[(found.name, module)], config={}, environ={})
    record = kernel.plugins[0]
    found.hooks = record.hooks
    if record.status != "loaded":
        found.findings.append(record.reason + (f": {record.remedy}" if record.remedy else ""))
        return
    found.findings += record.deprecations
    for component in kernel.components:
        seen = ProbedComponent(component.kind, component.name, component.summary)
        found.components.append(seen)
        if isinstance(component.target, str):
            try:
                load_reference(component.target)
            except (Exception, SystemExit) as exc:
                seen.problem = f"{component.target} cannot be imported: {_words(exc)}"
    try:
        kernel.options_model(found.name)
    except Exception as exc:
        found.findings.append(str(exc))


def _words(exc: BaseException) -> str:
    return f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__


def main() -> None:
    """Answer one question."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    question = json.load(sys.stdin)
    with answers:
        json.dump(asdict(probe(question["name"], question["value"])), answers)


if __name__ == "__main__":
    main()
