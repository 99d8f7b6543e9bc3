"""The project folder: found from where one stands, named by the caller, or a spec's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt import Kernel, UsageError, find_project

if TYPE_CHECKING:
    from pathlib import Path


def test_the_project_is_the_nearest_folder_with_a_loopengt_folder(tmp_path: Path) -> None:
    """find_project looks upwards, the start included, and returns the start when there is none."""
    inner = tmp_path / "outer/inner/deep"
    inner.mkdir(parents=True)
    assert find_project(inner) == inner
    (tmp_path / "outer/.loopengt").mkdir()
    assert find_project(inner) == tmp_path / "outer"
    (inner / ".loopengt").write_text("a file is no project")
    assert find_project(inner) == tmp_path / "outer"


def test_the_project_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's folder counts more than LOOPENGT_PROJECT, which counts more than the working directory."""
    here, named, given = (tmp_path / name for name in ("here", "named", "given"))
    for folder in (here, named, given):
        folder.mkdir()
    monkeypatch.chdir(here)
    environ = {"LOOPENGT_PROJECT": str(named)}
    assert Kernel(environ={}).project == here
    assert Kernel(environ=environ).project == named
    assert Kernel(given, environ=environ).project == given
    with pytest.raises(UsageError, match="gone does not exist"):
        Kernel(tmp_path / "gone")
    with pytest.raises(UsageError, match="LOOPENGT_PROJECT=gone does not exist"):
        Kernel(environ={"LOOPENGT_PROJECT": "gone"})


def test_a_spec_has_its_own_project_unless_one_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """for_spec follows the spec's folder, with the same options, but never leaves a named project."""
    elsewhere = tmp_path / "elsewhere/loops"
    elsewhere.mkdir(parents=True)
    (tmp_path / "elsewhere/.loopengt").mkdir()
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    kernel = Kernel(environ={}, options={"storage.name": "memory"})
    assert kernel.for_spec(here / "loop.yaml") is kernel
    other = kernel.for_spec(elsewhere / "loop.yaml")
    assert other.project == tmp_path / "elsewhere"
    assert other.config.storage.name == "memory"
    assert kernel.for_spec(elsewhere).project == tmp_path / "elsewhere"
    named = Kernel(here, environ={})
    assert named.for_spec(elsewhere / "loop.yaml") is named
