"""The template ``starter``, as any caller finds it: by the kernel, as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt import Kernel
from loopengt.spec import load_spec_text

if TYPE_CHECKING:
    from pathlib import Path


def test_the_starter_is_one_file_and_a_sound_loop(tmp_path: Path) -> None:
    """The registered template has nothing but a loop.yaml, which is valid as it is."""
    kernel = Kernel(tmp_path, environ={})
    files = kernel.get("templates", "starter").files()
    assert list(files) == ["loop.yaml"]
    loaded = load_spec_text(files["loop.yaml"], kernel.known_names())
    assert loaded.spec.pattern == "repeat"
    assert files["loop.yaml"].startswith("# yaml-language-server: $schema=./.loopengt/loop.schema.json\n")


def test_the_starter_has_limits(tmp_path: Path) -> None:
    """A first loop, run unattended, ends: its turns and time are written out for a person to change."""
    text = Kernel(tmp_path, environ={}).get("templates", "starter").files()["loop.yaml"]
    assert "\n  max_turns: 8\n" in text
    assert "\n  max_total_time_seconds: 7200\n" in text


def test_the_listing_tells_what_it_is(tmp_path: Path) -> None:
    """The kernel names the template's summary and plugin without reading its files."""
    component = Kernel(tmp_path, environ={}).component("templates", "starter")
    assert (component.plugin, component.summary) == (
        "templates",
        "One agent that works in laps until every check passes",
    )
