"""Specs: reading a loop.yaml, finding all that is wrong with it, and describing it as a JSON Schema.

Names are imported on first use, so that naming a problem costs no import of pydantic or a YAML parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .document import Document, parse_document, read_document
    from .load import LoadedSpec, load_spec, load_spec_text, spec_digest
    from .names import KnownNames
    from .problems import Problem
    from .schema import spec_json_schema
    from .validation import validate

__all__ = [
    "Document",
    "KnownNames",
    "LoadedSpec",
    "Problem",
    "load_spec",
    "load_spec_text",
    "parse_document",
    "read_document",
    "spec_digest",
    "spec_json_schema",
    "validate",
]

_HOMES = {
    "Document": "document",
    "KnownNames": "names",
    "LoadedSpec": "load",
    "Problem": "problems",
    "load_spec": "load",
    "load_spec_text": "load",
    "parse_document": "document",
    "read_document": "document",
    "spec_digest": "load",
    "spec_json_schema": "schema",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: its names are in __all__")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
