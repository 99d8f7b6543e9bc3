"""What an engine refuses of a loop, as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import LoopRefused, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.errors import LoopengtError
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["refusals"]


def refusals(engine: Any, spec: LoopSpec) -> Sequence[tuple[tuple[str | int, ...], LoopengtError]]:
    """Return what an engine refuses, each with its place in the spec; an engine that tells none means the whole."""
    try:
        engine.check(spec)
    except LoopRefused as refused:
        return refused.refusals
    except UsageError as error:
        return [((), error)]
    return []
