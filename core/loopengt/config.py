"""Settings: ``.loopengt/config.toml``, overridden by the environment, overridden by the command line.

The environment variable of ``key`` in ``[section]`` is ``LOOPENGT_SECTION__KEY``; on the command line it
is ``-o section.key=value``. A plugin's option is ``LOOPENGT_PLUGINS__NAME__OPTION`` and
``-o NAME.option=value``. A list is written with commas; a plugin's option that begins with ``[`` or ``{``
is read as a TOML value.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from loopengt.errors import ConfigError
from loopengt.naming import hint, normalise
from loopengt.toml_text import parse_toml, read_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "SECTIONS",
    "AgentSettings",
    "Config",
    "Defaults",
    "EngineSettings",
    "JudgeSettings",
    "MemorySettings",
    "ObserverSettings",
    "PluginSettings",
    "RedactionSettings",
    "StorageSettings",
    "default_of",
    "load_config",
]


@dataclass(frozen=True, slots=True)
class Defaults:
    """``[defaults]``: what agents get whose spec does not say; empty: the contract's own default."""

    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """``[engine]``: what drives runs."""

    name: str = "local"
    middleware: tuple[str, ...] = ()
    """Middleware around every attempt, outermost first."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """``[agents]``: what agents without a provider of their own are done by."""

    auto: tuple[str, ...] = ()
    """Providers that ``provider: auto`` chooses from, the first that this machine can use; empty: a built-in order."""


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """``[judges]``: whom judges ask that name no agent."""

    provider: str = ""
    """Empty: the provider auto, the first that this machine can use."""
    model: str = ""


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """``[memory]``: where memories are kept, and who embeds their texts."""

    name: str = "sqlite"
    embedder: str = ""
    """Empty: memories are searched by words alone."""


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """``[observers]``: who watches every run."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """``[plugins]``: which are switched off; the tables below it are the plugins' options."""

    disabled: tuple[str, ...] = ()
    """Plugin or distribution names."""


@dataclass(frozen=True, slots=True)
class RedactionSettings:
    """``[redaction]``: what is kept out of journals, and out of all that is shown or sent."""

    patterns: tuple[str, ...] = ()
    """Regular expressions."""
    names: tuple[str, ...] = ()
    """Environment variables whose values are secrets although their names do not say so."""
    tokens: bool = True
    """Whether what looks like a well-known token or a private key is kept out of what is shown or sent."""


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """``[storage]``: where journals are kept."""

    name: str = "sqlite"


SECTIONS: dict[str, type[Any]] = {
    "agents": AgentSettings,
    "defaults": Defaults,
    "engine": EngineSettings,
    "judges": JudgeSettings,
    "memory": MemorySettings,
    "observers": ObserverSettings,
    "plugins": PluginSettings,
    "redaction": RedactionSettings,
    "storage": StorageSettings,
}
"""Every section and its settings: a field with a tuple takes a list of texts, one with a bool true or false, any other
a text."""

