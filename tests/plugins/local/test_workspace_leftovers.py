"""What crashes leave on disk is found and cleared away, and nothing else is."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from .workspace_kit import (
    PROJECT,
    by_the_agent,
    check_nothing_is_left,
    everything,
    finish,
    git,
    repository,
    work,
)

if TYPE_CHECKING:
    from collections.abc import Collection


async def leftovers(lab: Any, known: Collection[str], *, remove: bool = False, **options: Any) -> list[str]:
    """List, and if asked remove, what the engine finds; return the runs that it is of."""
    engine = lab.kernel().engine()
    found = await engine.leftovers(known, **options)
    if remove:
        await engine.remove_leftovers(found)
    return sorted(leftover.run_id for leftover in found)


@pytest.mark.parametrize("kind", ["worktree", "copy"])
async def test_workspaces_of_known_runs_stay(lab: Any, kind: str) -> None:
    """A run that is known keeps its workspace; one that is not, once it is too old to be one that begins, does not."""
    repository(lab.project, PROJECT)
    kept, lost = await work(lab, by_the_agent, workspace=kind), await work(lab, by_the_agent, workspace=kind)
    assert await leftovers(lab, [kept.run_id, lost.run_id], min_age_seconds=0) == []
    assert await leftovers(lab, [kept.run_id]) == []
    before = everything(lab.project)
    assert await leftovers(lab, [kept.run_id], remove=True, min_age_seconds=0) == [lost.run_id]
    assert not lost.workspace.exists()
    assert everything(lab.project) == before
    await finish(lab, kept.run_id)
    check_nothing_is_left(lab.project)


async def test_a_workspace_that_was_deleted_by_hand(lab: Any) -> None:
    """Its branch and worktree entry are found also when the run is known, and other branches are not."""
    repository(lab.project, PROJECT)
    git(lab.project, "branch", "loopengt/of-the-user")
    result = await work(lab, by_the_agent)
    git(result.workspace, "add", "-A")
    git(result.workspace, "commit", "-qm", "work")
    os.rename(result.workspace, lab.project.with_name(f"{lab.project.name}-moved"))
    assert await leftovers(lab, [result.run_id], remove=True) == [result.run_id]
    assert git(lab.project, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/loopengt/of-the-user",
        "refs/heads/main",
    ]
    assert git(lab.project, "worktree", "list").count("\n") == 1
    assert await leftovers(lab, []) == []


async def test_other_worktrees_of_the_user_are_not_pruned(lab: Any, tmp_path_factory: Any) -> None:
    """A worktree whose folder is away for the moment, as on a disk that is not mounted, keeps its entry."""
    repository(lab.project, PROJECT)
    away = tmp_path_factory.mktemp("disk") / "mine"
    git(lab.project, "worktree", "add", "-q", "-b", "mine", str(away))
    away.rename(away.with_name("unmounted"))
    result = await work(lab, by_the_agent)
    await finish(lab, result.run_id, "discard")
    assert str(away) in git(lab.project, "worktree", "list")


async def test_nothing_to_find_costs_nothing(lab: Any) -> None:
    """In a project without runs there are no leftovers, and looking makes no folder."""
    assert await leftovers(lab, []) == []
    assert not (lab.project / ".loopengt").exists()


async def test_a_workspace_in_the_making_is_left_alone(lab: Any) -> None:
    """The folder of a run that is not known yet is younger than the limit, and its branch goes with the folder."""
    repository(lab.project, PROJECT)
    result = await work(lab, by_the_agent)
    assert (
        await leftovers(lab, [], min_age_seconds=time.time() - result.workspace.lstat().st_ctime + 60) == []
    )
    assert git(lab.project, "branch", "--list", "loopengt/*") != ""
