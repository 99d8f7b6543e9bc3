"""What all spans of one run have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_otel import conventions as names
from loopengt_otel.telling.spans import Kind, Log, Span, make_id

if TYPE_CHECKING:
    from loopengt_otel.telling.spans import Attributes
    from loopengt_otel.telling.texts import Texts

__all__ = ["Scope"]


class Scope:
    """Makes the spans of one run.

    Args:
        root: Id of the run at the top, whose trace it is.
        run_id: Id of the run.
        texts: What may be told.
    """

    def __init__(self, root: str, run_id: str, texts: Texts) -> None:
        self.root = root
        self.run_id = run_id
        self.texts = texts
        self.trace_id = make_id(16, "trace", root)
        self.segment = 0
        """How often the run has ended and was taken up again: what is done then has spans of its own."""

    def id(self, *key: str | int) -> bytes:
        """Id of the span with that key, in the present segment."""
        return make_id(8, self.root, self.run_id, self.segment, *key)

    def begin(
        self,
        key: tuple[str | int, ...],
        parent: bytes | None,
        name: str,
        at: int,
        attributes: Attributes,
        *,
        shown_as: str,
        kind: Kind = Kind.INTERNAL,
    ) -> Span:
        """Make a span that begins, and ends as long as nobody says otherwise, at one moment."""
        known: Attributes = {names.RUN: self.run_id, names.SPAN_KIND: shown_as}
        return Span(self.trace_id, self.id(*key), parent, name, kind, at, at, known | attributes)

    def log(self, name: str, span_id: bytes, at: int, attributes: Attributes, uid: str) -> Log:
        """Make a log event that belongs to a span; receivers know by ``uid`` whether they have it already."""
        digest = make_id(16, self.root, "log", uid).hex()
        return Log(self.trace_id, span_id, name, at, attributes | {names.LOG_UID: digest})
