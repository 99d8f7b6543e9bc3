"""Where templates come from: the project, the user, plugins; and folders that are not to be trusted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from loopengt import Kernel, UsageError
from loopengt.templates import find_template, find_templates, read_folder

if TYPE_CHECKING:
    from pathlib import Path

LOOP = "name: mine\n"


@pytest.fixture
def places(tmp_path: Path) -> tuple[Kernel, Path, Path]:
    """A kernel, and the folders of the project's and the user's templates."""
    project = tmp_path / "project"
    ours, theirs = project / ".loopengt" / "templates", tmp_path / "config" / "loopengt" / "templates"
    ours.mkdir(parents=True)
    theirs.mkdir(parents=True)
    return Kernel(project, environ={"XDG_CONFIG_HOME": str(tmp_path / "config")}), ours, theirs


def put(folder: Path, name: str, summary: str) -> None:
    """Write a template."""
    (folder / name).mkdir()
    (folder / name / "loop.yaml").write_text(LOOP)
    (folder / name / "template.yaml").write_text(f"description: {summary}\n")


def test_the_project_goes_before_the_user_and_plugins(places: tuple[Kernel, Path, Path]) -> None:
    """Of one name the project's is taken, what it hides is told, and each can be had by its source."""
    kernel, ours, theirs = places
    put(ours, "ralph", "the project's")
    put(theirs, "ralph", "the user's")
    put(theirs, "other", "only the user's")
    rows = {each.name: each for each in find_templates(kernel)}
    assert (rows["ralph"].source, rows["ralph"].hides) == ("project", ("user", "plugin templates"))
    assert rows["other"].source == "user"
    said = [
        find_template(kernel, name).open().about.description
        for name in ("ralph", "user:ralph", "plugin:ralph")
    ]
    assert said[:2] == ["the project's", "the user's"] and said[2].startswith("Works through a plan")


def test_an_unknown_name_is_told_with_the_nearest(places: tuple[Kernel, Path, Path]) -> None:
    """A typo is answered with what was meant."""
    with pytest.raises(UsageError, match="no template 'ralf', the nearest is 'ralph'"):
        find_template(places[0], "ralf")


def test_a_broken_template_is_listed_as_one(places: tuple[Kernel, Path, Path]) -> None:
    """A template that cannot be read does not hide the others, and says why it cannot be used."""
    kernel, ours, _ = places
    put(ours, "broken", "[")
    (ours / "empty").mkdir()
    rows = {each.name: each.summary for each in find_templates(kernel)}
    assert (
        rows["broken"].startswith("cannot be used: broken/template.yaml:")
        or "cannot be used" in rows["broken"]
    )
    assert "ralph" in rows
    with pytest.raises(Exception, match=r"has no loop\.yaml"):
        find_template(kernel, "empty").open()


def test_links_are_not_followed(places: tuple[Kernel, Path, Path], tmp_path: Path) -> None:
    """A template of a project cannot bring in files from elsewhere; a user may link a template of their own."""
    kernel, ours, theirs = places
    (tmp_path / "secret").mkdir()
    put(tmp_path / "secret", "there", "elsewhere")
    os.symlink(tmp_path / "secret" / "there", ours / "linked")
    os.symlink(tmp_path / "secret" / "there", theirs / "mine")
    names = [each.name for each in find_templates(kernel)]
    assert "linked" not in names and "mine" in names
    put(ours, "inside", "with a link")
    os.symlink(tmp_path / "secret" / "there" / "loop.yaml", ours / "inside" / "notes.md")
    with pytest.raises(UsageError, match=r"notes\.md is a link"):
        find_template(kernel, "inside").open()


def test_large_and_binary_folders_are_refused(tmp_path: Path) -> None:
    """A folder that is no template is told as such, and not read whole."""
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "a.txt").write_bytes(b"x" * 1_000_001)
    with pytest.raises(UsageError, match="larger than 1 MB"):
        read_folder(tmp_path / "big")
    (tmp_path / "many").mkdir()
    for number in range(101):
        (tmp_path / "many" / f"{number}.txt").touch()
    with pytest.raises(UsageError, match="more than 100 files"):
        read_folder(tmp_path / "many")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a.bin").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_folder(tmp_path / "odd")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "loop.yaml")
    with pytest.raises(UsageError, match="no regular file"):
        read_folder(tmp_path / "pipe")