PLUGIN_SECTIONS = ("mcp",)
"""Sections that are short for the options of the plugin of that name: ``[mcp]`` for ``[plugins.mcp]``."""


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, from all places."""

    agents: AgentSettings = field(default_factory=AgentSettings)
    defaults: Defaults = field(default_factory=Defaults)
    engine: EngineSettings = field(default_factory=EngineSettings)
    judges: JudgeSettings = field(default_factory=JudgeSettings)
    memory: MemorySettings = field(default_factory=MemorySettings)
    observers: ObserverSettings = field(default_factory=ObserverSettings)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    redaction: RedactionSettings = field(default_factory=RedactionSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Options by plugin, as written: the plugin's own model validates them at first use."""
    sources: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Where a setting was made, by its path, such as ``("engine", "name")``."""

    def source(self, *path: str) -> str:
        """Say where a setting was made, for messages; its default has no source."""
        while path:
            if path in self.sources:
                return self.sources[path]
            path = path[:-1]
        return "the default settings"


@dataclass(frozen=True, slots=True)
class _Setting:
    path: tuple[str, ...]
    value: Any
    source: str
    text: bool
    """Whether the value is text from the environment or the command line, still to be converted."""


def load_config(
    file: Path,
    *,
    environ: Mapping[str, str],
    options: Mapping[str, str],
    tables: Mapping[str, Any] | None = None,
) -> Config:
    """Read and check all settings; options of plugins are checked later, by the plugins' models.

    Args:
        file: Path of config.toml; need not exist.
        environ: The environment.
        options: Options of the command line, ``section.key`` to text.
        tables: Used in place of the file's tables when given.

    Raises:
        ConfigError: One or more settings are not usable; the message names all of them.
    """
    if tables is None:
        tables = read_tables(file)
    problems: list[str] = []
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    plugins: dict[str, dict[str, Any]] = {}
    sources: dict[tuple[str, ...], str] = {}
    for setting in [*_from_tables(tables, str(file)), *_from_environ(environ), *_from_options(options)]:
        try:
            if setting.path[0] == "plugins" and len(setting.path) > 2:
                _set_option(plugins, setting)
            else:
                values[setting.path[0]][setting.path[-1]] = _checked(setting)
        except ConfigError as exc:
            problems.append(str(exc))
        else:
            sources[tuple(filter(None, setting.path))] = setting.source
    if problems:
        raise ConfigError("\n".join(problems))
    sections = {name: settings(**values[name]) for name, settings in SECTIONS.items()}
    return Config(**sections, options=plugins, sources=sources)


def _from_tables(tables: Mapping[str, Any], source: str) -> Iterator[_Setting]:
    for section, table in tables.items():
        if not isinstance(table, dict):
            yield _Setting((section,), table, source, False)
            continue
        if section in PLUGIN_SECTIONS:
            yield from _from_tables({"plugins": {section: table}}, source)
            continue
        for key, value in table.items():
            if section == "plugins" and isinstance(value, dict):
                name = normalise(key)
                yield _Setting(("plugins", name, ""), {}, source, False)  # a table may be empty
                for option, chosen in value.items():
                    yield _Setting(("plugins", name, option), chosen, source, False)
            else:
                yield _Setting((section, key), value, source, False)


def _from_environ(environ: Mapping[str, str]) -> Iterator[_Setting]:
    for variable in sorted(environ):
        if variable.startswith("LOOPENGT_") and "__" in variable:
            path = tuple(variable.removeprefix("LOOPENGT_").lower().split("__"))
            if path[0] in PLUGIN_SECTIONS:
                path = ("plugins", *path)
            yield _Setting(path, environ[variable], variable, True)


def _from_options(options: Mapping[str, str]) -> Iterator[_Setting]:
    for key, value in options.items():
        path = tuple(key.split("."))
        if len(path) < 2 or not all(path):
            raise ConfigError(f"-o {key}={value}: {key!r} is not SECTION.KEY", remedy=_SECTIONS_REMEDY)
        if path[0] not in SECTIONS:
            path = ("plugins", *path)
        if path[0] == "plugins":
            path = ("plugins", normalise(path[1]), *path[2:])
        yield _Setting(path, value, f"-o {key}", True)


_SECTIONS_REMEDY = (
    f"write -o SECTION.KEY=VALUE with a section of {', '.join(SECTIONS)}, or -o PLUGIN.OPTION=VALUE"
)


def default_of(section: str, key: str) -> Any:
    """Return the default of a setting.

    Raises:
        ConfigError: There is no such setting; the message names the nearest.
    """
    if section not in SECTIONS:
        raise ConfigError(f"there is no section {section!r}{hint(section, SECTIONS)}")
    defaults = {setting.name: setting.default for setting in fields(SECTIONS[section])}
    if key not in defaults:
        remedy = f"a plugin's options stand in a table, [plugins.{key}]" if section == "plugins" else ""
        raise ConfigError(f"[{section}] has no key {key!r}{hint(key, defaults)}", remedy=remedy)
    return defaults[key]


def _checked(setting: _Setting) -> Any:
    """Return the value of one of the kernel's own settings.

    Raises:
        ConfigError: There is no such setting, or its value is of the wrong type.
    """
    where = f"{setting.source}: {'.'.join(setting.path)}"
    section, key, *deeper = *setting.path, ""  # a section that is no table has no key
    try:
        default = default_of(section, key)
    except ConfigError as exc:
        raise ConfigError(f"{where}: {exc.message}", remedy=exc.remedy) from exc
    if len(deeper) > 1:
        raise ConfigError(f"{where}: {section}.{key} is not a table")
    if isinstance(default, tuple):
        value = _as_list(setting)
        fits = isinstance(value, tuple) and all(isinstance(item, str) and item for item in value)
        if fits and setting.path == ("redaction", "patterns"):
            _check_patterns(value, where)
    elif isinstance(default, bool):
        value = _SWITCH.get(setting.value.lower(), setting.value) if setting.text else setting.value
        fits = isinstance(value, bool)
    else:
        value = setting.value
        fits = isinstance(value, str) and value != ""
    if not fits:
        expected = {tuple: "a list of texts", bool: "true or false"}.get(type(default), "a text")
        raise ConfigError(f"{where}: {expected} is expected, not {setting.value!r}")
    return value


_SWITCH = dict.fromkeys(("true", "1", "on", "yes"), True) | dict.fromkeys(("false", "0", "off", "no"), False)


def _check_patterns(patterns: tuple[str, ...], where: str) -> None:
    import re

    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as exc:
            raise ConfigError(f"{where}: {pattern!r} is not a regular expression: {exc}") from exc


def _as_list(setting: _Setting) -> Any:
    value = setting.value
    # Commas and brackets are part of patterns: what is no TOML list of texts is one pattern.
    if setting.text and setting.path == ("redaction", "patterns") and not value.startswith(('["', "['")):
        return (value,)
    if setting.text and not value.startswith("["):
        return tuple(filter(None, (item.strip() for item in value.split(","))))
    if setting.text:
        value = _toml_value(setting)
    return tuple(value) if isinstance(value, list) else value


def _toml_value(setting: _Setting) -> Any:
    return parse_toml(f"value = {setting.value}", setting.source)["value"]


def _set_option(plugins: dict[str, dict[str, Any]], setting: _Setting) -> None:
    """Set a plugin's option; a path of more than one option goes into tables within."""
    table = plugins.setdefault(setting.path[1], {})
    *tables, option = setting.path[2:]
    for key in tables:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise ConfigError(f"{setting.source}: {'.'.join(setting.path)}: {key!r} is not a table")
    if option:
        value = setting.value
        as_toml = setting.text and value[:1] in ("[", "{")
        # A copy, since a deeper setting of a stronger place may be written into it.
        table[option] = _toml_value(setting) if as_toml else deepcopy(value)
