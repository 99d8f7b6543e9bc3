"""The check of the provider ``auto``: who would do the work of its agents on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_cli_project.findings import Finding, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel

__all__ = ["check_auto"]

AUTO = "auto"
_BY = "agent 'auto' "
"""How the agents that were tried begin their complaints; here it is known whose they are."""


def check_auto(kernel: Kernel) -> Iterator[Finding]:
    """Say which provider ``auto`` stands for, and why not one before it."""
    if AUTO not in kernel.names("agents"):
        yield Finding("auto", "ok", "no plugin registers the provider auto")
        return
    found: list[tuple[str, str, str]] = kernel.get("agents", AUTO).survey(kernel.project)
    chosen = [name for name, why, _ in found if not why]
    wanted = bool(kernel.setting("agents", "auto"))
    if chosen:
        yield Finding("auto", "ok", f"agents with provider auto are done by {chosen[0]}")
    else:
        # Nobody who has no such agents is to be bothered with what they would need.
        remedies = [one_line(remedy) for _, _, remedy in found if remedy]
        remedy = remedies[0] if wanted and remedies else ""
        message = "agents with provider auto can be done by none of its providers"
        yield Finding("auto", "warn" if wanted else "ok", message, remedy)
    for name, why, _ in found:
        if why:
            yield Finding("auto", "ok", f"not {name}: {one_line(why).removeprefix(_BY)}")
