"""Specs: reading a loop.yaml, finding all that is wrong with it, and describing it as a JSON Schema.

Names are imported on first use, so that naming a problem costs no import of pydantic or a YAML parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from .document import Document, parse_document, read_document
    from .load import LoadedSpec, load_spec, load_spec_text, spec_digest
    from .names import KnownNames
    from .problems import Problem
    from .schema import spec_json_schema
    from .shape import check_model
    from .subloops import LoopFile, find_loops, loop_key
    from .validation import validate
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "document": ("Document", "parse_document", "read_document"),
            "load": ("LoadedSpec", "load_spec", "load_spec_text", "spec_digest"),
            "names": ("KnownNames",),
            "problems": ("Problem",),
            "schema": ("spec_json_schema",),
            "shape": ("check_model",),
            "subloops": ("LoopFile", "find_loops", "loop_key"),
            "validation": ("validate",),
        },
    )

__all__ = [
    "Document",
    "KnownNames",
    "LoadedSpec",
    "LoopFile",
    "Problem",
    "check_model",
    "find_loops",
    "load_spec",
    "load_spec_text",
    "loop_key",
    "parse_document",
    "read_document",
    "spec_digest",
    "spec_json_schema",
    "validate",
]
