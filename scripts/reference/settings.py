"""The page of config.toml: every section, and the options of loopengt's own plugins."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from plugin_docs.reading import read_module

from loopengt import Kernel, config
from reference.markdown import cell, code, head, prose, table
from reference.models import fields_of

__all__ = ["settings_page"]

_INTRODUCTION = """
Settings stand in `.loopengt/config.toml`. The environment goes before the file, and the command line before the
environment: `key` of `[section]` is `LOOPENGT_SECTION__KEY`, and `-o section.key=value`; a list is written with commas.
A plugin's option is `LOOPENGT_PLUGINS__NAME__OPTION`, and `-o NAME.option=value`. `loopengt init` writes a file that
has every setting as a comment.
"""

_KINDS = {
    ("defaults", "provider"): "agents",
    ("engine", "name"): "engines",
    ("engine", "middleware"): "middleware",
    ("judges", "provider"): "agents",
    ("memory", "name"): "memories",
    ("memory", "embedder"): "embedders",
    ("observers", "names"): "observers",
    ("storage", "name"): "storages",
}
"""Settings that name components, and of which kind."""


def settings_page(kernel: Kernel) -> str:
    """Return the page."""
    written = {found.name: found for found in read_module(Path(config.__file__)).classes}
    parts = [head("config.toml", _INTRODUCTION)]
    for section, settings in sorted(config.SECTIONS.items()):
        source = written[settings.__name__]
        said = {field.name: field.doc for field in source.fields}
        summary = source.doc.partition(": ")[2].strip()
        parts += [f"## [{section}]\n", f"{summary[:1].upper()}{summary[1:]}\n"]
        rows = [
            (
                code(field.name),
                _type(field.default),
                code(_default(field.default)),
                _meaning(kernel, section, field.name, said),
            )
            for field in fields(settings)
        ]
        parts.append(table(("key", "type", "default", "meaning"), rows))
    for record in kernel.plugins:
        model = kernel.options_model(record.name)
        if model is not None:
            schema = model.model_json_schema()
            short = f" For short: `[{record.name}]`." if record.name in config.PLUGIN_SECTIONS else ""
            parts.append(f"## [plugins.{record.name}]\n")
            parts.append(f"{prose(' '.join(schema.get('description', '').split()))}{short}\n")
            parts.append(fields_of(schema))
    return "\n".join(parts)


def _meaning(kernel: Kernel, section: str, key: str, said: dict[str, str]) -> str:
    """Return what is written below a setting, and the names that there are for one that names components."""
    kind = _KINDS.get((section, key))
    names = ", ".join(map(code, kernel.names(kind))) if kind else ""
    return f"{cell(said.get(key, ''))} {f'There are: {names}.' if names else ''}".strip()


def _type(default: Any) -> str:
    return {tuple: "list of texts", bool: "true or false"}.get(type(default), "text")


def _default(default: Any) -> str:
    if default is MISSING:
        return ""
    if isinstance(default, bool):
        return str(default).lower()
    return "[]" if default == () else f'"{default}"'
