"""Finds every problem of a spec at once: its form, its shape, its names and its texts."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from loopengt.spec.checks import check_names
from loopengt.spec.outline import Outline
from loopengt.spec.shape import check_shape
from loopengt.spec.texts import check_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt.spec.document import Document
    from loopengt.spec.names import KnownNames
    from loopengt.spec.problems import Problem
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["check", "validate"]

MAX_PROBLEMS: Final = 1_000
"""Most problems that are listed, so that a file of nothing but errors is answered in seconds."""


def validate(document: Document, names: KnownNames) -> list[Problem]:
    """Return every problem of a document, in the order of its text; none when it is a sound spec.

    Args:
        document: The document, as ``read_document`` returns it.
        names: What the spec may refer to beyond itself.
    """
    return check(document, names)[1]


def check(document: Document, names: KnownNames) -> tuple[LoopSpec | None, list[Problem]]:
    """Do as ``validate`` does, and also return the spec when its shape is sound."""
    spec, problems = check_shape(document)
    outline = Outline(document)
    found: list[Iterable[Problem]] = [
        document.problems,
        problems,
        check_names(outline, names),
        check_texts(outline, names),
    ]
    collected = sorted({problem for some in found for problem in islice(some, MAX_PROBLEMS + 1)})
    if len(collected) > MAX_PROBLEMS:
        last = collected[MAX_PROBLEMS - 1]
        collected[MAX_PROBLEMS:] = [replace(last, message="more problems follow; mend these first", hint="")]
    return spec, collected
