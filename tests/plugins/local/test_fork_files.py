"""The files of a fork are those of its place, as far as they were kept; where they are not, that is said."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import ReplayMismatch
from loopengt.testing import ScriptedAgent, loop_spec, run_loop
from loopengt_hookspecs.engines import ForkRequest
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult

KINDS = ["copy", "worktree"]


def work(request: AgentRequest) -> str:
    """Write the step's name to a file that all steps write to, and one of its own; the first one goes."""
    with (request.workspace / "log.txt").open("a") as log:
        log.write(f"{request.step}\n")
    (request.workspace / f"{request.step}.txt").write_text(request.step)
    (request.workspace / "first.txt").unlink(missing_ok=True)
    return request.step


def spec(kind: str, *saved: str) -> dict[str, Any]:
    """Four steps, some of which save a checkpoint."""
    steps = ({"name": name, "checkpoint": name in saved} for name in "abcd")
    return loop_spec(*steps, workspace=kind)


class Shop:
    """A project with some files, and runs in it."""

    def __init__(self, lab: Any) -> None:
        self.lab = lab
        self.project: Path = lab.project
        self.git("init", "-q")
        for name in ("log.txt", "first.txt"):
            (self.project / name).write_text("begin\n")
        (self.project / ".gitignore").write_text("*.cache\n.loopengt/\n")
        self.git("add", "-A")
        self.git("commit", "-qm", "begin")
        (self.project / "log.txt").write_text("uncommitted\n")

    def git(self, *words: str) -> str:
        """Run git in the project."""
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        command = ["git", *identity, "-C", str(self.project), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    async def run(self, declared: dict[str, Any], run_id: str = "source") -> RunResult:
        """Run a loop in a workspace of its own."""
        kernel = self.lab.kernel(agents=ScriptedAgent(agents={"worker": work}))
        return await run_loop(kernel, declared, in_place=False, run_id=run_id)

    async def fork(self, at: str, source: str = "source", fork_id: str = "fork", **fields: Any) -> RunResult:
        """Fork a run whose rest does nothing."""
        agent = ScriptedAgent(agents={"worker": lambda request: request.step})
        kernel = self.lab.kernel(agents=agent)
        async with kernel.storage():
            return await kernel.engine().fork(ForkRequest(source, at, fork_id=fork_id, **fields))


def files(result: RunResult) -> dict[str, str]:
    """The files of a run's workspace."""
    assert result.workspace is not None
    return {
        path.name: path.read_text().replace("\n", " ").strip()
        for path in result.workspace.iterdir()
        if path.is_file() and path.name not in (".git", ".gitignore")
    }


@pytest.fixture
def shop(lab: Any) -> Shop:
    """A project under git."""
    return Shop(lab)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", ["b@1", "c"])
async def test_the_files_are_those_of_the_checkpoint(kind: str, at: str, shop: Shop) -> None:
    """At a checkpoint, and at the step behind it, the files are what they were then, and nothing is said."""
    source = await shop.run(spec(kind, "a", "b"))
    before = files(source)
    fork = await shop.fork(at)
    assert files(fork) == {"log.txt": "uncommitted a b", "a.txt": "a", "b.txt": "b"}
    assert fork.notes == ()
    assert (fork.workspace_kind, files(source)) == (kind, before)
    assert fork.workspace != source.workspace


@pytest.mark.parametrize("kind", KINDS)
async def test_an_earlier_checkpoint_is_the_next_best(kind: str, shop: Shop) -> None:
    """Without one at the place the latest before it is taken, and it is said how far back that is."""
    await shop.run(spec(kind, "a"))
    fork = await shop.fork("d")
    assert files(fork) == {"log.txt": "uncommitted a", "a.txt": "a"}
    assert fork.notes == ("Its files are those of checkpoint a@1, 2 steps before its place.",)


@pytest.mark.parametrize("kind", KINDS)
async def test_without_checkpoints_the_files_are_those_of_the_end(kind: str, shop: Shop) -> None:
    """Then it is said that they are, and how to have them kept."""
    source = await shop.run(spec(kind))
    fork = await shop.fork("c")
    assert files(fork) == files(source)
    assert len(files(fork)) == 5
    (note,) = fork.notes
    assert "those that run source has now, not those at its place" in note
    assert "checkpoint: true" in note


@pytest.mark.parametrize("kind", KINDS)
async def test_at_the_first_step_the_files_are_those_of_the_beginning(kind: str, shop: Shop) -> None:
    """Nothing was done there, so the fork begins with what the run began with, whatever the project has become."""
    await shop.run(spec(kind, "d"))
    (shop.project / "later.txt").write_text("later")
    shop.git("add", "-A")
    shop.git("commit", "-qm", "later")
    fork = await shop.fork("a")
    assert files(fork) == {"log.txt": "uncommitted", "first.txt": "begin"}
    assert fork.notes == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_fork_has_done_is_what_both_have_done(kind: str, shop: Shop) -> None:
    """What becomes of the project meanwhile is no part of the fork's changes."""
    source = await shop.run(spec(kind, "b"))
    (shop.project / "later.txt").write_text("later")
    shop.git("add", "-A")
    shop.git("commit", "-qm", "later")
    fork = await shop.fork("c")
    header = (await shop.lab.events("fork"))[0].data["workspace"]
    changes = subprocess.run(
        ["git", "-C", str(fork.workspace), "diff", "--name-status", header["start"]],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert sorted(changes.split("\n")) == ["", "D\tfirst.txt", "M\tlog.txt"]
    if kind == "worktree":
        assert header["base"] == (await shop.lab.events(source.run_id))[0].data["workspace"]["base"]
        branch = shop.git("rev-parse", "loopengt/fork").strip()
        assert branch == header["base"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fork_can_be_merged(kind: str, shop: Shop) -> None:
    """Merging brings what both runs have done into the project, beside what became of it meanwhile."""
    await shop.run(spec(kind, "b"))
    await shop.fork("c")
    (shop.project / "later.txt").write_text("later")
    kernel = shop.lab.kernel()
    async with kernel.storage():
        await kernel.engine().finish_workspace("fork", "merge")
    assert (shop.project / "log.txt").read_text() == "uncommitted\na\nb\n"
    assert {path.name for path in shop.project.glob("*.txt")} == {"log.txt", "a.txt", "b.txt", "later.txt"}


@pytest.mark.parametrize("kind", KINDS)
async def test_forks_of_forks_have_the_files_too(kind: str, shop: Shop) -> None:
    """A checkpoint that a fork shares is found where its files were kept."""
    await shop.run(spec(kind, "a", "b", "c"))
    await shop.fork("d", fork_id="two")
    third = await shop.fork("a@1", "two", "three")
    assert files(third) == {"log.txt": "uncommitted a", "a.txt": "a"}
    fourth = await shop.fork("c@1", "two", "four")
    assert files(fourth) == {"log.txt": "uncommitted a b c", "a.txt": "a", "b.txt": "b", "c.txt": "c"}


async def test_a_workspace_that_is_gone_is_said(shop: Shop) -> None:
    """The kept files of a copy go with it: then a fork has the project's files, and says so."""
    source = await shop.run(spec("copy", "b"))
    assert source.workspace is not None
    shutil.rmtree(source.workspace)
    fork = await shop.fork("c")
    assert files(fork) == {"log.txt": "uncommitted", "first.txt": "begin"}
    (note,) = fork.notes
    assert note.startswith(
        "The workspace of run source is gone. Its files are the project's, as they are now."
    )


async def test_kept_files_of_a_worktree_outlive_it(shop: Shop) -> None:
    """They lie in the project's repository."""
    source = await shop.run(spec("worktree", "b"))
    shop.git("worktree", "remove", "--force", str(source.workspace))
    fork = await shop.fork("c")
    assert files(fork) == {"log.txt": "uncommitted a b", "a.txt": "a", "b.txt": "b"}


async def test_a_copy_without_git_is_forked_with_all_it_has(
    lab: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    """Without git no files are kept; the fork has those of the end."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (lab.project / "log.txt").write_text("begin\n")
    shop = Shop.__new__(Shop)
    shop.lab, shop.project = lab, lab.project
    source = await shop.run(spec("copy", "b"))
    saved = [event.data for event in await lab.events("source") if event.type == "checkpoint.save"]
    assert ["tree" in data for data in saved] == [False]
    assert "git" in saved[0]["tree_error"]
    fork = await shop.fork("b@1")
    assert files(fork) == files(source)
    assert "has now" in fork.notes[0]


async def test_a_run_in_place_is_forked_in_place(shop: Shop) -> None:
    """No files are kept of the project itself; the fork works on it as it is, and says so."""
    await shop.run(spec("in_place", "b"))
    saved = [event.data for event in await shop.lab.events("source") if event.type == "checkpoint.save"]
    assert saved == [{"checkpoint_id": "b@1", "name": "b"}]
    fork = await shop.fork("b@1")
    assert (fork.workspace, fork.workspace_kind) == (shop.project, "in_place")
    assert fork.notes == ("It works on the project's own files, as they are now.",)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fork_that_does_not_fit_leaves_nothing(kind: str, shop: Shop) -> None:
    """No run, no workspace, no branch: also when the context changes what the run would have done before."""
    steps = ("a", {"name": "each", "for_each": "context.items"}, "b")
    await shop.run(loop_spec(*steps, workspace=kind, context={"items": [1, 2]}))
    before = shop.git("for-each-ref")
    with pytest.raises(
        ReplayMismatch, match=r"before 'b' does not fit the given context: .*each\["
    ) as caught:
        await shop.fork("b", context={"items": [1]})
    assert "Fork at an earlier place" in caught.value.remedy
    with pytest.raises(UsageError):
        await shop.fork("nowhere")
    assert shop.git("for-each-ref") == before
    assert [path.name for path in (shop.project / ".loopengt" / "workspaces").iterdir()] == ["source"]
    assert [row.run_id for row in await shop.lab.memory.rows()] == ["source"]
    fork = await shop.fork("each", context={"items": [1]})
    assert [name for name in fork.snapshot().step_states if "[" in name] == ["each[0]"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_while_a_fork_is_made_leaves_nothing(kind: str, shop: Shop) -> None:
    """The workspace of a fork whose journal cannot be written is removed again."""
    await shop.run(spec(kind, "a"))
    before = shop.git("for-each-ref")

    async def refuse(*_: Any) -> None:
        raise OSError("no space left")

    shop.lab.memory.create = refuse
    with pytest.raises(OSError, match="no space left"):
        await shop.fork("b")
    assert shop.git("for-each-ref") == before
    assert [path.name for path in (shop.project / ".loopengt" / "workspaces").iterdir()] == ["source"]


async def test_the_step_behind_concurrent_ones_has_what_all_have_done(shop: Shop) -> None:
    """A checkpoint that is saved while other branches work keeps what they have done by then."""
    declared = loop_spec(
        {"name": "a", "checkpoint": True},
        {"name": "b", "checkpoint": True, "dependencies": ["a"]},
        {"name": "c", "checkpoint": True, "dependencies": ["a"]},
        {"name": "d", "dependencies": ["b", "c"]},
        pattern="parallel_fan_out",
        workspace="copy",
    )
    await shop.run(declared)
    fork = await shop.fork("d")
    assert {"a.txt", "b.txt", "c.txt"} <= files(fork).keys()
    assert "d.txt" not in files(fork)
