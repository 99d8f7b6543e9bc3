"""The kernel: one project's config, plugins, components, storage and engine, each made on first need."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from loopengt.config import default_of, load_config
from loopengt.errors import ComponentNotFound, ConfigError, PluginError, StorageError
from loopengt.loading import Wanted, load_plugins
from loopengt.naming import normalise, singular
from loopengt.project import STATE_FOLDER, find_project, locate_project
from loopengt.resolving import load_model, make_component, stray_tables, validate_options
from loopengt.sharing import SharedStorage
from loopengt_hookspecs.registration import PluginContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt.config import Config
    from loopengt.plugins import Component, PluginRecord
    from loopengt.registry import Registry
    from loopengt.spec import KnownNames, LoadedSpec
    from loopengt_hookspecs.engines import Engine
    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.storage import Storage

__all__ = ["Kernel"]


class Kernel:
    """What a program or a test works with; it keeps no state outside itself, so there can be many.

    Args:
        project: The project folder; None: ``LOOPENGT_PROJECT``, else the nearest folder from the working
            directory upwards that has ``.loopengt/``, else the working directory.
        options: Settings that override config.toml and the environment, ``section.key`` to text.
        disabled: Plugins not to load, by plugin or distribution name.
        enabled: Plugins to load although they are disabled elsewhere.
        plugins: Exactly these plugins, as (name, module), in place of the installed ones.
        config: Tables used in place of the file config.toml.
        environ: Used in place of the environment.

    Raises:
        UsageError: The project folder does not exist.
    """

    def __init__(
        self,
        project: Path | None = None,
        *,
        options: Mapping[str, str] | None = None,
        disabled: Iterable[str] = (),
        enabled: Iterable[str] = (),
        plugins: Iterable[tuple[str, object]] | None = None,
        config: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.project, self._named = locate_project(project, self.environ)
        self._options = dict(options or {})
        given = None if plugins is None else tuple(plugins)
        self._wanted = Wanted(tuple(disabled), tuple(enabled), given)
        self._tables = config
        self._config: Config | None = None
        self._registry: Registry | None = None
        self._made: dict[tuple[str, str], Any] = {}
        self._making: list[tuple[str, str]] = []
        self._validated: dict[str, Any] = {}
        self._storage: SharedStorage | None = None

    @property
    def folder(self) -> Path:
        """The project's ``.loopengt`` folder, which need not exist."""
        return self.project / STATE_FOLDER

    @property
    def config(self) -> Config:
        """All settings.

        Raises:
            ConfigError: One or more of them are not usable.
        """
        if self._config is None:
            self._config = load_config(
                self.folder / "config.toml",
                environ=self.environ,
                options=self._options,
                tables=self._tables,
            )
        return self._config

    def setting(self, section: str, key: str) -> Any:
        """Return a setting, such as ``setting("engine", "middleware")``, or its default; lists are tuples.

        Raises:
            ConfigError: There is no such setting, or settings are not usable.
        """
        default_of(section, key)
        return getattr(getattr(self.config, section), key)

    # Plugins and components

    @property
    def plugins(self) -> list[PluginRecord]:
        """Every plugin that was found, sorted by name, with what became of it."""
        return list(self._discovered().records)

    @property
    def components(self) -> list[Component]:
        """Every component, sorted by kind and name."""
        kinds = self._discovered().components.values()
        return [kind[name] for kind in kinds for name in sorted(kind)]

    def names(self, kind: str) -> dict[str, str]:
        """Return name and summary of every component of a kind, sorted by name.

        Raises:
            ComponentNotFound: There is no such kind.
        """
        components = self._discovered().of_kind(kind)
        return {name: component.summary for name, component in sorted(components.items())}

    def component(self, kind: str, name: str) -> Component:
        """Return what is known of a component without importing it.

        Raises:
            ComponentNotFound: No loaded plugin registers it; the message names the nearest.
            ConfigError: No loaded plugin registers it, and the config is not usable.
        """
        try:
            return self._discovered().find(kind, name)
        except ComponentNotFound:
            _ = self.config  # when it is not usable, that is why plugins are missing
            raise

    def get(self, kind: str, name: str) -> Any:
        """Return the ready component of a kind and name; it is made once per kernel.

        Raises:
            ComponentNotFound: No loaded plugin registers it; the message names the nearest.
            PluginError: It cannot be imported or made; the message names the plugin.
            ConfigError: The options of its plugin are not usable.
        """
        if (kind, name) in self._made:
            return self._made[kind, name]
        component = self.component(kind, name)
        if (kind, name) in self._making:
            chain = " -> ".join(f"{singular(k)} {n!r}" for k, n in (*self._making, (kind, name)))
            raise PluginError(f"components need each other to be made: {chain}")
        self._making.append((kind, name))
        try:
            made = make_component(component, self._context)
        finally:
            self._making.pop()
        return self._made.setdefault((kind, name), made)

    def plugin_options(self, plugin: str) -> Any:
        """Return a plugin's options, an instance of the model it registered, or None when it has none.

        Raises:
            ConfigError: The configured values do not fit the model, or there is no model.
        """
        plugin = normalise(plugin)
        if plugin not in self._validated:
            self._validated[plugin] = validate_options(plugin, self.options_model(plugin), self.config)
        return self._validated[plugin]

    def options_model(self, plugin: str) -> type[BaseModel] | None:
        """Import the model of a plugin's options, or return None when it registered none.

        Raises:
            PluginError: The model cannot be imported.
        """
        return load_model(normalise(plugin), self._discovered().options)

    def problems(self) -> list[str]:
        """Say what is wrong with the config and the plugins' switches, one text each."""
        registry = self._discovered()
        stray = [] if self._config is None else stray_tables(self._config, registry)
        return [*self._wanted.notes, *stray]

    # What a run needs

    def engine(self) -> Engine:
        """Return the configured engine.

        Raises:
            ConfigError: The config is not usable, or names an engine that no plugin registers.
            PluginError: The engine cannot be made.
        """
        engine: Engine = self._configured("engines", self.config.engine.name, "engine", "name")
        return engine

    def storage(self) -> AbstractAsyncContextManager[Storage]:
        """Return a context manager that opens the configured storage and closes it after its last user.

        It may be entered many times, also concurrently: all users share the storage while it is open.
        Raises as ``engine`` does, and ``StorageError`` when it is entered and cannot be opened.
        """
        if self._storage is None:
            self._storage = SharedStorage(
                self._configured("storages", self.config.storage.name, "storage", "name"),
                self._close_memories,
            )
        return self._storage.use()

    async def _close_memories(self) -> None:
        for (kind, _), made in tuple(self._made.items()):
            if kind == "memories":
                await made.close()

    def opened_storage(self) -> Storage:
        """Return the configured storage, which somebody has open.

        Raises:
            StorageError: Nobody has: use ``async with kernel.storage()``.
        """
        if self._storage is None:
            raise StorageError("the storage is not open", remedy="use it inside: async with kernel.storage()")
        return self._storage.opened()

    def load_spec(self, path: Path, extra_context: frozenset[str] = frozenset()) -> LoadedSpec:
        """Load a spec, check it against what the plugins register, and fill in ``[defaults]``.

        Args:
            path: The file, or the folder with its ``loop.yaml``.
            extra_context: Names of the context that the caller gives beside the spec's own.

        Raises:
            SpecError: It cannot be read, or has problems; all of them are in ``problems``.
            ConfigError: The config is not usable.
            PluginError: The provider of one of its agents cannot be loaded.
        """
        from loopengt.project_specs import load_project_spec

        return load_project_spec(self, path, extra_context)

    def load_loops(self, spec: LoopSpec, source: Path | None) -> Mapping[str, LoopSpec]:
        """Load the loops that the steps of a spec, and theirs, run as child runs; see ``Components.load_loops``."""
        from loopengt.project_specs import load_project_loops

        return load_project_loops(self, spec, source)

    def known_names(self, extra_context: frozenset[str] = frozenset()) -> KnownNames:
        """Return what a spec may name beyond itself. Raises ``ConfigError`` as ``config`` does."""
        from loopengt.project_specs import known_names

        return known_names(self, extra_context)

    def spec_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a spec, with what the plugins add. Raises as ``load_spec`` does."""
        from loopengt.project_specs import project_schema

        return project_schema(self)

    def for_spec(self, path: Path) -> Kernel:
        """Return the kernel of the project that a spec, a file or its folder, belongs to.

        It is this one when the project was named, or is the spec's own: the nearest folder, from the spec's
        upwards, that has ``.loopengt/``, else the spec's folder.
        """
        project = find_project(path if path.is_dir() else path.parent)
        if self._named or project == self.project:
            return self
        return Kernel(
            project,
            options=self._options,
            disabled=self._wanted.disabled,
            enabled=self._wanted.enabled,
            plugins=self._wanted.plugins,
            config=self._tables,
            environ=self.environ,
        )

    # Inside

    def _discovered(self) -> Registry:
        if self._registry is None:
            self._registry = load_plugins(self._wanted, lambda: self.config, self.project, self.environ)
        return self._registry

    def _context(self, plugin: str) -> PluginContext:
        return PluginContext(plugin, self.project, self, self.plugin_options(plugin))

    def _configured(self, kind: str, name: str, *path: str) -> Any:
        stray = stray_tables(self.config, self._discovered())
        if stray:
            raise ConfigError("\n".join(stray))
        try:
            return self.get(kind, name)
        except ComponentNotFound as exc:
            where = f"{self.config.source(*path)}: {'.'.join(path)}"
            raise ConfigError(f"{where}: {exc.message}", remedy=exc.remedy) from exc
