"""What the metadata of installed distributions says: requirements, origin, and where they are documented."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopengt import PluginRecord

__all__ = ["docs_link", "requirement_lines"]


def requirement_lines(records: Iterable[PluginRecord]) -> Iterator[str]:
    """Return a file of requirements: ``name==version`` of each distribution, with comments on what it needs."""
    for name, version in sorted(
        {(record.distribution, record.version) for record in records if record.distribution}
    ):
        yield f"{name}=={version}"
        found = _distribution(name)
        # One that did not come from an index is not to be had from there by its version.
        source = _source(found)
        if source:
            yield f"    # installed from {source}"
        needs = [needed for needed in (found.requires if found else None) or () if "extra ==" not in needed]
        if needs:
            yield f"    # needs {', '.join(sorted(needs, key=str.lower))}"


def docs_link(name: str) -> str:
    """Return where a distribution is documented, or an empty text when it does not say."""
    found = _distribution(name)
    if found is None:
        return ""
    pairs = [entry.partition(",") for entry in found.metadata.get_all("Project-URL") or ()]
    links = {label.strip().lower(): link.strip() for label, _, link in pairs}
    for label in ("documentation", "docs", "homepage", "repository", "source"):
        if links.get(label):
            return str(links[label])
    return str(found.metadata.get("Home-page") or "")


def _distribution(name: str) -> Any:
    import importlib_metadata

    try:
        return importlib_metadata.distribution(name)
    except importlib_metadata.PackageNotFoundError:
        return None


def _source(found: Any) -> str:
    try:
        told = json.loads((found and found.read_text("direct_url.json")) or "{}")
        url = re.sub(r"//[^/@]*@", "//", str(told.get("url", "")))  # without a password
        return f"{url} (editable)" if url and told.get("dir_info", {}).get("editable") else url
    except (ValueError, AttributeError):
        return ""
