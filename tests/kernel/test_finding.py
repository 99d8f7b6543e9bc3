"""Finding the run that a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt import Kernel, RunNotFound
from loopengt.finding import check_runs_exist, find_run, has_crashed, is_driven, keeps_runs
from loopengt.ownership import current_owner
from loopengt.testing import make_kernel
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Lease, Storage


async def add(storage: Storage, run_id: str, owner: str = "", seconds: float = 60.0) -> Lease:
    """Add a run that began after all before it."""
    began = 1e9 + len(await storage.rows())
    row = RunRow(run_id=run_id, loop_name="demo", status="running", started_at=began)
    return await storage.create(row, owner or current_owner(), seconds, b"[]", 1)


async def test_an_id_a_prefix_and_latest_are_found(tmp_path: Path) -> None:
    """The whole id counts even where it begins another one; latest is the one that began last."""
    async with make_kernel(tmp_path).storage() as storage:
        for run_id in ("ab", "abc", "x"):
            await add(storage, run_id)
        assert (await find_run(storage, "ab")).run_id == "ab"
        assert (await find_run(storage, "abc")).run_id == "abc"
        assert (await find_run(storage, "latest")).run_id == "x"


async def test_runs_of_sub_loops_do_not_count(tmp_path: Path) -> None:
    """Their ids begin with their parent's: a prefix means the parent, latest no child, a whole id the child itself."""
    async with make_kernel(tmp_path).storage() as storage:
        await add(storage, "parent-1")
        for number in range(15):
            row = RunRow(f"parent-1.{number:08}", "child", "running", started_at=2e9, parent="parent-1")
            await storage.create(row, current_owner(), 60, b"[]", 1)
        assert (await find_run(storage, "latest")).run_id == "parent-1"
        assert (await find_run(storage, "par")).run_id == "parent-1"
        assert (await find_run(storage, "parent-1.00000003")).parent == "parent-1"
        with pytest.raises(RunNotFound, match="more than one run"):
            await find_run(storage, "parent-1.0000")


async def test_trials_of_suites_do_not_count_as_latest(tmp_path: Path) -> None:
    """A run that is a trial of a suite is found by its id, and is never the latest."""
    async with make_kernel(tmp_path).storage() as storage:
        await add(storage, "mine")
        await add(storage, "eval-1-0001-1")
        assert (await find_run(storage, "latest")).run_id == "mine"
        assert (await find_run(storage, "eval-1")).run_id == "eval-1-0001-1"


async def test_a_name_that_fits_none_or_many_is_refused(tmp_path: Path) -> None:
    """The error says so; of many candidates ten are listed."""
    async with make_kernel(tmp_path).storage() as storage:
        with pytest.raises(RunNotFound, match="there are no runs yet"):
            await find_run(storage, "latest")
        for number in range(12):
            await add(storage, f"run-{number:02}")
        for name in ("", "other"):
            with pytest.raises(RunNotFound, match=f"there is no run '{name}'"):
                await find_run(storage, name)
        with pytest.raises(RunNotFound, match="more than one run begins with 'run-'") as raised:
            await find_run(storage, "run-")
    assert str(raised.value).count("  demo") == 10
    assert "and more" in str(raised.value)


async def test_a_run_is_driven_or_has_crashed(tmp_path: Path) -> None:
    """A run counts as driven while its lease holds and its owner is there, and as crashed afterwards."""
    async with make_kernel(tmp_path).storage() as storage:
        lease = await add(storage, "run")
        row = await find_run(storage, "run")
        assert (is_driven(row), has_crashed(row)) == (True, False)
        await storage.release(lease)
        row = await find_run(storage, "run")
        assert (is_driven(row), has_crashed(row)) == (False, True)


def test_where_nothing_was_set_up_there_are_no_runs(tmp_path: Path) -> None:
    """A folder without .loopengt keeps no runs and is left as it is; with one it may."""
    kernel = Kernel(tmp_path, environ={})
    assert not keeps_runs(kernel)
    with pytest.raises(RunNotFound, match="there is no run 'a'"):
        check_runs_exist(kernel, "a")
    assert not any(tmp_path.iterdir())
    (tmp_path / ".loopengt").mkdir()
    check_runs_exist(kernel, "a")
