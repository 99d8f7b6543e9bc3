"""Maps run ids, which may hold any characters, to file names that are safe and tell them apart."""

from __future__ import annotations

import hashlib
import re

__all__ = ["file_stem"]

# Lower case only: on some file systems "run" and "RUN" are one file.
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_ODD = re.compile(r"[^a-z0-9_-]+")


def file_stem(run_id: str) -> str:
    """Return a file name without suffix for a run.

    A plain id is its own name; any other becomes what is plain in it, ``~`` and a digest, and since no plain
    id holds a ``~``, no two ids share a name.
    """
    if _PLAIN.fullmatch(run_id):
        return run_id
    digest = hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{_ODD.sub('-', run_id[:40].lower()).strip('-') or 'run'}~{digest}"
