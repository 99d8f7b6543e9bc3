"""Loads plugins one by one, each isolated from the others, and keeps what they register."""

from __future__ import annotations

import inspect
import time
from importlib import import_module
from itertools import groupby
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from loopengt.api_version import DECLARATION, check_declared
from loopengt.errors import ComponentNotFound, PluginError
from loopengt.naming import hint, is_word, singular
from loopengt.plugins import Component
from loopengt_hookspecs import EXTENSION_POINTS, PROJECT, deprecations_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loopengt.discovery import Candidate, Switches
    from loopengt.plugins import PluginRecord

__all__ = ["HOOK_PREFIX", "Registry"]

HOOK_PREFIX = "loopengt_register_"
OPTIONS = "options"


class Registry:
    """The components of a kernel's plugins."""

    def __init__(self, *, strict: bool = False, trace: Callable[[str], None] | None = None) -> None:
        self.records: list[PluginRecord] = []
        """Every plugin that was found, sorted by name; of two with one name the loaded one is first."""
        self.components: dict[str, dict[str, Component]] = {
            kind: {} for kind in sorted(EXTENSION_POINTS) if kind != OPTIONS
        }
        """Components by kind and name."""
        self.options: dict[str, Any] = {}
        """Options model, or the reference to it, by plugin."""
        self._strict = strict
        self._trace = trace
        self._manager = pluggy.PluginManager(PROJECT)
        for module in dict.fromkeys(EXTENSION_POINTS.values()):
            self._manager.add_hookspecs(import_module(module))

    def load_all(self, candidates: Iterable[Candidate], switches: Switches) -> None:
        """Load what is switched on, in the order of rank; afterwards ``records`` tells of each."""
        wanted: list[Candidate] = []
        for candidate in candidates:
            refusal = switches.refusal(candidate)
            if refusal:
                self.records.append(candidate.record("disabled", *refusal))
            else:
                wanted.append(candidate)
        wanted.sort(key=lambda candidate: candidate.rank)
        taken: dict[str, Candidate] = {}
        for candidate in wanted:
            first = taken.setdefault(candidate.name, candidate)
            self.records.append(self._load(candidate) if first is candidate else _shadowed(candidate, first))
        self.records.sort(key=lambda record: (record.name, record.status != "loaded", record.distribution))

    def of_kind(self, kind: str) -> dict[str, Component]:
        """Return the components of a kind by name.

        Raises:
            ComponentNotFound: There is no such kind.
            PluginError: The registry is strict, and a plugin failed.
        """
        failed = [record for record in self.records if record.status == "failed"]
        if self._strict and failed:
            lines = [f"the plugin {record.name!r} failed: {record.reason}" for record in failed]
            remedy = "mend or disable what failed, or unset LOOPENGT_STRICT_PLUGINS"
            raise PluginError("\n".join(lines), remedy=remedy)
        if kind not in self.components:
            raise ComponentNotFound(f"there is no kind of component {kind!r}{hint(kind, self.components)}")
        return self.components[kind]

    def find(self, kind: str, name: str) -> Component:
        """Return a component.

        Raises:
            ComponentNotFound: No loaded plugin registers it; the message names the nearest.
        """
        known = self.of_kind(kind)
        if name in known:
            return known[name]
        idle = [f"{record.name} ({record.status})" for record in self.records if record.status != "loaded"]
        remedy = "see loopengt plugins list" + (f"; not loaded: {', '.join(idle)}" if idle else "")
        message = f"no plugin registers the {singular(kind)} {name!r}{hint(name, known)}"
        raise ComponentNotFound(message, remedy=remedy)

    def _load(self, candidate: Candidate) -> PluginRecord:
        record = candidate.record("loaded")
        registration = _Registration(self, record.name)
        try:
            started = time.perf_counter()
            module = candidate.load()
            record.import_seconds = time.perf_counter() - started
            record.origin = getattr(module, "__file__", None) or record.origin
            self._say(f"{record.name}: imported {record.origin} in {record.import_seconds * 1e3:.1f} ms")
            check_declared(getattr(module, DECLARATION, None), candidate.distribution)
            self._call_hooks(record, module, registration)
        # A plugin that calls sys.exit at import must not end the program either.
        except (Exception, SystemExit) as exc:
            _mark_failed(record, exc)
            self._say(f"{record.name}: failed: {record.reason}")
        else:
            registration.commit()
            record.provides = registration.provided()
        registration.closed = True
        return record

    def _call_hooks(self, record: PluginRecord, plugin: object, registration: _Registration) -> None:
        self._check_hooks(plugin)
        if not is_word(record.name) or record.name == "disabled":
            raise PluginError(
                f"{record.name!r} cannot be the name of a plugin",
                remedy="name its entry point with a letter, then letters, digits and _",
            )
        for name, other in self._manager.list_name_plugin():
            if other is plugin:
                raise PluginError(f"it is the same module as the plugin {name!r}", remedy="remove one entry")
        self._manager.register(plugin, record.name)
        for caller in self._manager.get_hookcallers(plugin) or []:
            for hook in caller.get_hookimpls():
                if hook.plugin is plugin:
                    record.hooks.append(caller.name)
                    record.deprecations += _deprecations(record.name, caller, hook)
                    self._call(record.name, caller.name, hook, registration)

    def _call(self, plugin: str, name: str, hook: pluggy.HookImpl, registration: _Registration) -> None:
        if inspect.iscoroutinefunction(hook.function) or hook.wrapper or hook.hookwrapper:
            raise PluginError(
                f"{name} is a coroutine function or a wrapper, so it would register nothing",
                remedy="make it a plain function; async work belongs on the object that it registers",
            )
        register = registration.for_kind(name.removeprefix(HOOK_PREFIX))
        started = time.perf_counter()
        hook.function(*[register for _ in hook.argnames])
        self._say(f"{plugin}: called {name} in {(time.perf_counter() - started) * 1e3:.1f} ms")

    def _check_hooks(self, plugin: object) -> None:
        known = [HOOK_PREFIX + kind for kind in EXTENSION_POINTS]
        for attribute in dir(plugin):
            marks = self._manager.parse_hookimpl_opts(plugin, attribute)
            hook = (marks and marks["specname"]) or attribute
            if isinstance(inspect.getattr_static(plugin, attribute, None), ModuleType):
                continue
            if hook in known:
                if marks is None:
                    raise PluginError(
                        f"{attribute} is not marked as a hook, so it would never be called",
                        remedy="write @hookimpl above it (from loopengt import hookimpl)",
                    )
            elif attribute.startswith(f"{PROJECT}_") or (marks and not marks["optionalhook"]):
                raise PluginError(
                    f"there is no hook {hook!r}{hint(hook, known)}",
                    remedy=f"rename it; names that begin with {PROJECT}_ are kept for hooks",
                )

    def _say(self, line: str) -> None:
        if self._trace:
            self._trace(line)


