"""Renders what was read as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin_docs.docstrings import cell, markdown

if TYPE_CHECKING:
    from plugin_docs.reading import Alias, Class, Field, Function

__all__ = ["aliases_table", "class_section", "fields_table", "function_section"]


def function_section(function: Function) -> str:
    """Render a function: its signature, then what its docstring says."""
    signature = (
        f"{function.name}: {function.returns}" if function.is_property else f"{function.signature}: ..."
    )
    return f"```python\n{signature}\n```\n\n{markdown(function.doc)}".rstrip()


def class_section(one: Class, level: int = 3) -> str:
    """Render a class with its fields and methods."""
    parts = [f"{'#' * level} {one.name}", _about(one), markdown(one.doc)]
    if one.fields:
        is_enum = all(not field.type for field in one.fields)
        parts.append(_members(one.fields) if is_enum else fields_table(one.fields))
    parts += [function_section(method) for method in one.methods]
    return "\n\n".join(part for part in parts if part)


def _about(one: Class) -> str:
    if one.is_protocol:
        return "*Protocol: a class that has these need not derive from anything.*"
    bases = ", ".join(f"`{base}`" for base in one.bases)
    return f"*Derives from {bases}.*" if bases and not one.is_dataclass else ""


def fields_table(fields: tuple[Field, ...]) -> str:
    """Render fields as a table."""
    rows = ["| field | type | default | meaning |", "|---|---|---|---|"]
    for field in fields:
        default = f"`{cell(field.default)}`" if field.default else "required" if field.type else ""
        rows.append(f"| `{field.name}` | `{cell(field.type)}` | {default} | {cell(field.doc)} |")
    return "\n".join(rows)


def _members(fields: tuple[Field, ...]) -> str:
    rows = ["| member | value | meaning |", "|---|---|---|"]
    rows += [f"| `{field.name}` | `{cell(field.default)}` | {cell(field.doc)} |" for field in fields]
    return "\n".join(rows)


def aliases_table(aliases: list[Alias]) -> str:
    """Render names for types and values as a table."""
    rows = ["| name | stands for | meaning |", "|---|---|---|"]
    rows += [f"| `{alias.name}` | `{cell(alias.value)}` | {cell(alias.doc)} |" for alias in aliases]
    return "\n".join(rows)
