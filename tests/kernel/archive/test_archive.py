"""Runs that are exported from one project, imported into another and taken up there."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path
from time import monotonic

import pytest

from loopengt.archive import prune_unreferenced
from loopengt.errors import ArchiveError, LoopengtError, RunOwned, UsageError
from loopengt.ownership import current_owner
from loopengt.testing import loop_spec, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason, LoopSpec

from .archive_kit import BIG, Place, members


@pytest.fixture
async def here(tmp_path: Path) -> Place:
    """A project with files of all kinds and a run that has done step a."""
    place = Place(tmp_path / "here", a=BIG)
    (place.folder / "pkg").mkdir()
    (place.folder / "pkg" / "mod.py").write_text("pass\n")
    (place.folder / "run.sh").write_text("#!/bin/sh\n")
    (place.folder / "run.sh").chmod(0o755)
    (place.folder / "link").symlink_to("pkg/mod.py")
    (place.folder / "out").symlink_to("/etc")
    (place.folder / "node_modules").mkdir()
    Path(os.fsdecode(os.fsencode(place.folder) + b"/odd \xff\n%41\xc3\xa9")).write_bytes(b"odd")
    await place.rest()
    return place


@pytest.fixture
def there(tmp_path: Path) -> Place:
    """Another project, whose agent can do what is left."""
    return Place(tmp_path / "there", b="b", c="c")


async def test_a_run_goes_on_elsewhere(here: Place, there: Place, tmp_path: Path) -> None:
    """A run that rests is exported, imported in another project and comes to its goal without doing a step again."""
    (here.workspace() / "made.txt").write_text("made")
    (here.workspace() / "pkg" / "mod.py").write_text("changed\n")
    file = tmp_path / "run.zip"
    exported = await here.export(file)
    assert (exported.runs, exported.files, exported.left_out, exported.lost) == (["run-1"], 4, ["out"], [])
    imported = await there.take_in(file)
    assert (imported.runs, imported.files, imported.known) == (["run-1"], 4, False)
    assert await there.rows() == await here.rows()
    result = await resume_loop(there.kernel, "run-1")
    assert result.end.reason is EndReason.GOAL_MET
    assert [request.step for request in there.agent.requests] == ["b", "c"]
    assert there.agent.requests[0].workspace == there.workspace()
    state = result.snapshot()
    assert state.step_states["a"].result is not None
    assert state.step_states["a"].result.output == BIG


async def test_the_files_are_those_of_the_workspace(here: Place, there: Place, tmp_path: Path) -> None:
    """Contents, rights, links and odd names come along; the repository tells what the run has changed."""
    (here.workspace() / "made.txt").write_text("made")
    (here.workspace() / "pkg" / "mod.py").unlink()
    await here.export(tmp_path / "run.zip")
    await there.take_in(tmp_path / "run.zip")
    root = there.workspace()
    assert (root / "made.txt").read_text() == "made"
    assert not (root / "pkg" / "mod.py").exists()
    assert os.access(root / "run.sh", os.X_OK)
    assert not os.access(root / "made.txt", os.X_OK)
    assert os.readlink(root / "link") == "pkg/mod.py"
    assert not os.path.lexists(root / "out")
    assert not os.path.lexists(root / "node_modules")
    assert Path(os.fsdecode(os.fsencode(root) + b"/odd \xff\n%41\xc3\xa9")).read_bytes() == b"odd"
    record = (await there.header())["workspace"]
    assert (record["path"], record["kind"]) == (str(root), "copy")
    git = await asyncio.create_subprocess_exec(
        "git", "-C", str(root), "status", "--short", stdout=asyncio.subprocess.PIPE
    )
    told, _ = await git.communicate()
    assert sorted(told.split(b"\n")) == [b"", b" D pkg/mod.py", b"?? made.txt"]


async def test_what_git_ignores_stays(tmp_path: Path, there: Place) -> None:
    """Files that git ignores, such as secrets, are not in the archive."""
    here = Place(tmp_path / "here", a="a")
    (here.folder / ".gitignore").write_text(".env\n")
    (here.folder / ".env").write_text("TOKEN=very-secret")
    await here.rest()
    assert (here.workspace() / ".env").exists()
    await here.export(tmp_path / "run.zip")
    assert not any(b"very-secret" in content for content in members(tmp_path / "run.zip").values())


async def test_dependencies_are_linked_again(here: Place, there: Place, tmp_path: Path) -> None:
    """Installed dependencies of the project that takes the run in are linked into its workspace."""
    await here.export(tmp_path / "run.zip")
    (there.folder / ".venv").mkdir()
    await there.take_in(tmp_path / "run.zip")
    assert (there.workspace() / ".venv").resolve() == there.folder / ".venv"


async def test_the_same_run_gives_the_same_bytes(here: Place, tmp_path: Path) -> None:
    """Nothing of the moment or of the machine is in an archive but what the run itself holds."""
    await here.export(tmp_path / "one.zip")
    await here.export(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


async def test_an_archive_of_an_imported_run_is_whole(here: Place, there: Place, tmp_path: Path) -> None:
    """A run that was imported can be exported again and go on at a third place."""
    await here.export(tmp_path / "one.zip")
    await there.take_in(tmp_path / "one.zip")
    await there.export(tmp_path / "two.zip")
    third = Place(tmp_path / "third", b="b", c="c")
    await third.take_in(tmp_path / "two.zip")
    assert (await resume_loop(third.kernel, "run-1")).end.reason is EndReason.GOAL_MET


async def test_the_same_run_is_taken_in_once(here: Place, there: Place, tmp_path: Path) -> None:
    """A second import changes nothing and says so; so does an import where the run comes from."""
    await here.export(tmp_path / "run.zip")
    await there.take_in(tmp_path / "run.zip")
    marker = there.workspace() / "marker"
    marker.touch()
    assert (await there.take_in(tmp_path / "run.zip")).known
    assert (await here.take_in(tmp_path / "run.zip")).known
    assert marker.exists()


async def test_a_run_that_went_on_is_not_overwritten(here: Place, there: Place, tmp_path: Path) -> None:
    """A run of the same id that has come further, or is another one, is left alone."""
    await here.export(tmp_path / "run.zip")
    await there.take_in(tmp_path / "run.zip")
    await resume_loop(there.kernel, "run-1")
    before = await there.rows()
    with pytest.raises(ArchiveError, match=r"a run run-1 is here already(.|\n)*loopengt runs delete run-1"):
        await there.take_in(tmp_path / "run.zip")
    assert await there.rows() == before
    other = Place(tmp_path / "other", a="something else")
    await other.rest()
    with pytest.raises(ArchiveError, match="here already"):
        await other.take_in(tmp_path / "run.zip")


async def test_a_driven_run_is_not_exported(here: Place, tmp_path: Path) -> None:
    """A run that somebody holds is refused, and no file is made; an export holds its run itself and lets it go."""
    async with here.kernel.storage() as storage:
        lease = await storage.claim("run-1", current_owner(), 60)
        with pytest.raises(RunOwned):
            await here.export(tmp_path / "run.zip")
        assert not any(tmp_path.glob("*run.zip*"))
        await storage.release(lease)
        await here.export(tmp_path / "run.zip")
        await storage.claim("run-1", current_owner(), 60)


async def test_an_existing_file_is_not_overwritten(here: Place, tmp_path: Path) -> None:
    """A file of that name stays as it is."""
    (tmp_path / "run.zip").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        await here.export(tmp_path / "run.zip")
    assert (tmp_path / "run.zip").read_text() == "mine"


async def test_a_lost_spec_is_said(here: Place, tmp_path: Path) -> None:
    """Without its spec a run cannot go on anywhere: it is not exported, and no file is left."""
    async with here.kernel.storage() as storage:
        await storage.prune_blobs([], 0)
    with pytest.raises(LoopengtError, match="no blob"):
        await here.export(tmp_path / "run.zip")
    assert not any(tmp_path.glob("*run.zip*"))


class TestFamilies:
    """A run with runs of sub-loops."""

    async def test_children_come_along(self, here: Place, there: Place, tmp_path: Path) -> None:
        """Children and their children are exported with their parent and work in its workspace elsewhere too."""
        await here.add_child("run-1.aaaaaaaa", "run-1")
        await here.add_child("run-1.aaaaaaaa.bbbbbbbb", "run-1.aaaaaaaa")
        await here.add_child("run-10", "run-9")
        ids = ["run-1", "run-1.aaaaaaaa", "run-1.aaaaaaaa.bbbbbbbb"]
        assert (await here.export(tmp_path / "run.zip")).runs == ids
        assert (await there.take_in(tmp_path / "run.zip")).runs == ids
        parents = {row.run_id: row.parent for row in await there.rows()}
        assert parents == {ids[0]: None, ids[1]: ids[0], ids[2]: ids[1]}
        for run_id in ids[1:]:
            record = (await there.header(run_id))["workspace"]
            assert record["path"] == str(there.workspace())
            assert (record["kind"], "branch" in record) == ("shared", False)
        assert (await there.take_in(tmp_path / "run.zip")).known

    async def test_a_child_is_not_exported_alone(self, here: Place, tmp_path: Path) -> None:
        """Export of a run that does a step of another one names that one."""
        await here.add_child("run-1.aaaaaaaa", "run-1")
        with pytest.raises(UsageError, match="runs export run-1"):
            await here.export(tmp_path / "run.zip", "run-1.aaaaaaaa")

    async def test_a_child_that_is_here_stands_against_it(
        self, here: Place, there: Place, tmp_path: Path
    ) -> None:
        """When only a child of the run is here, nothing is written."""
        await here.add_child("run-1.aaaaaaaa", "run-1")
        await here.export(tmp_path / "run.zip")
        await there.rest("run-1.aaaaaaaa")
        with pytest.raises(ArchiveError, match=r"a run run-1\.aaaaaaaa is here already"):
            await there.take_in(tmp_path / "run.zip")
        assert [row.run_id for row in await there.rows()] == ["run-1.aaaaaaaa"]


async def test_pruning_keeps_what_a_journal_refers_to(here: Place) -> None:
    """Outputs and specs of runs that are there are kept, however old; without their run they go."""
    async with here.kernel.storage() as storage:
        database = here.folder / ".loopengt" / "loopengt.db"
        look = sqlite3.connect(database, isolation_level=None)
        look.execute("UPDATE blob_times SET stored_at = 1")
        look.close()
        assert await prune_unreferenced(storage) == 0
        freed = await prune_unreferenced(storage, dry_run=True, without=["run-1"])
        assert freed > len(BIG)
        await storage.delete(await storage.claim("run-1", current_owner(), 60))
        assert await prune_unreferenced(storage) == freed


async def test_a_spec_is_stored_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that stored a spec long ago does not rely on it: meanwhile it may have been pruned with its runs."""
    place = Place(tmp_path / "here", a="a")
    spec = LoopSpec.model_validate(loop_spec("a", "b"))
    await run_loop(place.kernel, spec, run_id="run-1")
    async with place.kernel.storage() as storage:
        await storage.delete(await storage.claim("run-1", current_owner(), 60))
        await storage.prune_blobs([], 0)
        monkeypatch.setattr("loopengt_local.spec_store.monotonic", lambda: monotonic() + 600)
        place.agent.script("a", "a")
        await run_loop(place.kernel, spec, run_id="run-2")
        digest = (await place.header("run-2"))["spec"]
        assert b"demo" in await storage.get_blob(digest)
