"""The checks of ``loopengt doctor``, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loopengt_cli_project.checks.agents import check_auto
from loopengt_cli_project.checks.installation import check_entry_points, check_loopengt, check_python
from loopengt_cli_project.checks.plugins import check_components, check_config, check_plugins
from loopengt_cli_project.checks.project import check_disk, check_folder, check_git
from loopengt_cli_project.checks.specs import check_specs
from loopengt_cli_project.checks.storage import check_storage

if TYPE_CHECKING:
    from loopengt_cli_project.findings import Check

__all__ = ["CHECKS"]

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("python", check_python),
    ("loopengt", check_loopengt),
    ("entry points", check_entry_points),
    ("config", check_config),
    ("plugins", check_plugins),
    ("components", check_components),
    ("project", check_folder),
    ("disk", check_disk),
    ("storage", check_storage),
    ("git", check_git),
    ("auto", check_auto),
    ("specs", check_specs),
)
