"""What the plugin registers."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING

from loopengt.testing import make_kernel

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_can_be_made(tmp_path: Path) -> None:
    """Each component of the plugin is there under its name and can be made."""
    kernel = make_kernel(tmp_path)
    for kind, names in {
        "memories": ["sqlite"],
        "embedders": ["openai"],
        "summarizers": ["abstractive", "extractive"],
    }.items():
        assert [
            name for name in kernel.names(kind) if kernel.component(kind, name).plugin == "memory"
        ] == names
        for name in names:
            assert kernel.get(kind, name) is not None
    target = kernel.component("commands", "memory").target
    assert resolve_name(str(target)).name == "memory"
