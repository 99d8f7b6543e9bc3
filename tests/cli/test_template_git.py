"""``loopengt template use`` with git repositories: what is written is shown first, and nothing is executed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .template_kit import typed

if TYPE_CHECKING:
    from .conftest import Bench
    from .template_kit import Type

__all__ = ["typed"]


def git(folder: Path, *words: str) -> str:
    """Run git with a name."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(bench: Bench) -> Path:
    """A repository with a template in a folder, two versions of it, and traps for those who check it out."""
    folder = bench.marks / "repository"
    (folder / "loops" / "demo").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    spec = bench.loop()
    (bench.project / "loop.yaml").unlink()
    trap = f"touch {bench.marks}/executed"
    git(folder, "config", "filter.trap.smudge", trap)
    (folder / ".gitattributes").write_text("* filter=trap\n")
    for version in ("one", "two"):
        (folder / "loops" / "demo" / "loop.yaml").write_text(
            json.dumps(spec | {"description": version}, indent=1)
        )
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", version)
        git(folder, "tag", version)
    return folder


def description(bench: Bench) -> str:
    """That of the loop that was written."""
    return str(json.loads((bench.project / "loop.yaml").read_text())["description"])


def test_a_folder_at_a_tag_is_used(bench: Bench, typed: Type, repository: Path) -> None:
    """The folder and version that were named are written, after saying what, and what its loop executes."""
    used = typed("use", f"git+file://{repository}#loops/demo@one", "--yes")
    assert used.returncode == 0, used.stderr
    assert description(bench) == "one"
    assert git(repository, "rev-parse", "one") in used.stderr
    assert "agent counter: command" in used.stderr and "agent.py" in used.stderr
    assert not (bench.marks / "executed").exists()


@pytest.mark.parametrize("ref", ["", "@main", "@COMMIT"])
def test_the_default_a_branch_and_a_commit(bench: Bench, typed: Type, repository: Path, ref: str) -> None:
    """Without a version it is the default branch; a branch and a whole commit id do as well."""
    ref = ref.replace("COMMIT", git(repository, "rev-parse", "two"))
    used = typed("use", f"file://{repository}#loops/demo{ref}", "--yes")
    assert used.returncode == 0, used.stderr
    assert description(bench) == "two"


def test_nothing_is_written_without_consent(bench: Bench, typed: Type, repository: Path) -> None:
    """Where nobody can be asked, and --yes is not given, the files are named and none is written."""
    used = typed("use", f"file://{repository}#loops/demo")
    assert used.returncode == 2
    assert "It writes:\n  loop.yaml" in used.stderr and "Add --yes." in used.stderr
    assert not (bench.project / "loop.yaml").exists()


def test_show_takes_an_address_too(bench: Bench, typed: Type, repository: Path) -> None:
    """A template can be looked at before it is used."""
    shown = typed("show", f"git+file://{repository}#loops/demo@two")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("demo (file://")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://example.org/r", "is no address of a template"),
        ("git+http://example.org/r", "is no address of a template"),
        ("git+ext://sh -c touch% x", "is no address of a template"),
        ("git+ext::sh -c touch% x", "is no address of a template"),
        ("git+ssh://", "names no repository"),
        ("git+file:///REPO#../x", "is not inside the repository"),
        ("git+file:///REPO#loops@--upload-pack=touch", "is no branch, tag or commit"),
        ("git+file:///REPO#loops@a:b", "is no branch, tag or commit"),
        ("git+file:///REPO#nowhere", "has no folder 'nowhere'"),
        ("git+file:///REPO#loops@gone", "git cannot get"),
        ("git+file:///nowhere", "git cannot get"),
        ("git+file:///REPO#loops", "has no loop.yaml"),
        ("git+https://name:hunter2@127.0.0.1:1/r", "git cannot get https://127.0.0.1:1/r"),
    ],
)
def test_bad_addresses_are_refused(
    bench: Bench, typed: Type, repository: Path, address: str, says: str
) -> None:
    """What is no address, leads out, or is not there is an error without a traceback, or a password in it."""
    used = typed("use", address.replace("/REPO", str(repository)), "--yes")
    assert used.returncode in (1, 2)
    assert says in used.stderr and "Traceback" not in used.stderr and "hunter2" not in used.stderr
    assert list(bench.project.glob("*.yaml")) == []


def test_links_and_large_files_are_refused(bench: Bench, typed: Type, repository: Path) -> None:
    """A link in the folder, and more bytes than a template may have, are refused before anything is written."""
    link = repository / "loops" / "demo" / "notes.md"
    link.symlink_to("/etc/passwd")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "link")
    used = typed("use", f"file://{repository}#loops/demo", "--yes")
    assert used.returncode == 2 and "'notes.md' of file://" in used.stderr and "is a link" in used.stderr
    link.unlink()
    link.write_text("x" * 1_000_001)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "large")
    used = typed("use", f"file://{repository}#loops/demo", "--yes")
    assert used.returncode == 2 and "larger than 1 MB" in used.stderr
    assert not (bench.project / "loop.yaml").exists()


def test_hidden_files_are_left_out(bench: Bench, typed: Type, repository: Path) -> None:
    """Files by which other programs are told what to execute do not come along, and are named; ours are refused."""
    for name in (".claude/settings.json", "sub/.envrc", ".github/workflows/a.yml", "sub/kept.md"):
        path = repository / "loops/demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "hidden")
    used = typed("use", f"file://{repository}#loops/demo", "--yes")
    assert used.returncode == 0, used.stderr
    assert (
        "without its hidden files: .claude/settings.json, .github/workflows/a.yml, sub/.envrc" in used.stderr
    )
    assert (bench.project / "sub/kept.md").is_file()
    assert [path for path in bench.project.rglob(".*") if path.name != ".loopengt"] == []
    (repository / "loops/demo/.loopengt").mkdir()
    (repository / "loops/demo/.loopengt/config.toml").write_text("x")
    git(repository, "add", "-Af")
    git(repository, "commit", "-qm", "ours")
    used = typed("use", f"file://{repository}#loops/demo", "--yes", "--force")
    assert used.returncode == 2 and "is not one that a template may write" in used.stderr


@pytest.mark.parametrize("name", [b"a\nb.md", b"a\x1b[2J.md", b"\xff.md"])
def test_hostile_names_are_refused(bench: Bench, typed: Type, repository: Path, name: bytes) -> None:
    """A name that would steer the terminal, or is no text, is an error that shows it harmlessly."""
    folder = os.fsencode(repository / "loops/demo")
    with open(os.path.join(folder, name), "w") as file:
        file.write("x")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "name")
    used = typed("use", f"file://{repository}#loops/demo", "--yes")
    assert used.returncode == 2 and "\x1b" not in used.stderr
    assert list(bench.project.glob("*.yaml")) == []


def test_bare_repositories_and_worktrees(bench: Bench, typed: Type, repository: Path) -> None:
    """A template comes from a bare repository and from a worktree as well, in folders with blanks and umlauts."""
    bare, tree = bench.marks / "bä re.git", bench.marks / "a worktree"
    git(bench.marks, "clone", "-q", "--bare", str(repository), str(bare))
    git(repository, "worktree", "add", "-q", str(tree), "-b", "side", "one")
    for place, said in ((bare, "two"), (tree, "one")):
        address = f"git+file://{str(place).replace(' ', '%20')}#loops/demo"
        used = typed("use", address, "--yes", "--force")
        assert used.returncode == 0, used.stderr
        assert description(bench) == said