class _Registration:
    """What one plugin hands over while its hooks are called; nothing counts before ``commit``."""

    def __init__(self, registry: Registry, plugin: str) -> None:
        self.closed = False
        self._registry = registry
        self._plugin = plugin
        self._components: dict[tuple[str, str], Component] = {}
        self._options: list[Any] = []

    def for_kind(self, kind: str) -> Callable[..., None]:
        """Make the callable that a hook of that kind receives."""
        if kind == OPTIONS:
            return self._register_options

        def register(name: str, target: Any, *, summary: str) -> None:
            self._register(Component(kind, name, summary, self._plugin, target))

        return register

    def commit(self) -> None:
        """Make the components part of the registry."""
        for (kind, name), component in self._components.items():
            self._registry.components[kind][name] = component
        for model in self._options:
            self._registry.options[self._plugin] = model

    def provided(self) -> dict[str, list[str]]:
        """Return the registered names by kind."""
        return {
            kind: [name for _, name in group]
            for kind, group in groupby(sorted(self._components), key=lambda key: key[0])
        }

    def _register(self, component: Component) -> None:
        what = f"{singular(component.kind)} {component.name!r}"
        self._check_open(what)
        _check_component(component, what)
        key = (component.kind, component.name)
        other = self._components.get(key) or self._registry.components[component.kind].get(component.name)
        if other and other.plugin == self._plugin:
            raise PluginError(f"it registers the {what} twice", remedy="give one of them another name")
        if other:
            raise PluginError(
                f"the plugins {other.plugin!r} and {self._plugin!r} both register the {what}",
                remedy=f"disable either: loopengt plugins disable {other.plugin}, "
                f"or loopengt plugins disable {self._plugin}",
            )
        self._components[key] = component

    def _register_options(self, target: Any) -> None:
        self._check_open("options model")
        if self._options:
            raise PluginError("it registers a second options model", remedy="register one model")
        self._options.append(target)

    def _check_open(self, what: str) -> None:
        if self.closed:
            raise PluginError(
                f"the plugin {self._plugin!r} registers the {what} after it was loaded",
                remedy="call register inside the hook, while it runs",
            )


def _check_component(component: Component, what: str) -> None:
    remedy = f'write register("name", target, summary="One line") in {HOOK_PREFIX}{component.kind}'
    if not is_word(component.name):
        raise PluginError(f"the {what} is not named by a word: letters, digits, - and _", remedy=remedy)
    summary = component.summary
    if not isinstance(summary, str) or not summary.strip() or "\n" in summary:
        raise PluginError(f"the summary of the {what} is not one line of text", remedy=remedy)
    target = component.target
    if target is None or (isinstance(target, str) and not is_reference(target)):
        raise PluginError(f"the target of the {what} is {target!r}, not 'module:attribute'", remedy=remedy)


def is_reference(text: str) -> bool:
    """Whether a text has the form ``package.module:attribute``."""
    module, colon, attribute = text.partition(":")
    return bool(colon) and all(part.isidentifier() for part in f"{module}.{attribute}".split("."))


def _deprecations(plugin: str, caller: pluggy.HookCaller, hook: pluggy.HookImpl) -> list[str]:
    """Say which parts of a hook a plugin uses that are deprecated."""
    marks = deprecations_of(caller.spec.function) if caller.spec else ()
    used = [mark for mark in marks if not mark.argument or mark.argument in hook.argnames]
    return [f"the plugin {plugin!r} uses {mark.sentence(caller.name)}" for mark in used]


def _shadowed(candidate: Candidate, first: Candidate) -> PluginRecord:
    return candidate.record(
        "failed",
        f"two plugins are named {candidate.name!r}: {first.provenance}, which is loaded, and "
        f"{candidate.provenance}, which is not",
        f"uninstall one, or disable either: loopengt plugins disable {candidate.qualified}, "
        f"or loopengt plugins disable {first.qualified}",
    )


def _mark_failed(record: PluginRecord, exc: BaseException) -> None:
    record.status = "failed"
    record.provides = {}
    if isinstance(exc, PluginError):
        record.reason, record.remedy = exc.message, exc.remedy
        return
    import traceback

    record.reason = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    record.traceback = "".join(traceback.format_exception(exc))
