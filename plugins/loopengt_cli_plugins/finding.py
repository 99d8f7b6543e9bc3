"""Finds plugins by what a person calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.naming import hint, normalise

if TYPE_CHECKING:
    from loopengt import Kernel, PluginRecord


def find_records(kernel: Kernel, name: str) -> list[PluginRecord]:
    """Return the plugins of a name, of a distribution, or of ``distribution/name``.

    Raises:
        UsageError: There are none; the message names the nearest.
    """
    wanted = normalise(name)
    found = [record for record in kernel.plugins if wanted in handles(record)]
    if not found:
        known = {record.name for record in kernel.plugins}
        message = f"there is no plugin {name!r}{hint(wanted, known)}"
        raise UsageError(message, remedy="loopengt plugins list shows all of them")
    return found


def handles(record: PluginRecord) -> tuple[str, str, str]:
    """Return the names by which a plugin can be switched, the closest first."""
    distribution = normalise(record.distribution)
    return f"{distribution}/{record.name}", record.name, distribution
