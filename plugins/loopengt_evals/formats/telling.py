"""Says what could not be taken over, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import one_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_evals.formats.collected import Notes

__all__ = ["tell"]

_SHOWN = 5


def tell(notes: Notes, *, everything: bool = False) -> Iterator[str]:
    """Yield a line for each thing that was left out or changed.

    Args:
        notes: The notes.
        everything: Name all places, and not the first five of each.
    """
    for what, places in notes.places.items():
        shown = places if everything else places[:_SHOWN]
        named = ", ".join(visible(one_line(place, 60)) for place in shown)
        more = f" and {len(places) - len(shown)} more" if len(places) > len(shown) else ""
        yield f"- {visible(one_line(what, 300))}{f' ({named}{more})' if named else ''}"
