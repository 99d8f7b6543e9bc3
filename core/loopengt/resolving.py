"""Makes a component from its registered target, and a plugin's options from the config."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from loopengt.errors import ConfigError, LoopengtError, PluginError
from loopengt.naming import hint, singular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from loopengt.config import Config
    from loopengt.plugins import Component
    from loopengt.registry import Registry
    from loopengt_hookspecs.registration import PluginContext

__all__ = ["load_model", "load_reference", "make_component", "stray_tables", "validate_options"]


def load_reference(reference: str) -> Any:
    """Import what ``"package.module:attribute"`` names.

    Raises:
        ImportError: There is no such module, or it cannot be imported.
        AttributeError: The module has no such attribute.
    """
    module, _, attribute = reference.partition(":")
    found: Any = import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    return found


def make_component(component: Component, context: Callable[[str], PluginContext]) -> Any:
    """Import and instantiate a component as its target asks.

    Args:
        component: What to make.
        context: Makes the context of a plugin; called only for a class that wants it.

    Raises:
        LoopengtError: The component's own words on why it cannot be made.
        PluginError: Anything else that went wrong; the message names plugin and component.
    """
    target = component.target
    try:
        if isinstance(target, str):
            target = load_reference(target)
        if not isinstance(target, type):
            return target
        factory = getattr(target, "from_context", None)
        return target() if factory is None else factory(context(component.plugin))
    except LoopengtError:
        raise
    except (Exception, SystemExit) as exc:
        what = f"the {singular(component.kind)} {component.name!r} of the plugin {component.plugin!r}"
        raise PluginError(
            f"{what} cannot be loaded: {type(exc).__name__}: {exc}",
            remedy=f"see loopengt plugins info {component.plugin}, "
            f"or disable it: loopengt plugins disable {component.plugin}",
        ) from exc


def stray_tables(config: Config, registry: Registry) -> list[str]:
    """Find the tables of options that no plugin will ever read, and say so of each."""
    known = {record.name: record for record in registry.records}
    found = []
    for name in config.options:
        where = f"{config.source('plugins', name)}: [plugins.{name}]"
        if name not in known:
            found.append(f"{where}: there is no plugin {name!r}{hint(name, known)}")
        elif known[name].status == "loaded" and name not in registry.options:
            found.append(f"{where}: the plugin {name!r} takes no options")
    return found


def load_model(plugin: str, models: Mapping[str, Any]) -> type[BaseModel] | None:
    """Import the options model of a plugin, given the registered ones; None when it has none.

    Raises:
        PluginError: The model cannot be imported, or is none.
    """
    model = models.get(plugin)
    try:
        model = load_reference(model) if isinstance(model, str) else model
    except (Exception, SystemExit) as exc:
        raise PluginError(
            f"the options model of the plugin {plugin!r} cannot be loaded: {type(exc).__name__}: {exc}"
        ) from exc
    if model is not None and not hasattr(model, "model_validate"):
        raise PluginError(f"the options model of the plugin {plugin!r} is not a pydantic model: {model!r}")
    found: type[BaseModel] | None = model
    return found


def validate_options(plugin: str, model: type[BaseModel] | None, config: Config) -> BaseModel | None:
    """Return the plugin's configured options as an instance of its model; None without a model.

    Raises:
        ConfigError: The values do not fit the model; the message names each, with its source.
    """
    if model is None:
        return None
    from pydantic import ValidationError

    try:
        return model.model_validate(config.options.get(plugin, {}))
    except ValidationError as exc:
        lines = [_describe(plugin, model, config, dict(error)) for error in exc.errors(include_url=False)]
        raise ConfigError("\n".join(lines)) from exc


def _describe(plugin: str, model: type[BaseModel], config: Config, error: dict[str, Any]) -> str:
    path = ("plugins", plugin, *map(str, error["loc"]))
    where = f"{config.source(*path)}: {'.'.join(path)}"
    if error["type"] != "extra_forbidden":
        return f"{where}: {error['msg']}"  # without the value: it may be a secret
    # Only the keys of the model itself are known here, not those of a model within.
    near = hint(path[-1], _keys(model)) if len(error["loc"]) == 1 else ""
    return f"{where}: the plugin {plugin!r} has no such option{near}"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
