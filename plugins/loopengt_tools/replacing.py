"""Finds a text in a file's bytes, puts another in its place, and shows the lines that have changed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import unified_diff

from loopengt_hookspecs.tools import ToolError

__all__ = ["Change", "Edit", "apply"]

_AROUND = 3
_MOST_SHOWN = 10
_MOST_LINES = 200
_LONGEST = 400
_LONE_NEWLINE = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Edit:
    """What is to be replaced by what."""

    old: bytes
    new: bytes
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What came of it."""

    data: bytes
    """The file's new bytes."""
    told: str
    """The lines that are different, for the model."""


def apply(edit: Edit, data: bytes, path: str) -> Change:
    """Make an edit in memory.

    Args:
        edit: The edit; its line ends are made those of the file where that has ``\\r\\n`` only, or where the text
            is found that way only.
        data: The file's bytes.
        path: The file, for messages.

    Raises:
        ToolError: The text is not in the file; or the edit stands there already; or, unless it is to be replaced
            everywhere, the text is there more than once, or would be there once more afterwards.
    """
    fitted = _with_line_ends(edit, data)
    _check(fitted, data, path)
    changed = data.replace(fitted.old, fitted.new)
    if not edit.everywhere and _would_apply(edit, changed):
        # Such an edit would be made twice by a call that a crash has repeated.
        raise ToolError(
            f"nothing was changed: in {path} the edit would make old_text appear anew",
            remedy="Give more of the lines around it.",
        )
    starts = _starts(fitted.old, data, len(fitted.old))
    times = "once" if len(starts) == 1 else f"{len(starts)} times"
    hunks = [_hunk(fitted, data, start, n) for n, start in enumerate(starts[:_MOST_SHOWN])]
    if len(starts) > _MOST_SHOWN:
        hunks.append(f"… and {len(starts) - _MOST_SHOWN} more places")
    return Change(changed, "\n".join([f"Replaced {times} in {path}:", *hunks]))


def _check(edit: Edit, data: bytes, path: str) -> None:
    """Refuse an edit that cannot be made, or not in one way only.

    Raises:
        ToolError: As ``apply``.
    """
    if _is_made(edit, data):
        where = "only as a part of new_text" if edit.old in data else "not there, but new_text is"
        raise ToolError(
            f"nothing was changed: in {path} old_text is {where}, so the edit seems to have been made before",
            remedy="Read the file; to make another edit give more of the lines around it.",
        )
    starts = _starts(edit.old, data, 1)
    if not starts:
        raise ToolError(
            f"old_text is not in {path}{_why_not(edit, data)}", remedy="Read the file, and copy the text."
        )
    if len(starts) > 1 and not edit.everywhere:
        lines = ", ".join(str(data.count(b"\n", 0, start) + 1) for start in starts[:_MOST_SHOWN])
        more = " …" if len(starts) > _MOST_SHOWN else ""
        raise ToolError(
            f"old_text is in {path} {len(starts)} times (lines {lines}{more})",
            remedy="Give more of the lines around it, or set replace_all.",
        )


def _would_apply(edit: Edit, data: bytes) -> bool:
    edit = _with_line_ends(edit, data)
    return not _is_made(edit, data) and len(_starts(edit.old, data, 1)) == 1


def _with_line_ends(edit: Edit, data: bytes) -> Edit:
    if b"\r\n" not in data:
        return edit
    old, new = (_LONE_NEWLINE.sub(b"\r\n", text) for text in (edit.old, edit.new))
    only_crlf = _LONE_NEWLINE.search(data) is None
    if only_crlf or (edit.old not in data and old in data):
        return Edit(old, new, edit.everywhere)
    return edit


def _is_made(edit: Edit, data: bytes) -> bool:
    """Whether the edit stands in the file: the new text does, and the old one nowhere but within it."""
    if not edit.new or edit.new not in data:
        return False
    return edit.old not in data.replace(edit.new, b"\0") if edit.old in edit.new else edit.old not in data


def _starts(old: bytes, data: bytes, step: int) -> list[int]:
    """Where the text begins; with a step of 1 also where it overlaps with itself."""
    found, at = [], data.find(old)
    while at >= 0:
        found.append(at)
        at = data.find(old, at + step)
    return found


def _why_not(edit: Edit, data: bytes) -> str:
    """A hint at what is different, when that can be said."""
    loose = rb"\s+".join(re.escape(word) for word in edit.old.split()[:_MOST_LINES])
    found = re.search(loose, data) if loose else None
    if found is None:
        return ""
    return f"; but with other white space it is at line {data.count(chr(10).encode(), 0, found.start()) + 1}"


def _hunk(edit: Edit, data: bytes, start: int, earlier: int) -> str:
    """The lines around one place, before and after, as in a unified diff."""
    first = data.rfind(b"\n", 0, start) + 1
    last = _line_end(data, start + len(edit.old))
    for _ in range(_AROUND):
        first = data.rfind(b"\n", 0, max(0, first - 1)) + 1
        last = _line_end(data, last)
    line = data.count(b"\n", 0, first) + 1
    old = data[first:last]
    new = data[first:start] + edit.new + data[start + len(edit.old) : last]
    added = earlier * (edit.new.count(b"\n") - edit.old.count(b"\n"))
    before, after = _lines(old), _lines(new)
    if max(len(before), len(after)) > _MOST_LINES:
        return f"@@ -{line},{len(before)} +{line + added},{len(after)} @@ (too long to show)"
    diff = list(unified_diff(before, after, n=_MOST_LINES, lineterm=""))[3:]
    return "\n".join([f"@@ -{line},{len(before)} +{line + added},{len(after)} @@", *diff])


def _line_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end + 1


def _lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in lines]
