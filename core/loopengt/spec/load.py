"""Loads a spec: reads its file, checks it, and makes the model of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.errors import SpecError
from loopengt.spec.document import Document, parse_document, read_document
from loopengt.spec.validation import check

if TYPE_CHECKING:
    from loopengt.spec.names import KnownNames
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["LoadedSpec", "load_spec", "load_spec_text", "spec_digest"]


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A sound spec, and where it came from."""

    spec: LoopSpec
    document: Document
    """The file's data, with positions."""
    path: Path
    """The file; for a folder, the file in it."""
    digest: str
    """Digest of the spec's meaning, see ``spec_digest``."""
    loops: Mapping[str, LoopSpec] = field(default_factory=dict)
    """The loops that its steps, and theirs, run as child runs, by their path in the project."""


def load_spec(path: Path, names: KnownNames) -> LoadedSpec:
    """Load a spec from a file, or from the ``loop.yaml`` of a folder.

    Args:
        path: A YAML file, a ``.json`` file, or a folder.
        names: What the spec may refer to beyond itself.

    Raises:
        SpecError: The file cannot be read, or the spec has problems; all of them are in ``problems``.
    """
    return _loaded(read_document(path), names)


def load_spec_text(text: str, names: KnownNames, file: str = "<string>") -> LoadedSpec:
    """Load a spec from a text.

    Args:
        text: YAML or JSON.
        names: What the spec may refer to beyond itself.
        file: What problems call the text.

    Raises:
        SpecError: The spec has problems; all of them are in ``problems``.
    """
    return _loaded(parse_document(text, file), names)


def spec_digest(spec: LoopSpec) -> str:
    """Return the SHA-256 of the spec's canonical JSON, in hex; comments and layout do not change it."""
    data = spec.model_dump(mode="json")
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _loaded(document: Document, names: KnownNames) -> LoadedSpec:
    spec, problems = check(document, names)
    if problems or spec is None:
        raise SpecError(problems)
    return LoadedSpec(spec, document, Path(document.path), spec_digest(spec))
