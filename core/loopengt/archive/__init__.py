"""Keeps a project's runs in bounds: deletes and prunes them, and carries them elsewhere in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.archive.exporting import Exported, Folder, export_run
    from loopengt.archive.families import children_of, family, held
    from loopengt.archive.importing import Imported, import_run
    from loopengt.archive.removing import is_unfinished_import, prunable, remove_family
    from loopengt.archive.unreferenced import digests_in, prune_unreferenced
    from loopengt.archive.workspaces import ClearsLeftovers, KeepsWorkspaces, Leftover, archiving_engine

__all__ = [
    "ClearsLeftovers",
    "Exported",
    "Folder",
    "Imported",
    "KeepsWorkspaces",
    "Leftover",
    "archiving_engine",
    "children_of",
    "digests_in",
    "export_run",
    "family",
    "held",
    "import_run",
    "is_unfinished_import",
    "prunable",
    "prune_unreferenced",
    "remove_family",
]

__getattr__, __dir__ = attach(
    __name__,
    {
        "exporting": ["Exported", "Folder", "export_run"],
        "families": ["children_of", "family", "held"],
        "importing": ["Imported", "import_run"],
        "removing": ["is_unfinished_import", "prunable", "remove_family"],
        "unreferenced": ["digests_in", "prune_unreferenced"],
        "workspaces": ["ClearsLeftovers", "KeepsWorkspaces", "Leftover", "archiving_engine"],
    },
)
