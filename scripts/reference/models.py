"""The pages of loop.yaml and evals.yaml: every field, from the JSON Schemas that validate them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from loopengt import Kernel
from loopengt_evals.suites.model import EvalSuite
from reference.markdown import cell, code, head, prose, table

__all__ = ["fields_of", "loop_page", "suite_page"]

Schema = dict[str, Any]

_LOOP = """
The fields of a loop.A field without a default is required. `loopengt schema` prints the JSON Schema for your editor,
`loopengt validate FILE` says what is wrong with a loop, and [enforcement](../enforcement.md) what the engine does with
each field. Here are the names that loopengt's own plugins register; others may add to them.
"""

_SUITE = """
The fields of a suite, which `loopengt eval suite FILE` runs. A field without a default is required.
"""


def loop_page(kernel: Kernel) -> str:
    """Return the page of loop.yaml."""
    return "\n".join([head("loop.yaml", _LOOP), *_Sections("The loop", kernel.spec_schema()).written()])


def suite_page() -> str:
    """Return the page of evals.yaml."""
    return "\n".join(
        [head("evals.yaml", _SUITE), *_Sections("The suite", EvalSuite.model_json_schema()).written()]
    )


def fields_of(schema: Schema) -> str:
    """Return the table of the fields of a model, and below it those of the models that it names."""
    sections = _Sections("", schema)
    text = sections.table_of(schema)
    for name in sections.named:
        part = sections.parts[name]
        text += f"\n### {name}\n\n{prose(' '.join(part.get('description', '').split()))}\n\n{sections.table_of(part)}"
    return text


class _Sections:
    """The sections of a page: first the whole, then each part, where it is named first."""

    def __init__(self, title: str, schema: Schema) -> None:
        self.title = title
        self.schema = schema
        self.parts: Schema = schema.get("$defs", {})
        self.named: list[str] = []

    def written(self) -> Iterator[str]:
        yield from self._section(self.title, self.schema)
        done = 0
        while done < len(self.named):  # sections name further parts
            name = self.named[done]
            done += 1
            yield from self._section(self._title(name), self.parts[name])

    def _section(self, title: str, schema: Schema) -> Iterator[str]:
        yield f"## {title}\n"
        yield prose(" ".join(schema.get("description", "").split("\n\n")[0].split())) + "\n"
        if schema.get("properties"):
            yield self.table_of(schema)
        yield from self._choices(title, schema)

    def table_of(self, schema: Schema) -> str:
        """Return the table of its fields."""
        required = schema.get("required", ())
        rows = []
        for name, field in schema.get("properties", {}).items():
            default = "" if name in required else self._default(field)
            rows.append((code(name), self.type_of(field), default, cell(field.get("description", ""))))
        return table(("field", "type", "default", "meaning"), rows)

    def _default(self, field: Schema) -> str:
        if "default" not in field:
            made = {"array": "`[]`", "object": "`{}`"}.get(field.get("type", ""), "")
            return "its defaults" if "$ref" in field else made
        return code(json.dumps(field["default"], ensure_ascii=False))

    def _choices(self, title: str, schema: Schema) -> Iterator[str]:
        """Yield the options that depend on a name, such as those of a provider; equal ones together."""
        groups: dict[str, list[str]] = {}
        models: dict[str, tuple[str, Schema]] = {}
        for rule in schema.get("allOf", ()):
            for key, value in rule.get("if", {}).get("properties", {}).items():
                (place, model), *_ = rule["then"]["properties"].items()
                names = [value["const"]] if "const" in value else value.get("enum", [])
                text = re.sub(
                    r'"(?:[a-z_-]+\.)+([A-Z]\w*)"', r'"\1"', json.dumps(model).replace("#/$defs/", "")
                )
                groups.setdefault(text, []).extend(names)
                models[text] = (f"`{place}`, when `{key}` is", model)
        for text, names in sorted(groups.items(), key=lambda item: sorted(item[1])):
            said, model = models[text]
            shown = " or ".join(f"`{name}`" for name in sorted(names))
            if model.get("properties"):
                yield f"### {title}: {said} {shown}\n"
                yield self.table_of(model)
            else:
                yield f"{title} takes nothing in {said} {shown}.\n"

    def type_of(self, schema: Schema) -> str:
        """Say what a value has to be."""
        if "$ref" in schema:
            return self._link(schema["$ref"].removeprefix("#/$defs/"))
        if "const" in schema:
            return code(json.dumps(schema["const"]))
        if "enum" in schema:
            return " ".join(code(value) for value in schema["enum"] if value is not None)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._any(schema[word])
        if "allOf" in schema and len(schema["allOf"]) == 1:
            return self.type_of(schema["allOf"][0])
        kind = schema.get("type")
        if kind == "array":
            return f"list of {self.type_of(schema.get('items', {}))}"
        if kind == "object":
            values = schema.get("additionalProperties")
            return f"mapping to {self.type_of(values)}" if isinstance(values, dict) and values else "mapping"
        words = {
            "string": "text",
            "integer": "whole number",
            "number": "number",
            "boolean": "true or false",
            "null": "null",
        }
        return words.get(str(kind), "anything") + _limits(schema)

    def _any(self, options: list[Schema]) -> str:
        names = [one for one in options if "enum" in one]
        found = [self.type_of(one) for one in [*names, *(one for one in options if "enum" not in one)]]
        return " or ".join(dict.fromkeys(found))

    def _link(self, name: str) -> str:
        part = self.parts[name]
        if "enum" in part or not part.get("properties"):
            return self.type_of({key: value for key, value in part.items() if key != "description"})
        same = [other for other in self.named if self._title(other) == self._title(name)]
        if not same:
            self.named.append(name)
        title = self._title(name)
        return f"[{title}](#{re.sub(r'[^a-z0-9_-]', '', title.lower())})"

    def _title(self, name: str) -> str:
        """Return the name without its owner, which stands before it where several have a part of that name."""
        short = name.rpartition(".")[2]
        owned = [part for other, part in self.parts.items() if other.rpartition(".")[2] == short]
        return short if all(part == owned[0] for part in owned) else name


def _limits(schema: Schema) -> str:
    words = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {schema[key]}" for key, sign in words.items() if key in schema]
    return f" {', '.join(found)}" if found else ""
