"""Ids, saved trees and their return: what a folder holds, whatever its files are called and git is told to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loopengt import LoopengtError, UsageError
from loopengt_local.workspaces.trees import restore_tree, save_tree, tree_id

ODD_NAMES = [
    b"new\nline",
    b'quo"te',
    b"back\\slash",
    b"\xff\xfe.bin",
    b" space ",
    "ü/é".encode(),
    b"-f",
    b"a/b:c",
]


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person would, with a name."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, "-C", str(folder), *arguments], capture_output=True, check=True)
    return done.stdout.decode(errors="surrogateescape")


def write(folder: Path, files: dict[str | bytes, str | bytes]) -> None:
    """Put files into a folder."""
    for name, content in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def found(folder: Path) -> dict[bytes, tuple[int, bytes]]:
    """Mode and content of all files and links below a folder, git's own left out."""
    files: dict[bytes, tuple[int, bytes]] = {}
    for parent, folders, names in os.walk(os.fsencode(folder)):
        if b".git" in folders:
            folders.remove(b".git")
        for name in (*names, *(name for name in folders if os.path.islink(os.path.join(parent, name)))):
            path = os.path.join(parent, name)
            content = os.readlink(path) if os.path.islink(path) else Path(os.fsdecode(path)).read_bytes()
            files[os.path.relpath(path, os.fsencode(folder))] = (os.lstat(path).st_mode & 0o170100, content)
    return files


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit, an ignored file, and a path with a space."""
    folder = tmp_path / "a repository"
    write(folder, {"a.py": "1\n", "src/b.py": "2\n", ".gitignore": "*.log\n", "noise.log": "x"})
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder


def test_an_id_is_of_contents_and_not_of_commits(repository: Path) -> None:
    """Commits, empty or not, the index, ignored files, caches and .loopengt leave it as it is."""
    before = tree_id(repository)
    git(repository, "commit", "-q", "--allow-empty", "-m", "nothing")
    write(repository, {"noise.log": "other", ".loopengt/loopengt.db": "data"})
    assert tree_id(repository) == before
    write(repository, {"new.py": "3\n"})
    changed = tree_id(repository)
    assert changed != before
    git(repository, "add", "-A")
    assert tree_id(repository) == changed
    git(repository, "commit", "-qm", "second")
    assert tree_id(repository) == changed
    git(repository, "rm", "-q", "new.py")
    assert tree_id(repository) == before


def test_every_kind_of_change_is_another_id(repository: Path) -> None:
    """Content, name, executable bit, link target and deletion count, and taking them back is the first id again."""
    ids = [tree_id(repository)]
    write(repository, {"a.py": "2\n"})
    ids.append(tree_id(repository))
    (repository / "a.py").chmod(0o755)
    ids.append(tree_id(repository))
    (repository / "a.py").rename(repository / "c.py")
    ids.append(tree_id(repository))
    (repository / "link").symlink_to("nowhere")
    ids.append(tree_id(repository))
    (repository / "link").unlink()
    (repository / "link").symlink_to("elsewhere")
    ids.append(tree_id(repository))
    (repository / "src/b.py").unlink()
    ids.append(tree_id(repository))
    assert len(set(ids)) == len(ids)
    git(repository, "checkout", "-q", "-f", ".")
    git(repository, "clean", "-qfd")
    assert tree_id(repository) == ids[0]


def test_a_change_that_keeps_size_and_time_is_seen(repository: Path) -> None:
    """A file whose time is set back after it was changed has another id."""
    path = repository / "a.py"
    old = path.stat()
    time.sleep(2.1)  # the age from which digests are remembered
    before = tree_id(repository)
    assert tree_id(repository) == before
    path.write_text("9\n")
    os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert tree_id(repository) != before


def test_a_plain_folder_has_an_id_too(tmp_path: Path) -> None:
    """Without git, caches, dependencies and empty folders do not count, all else does."""
    write(tmp_path, dict.fromkeys(ODD_NAMES, "x"))
    before = tree_id(tmp_path)
    write(tmp_path, {"__pycache__/a.pyc": "1", ".venv/lib.py": "2", ".loopengt/x": "3"})
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert tree_id(tmp_path) == before
    write(tmp_path, {"empty/full": "4"})
    assert tree_id(tmp_path) != before


def test_the_ignore_rules_of_a_repository_around_hold(repository: Path) -> None:
    """In a folder of a repository its rules count, unless they ignore the folder as a whole."""
    before = tree_id(repository / "src")
    write(repository, {"src/x.log": "ignored"})
    assert tree_id(repository / "src") == before
    write(repository, {".gitignore": "*.log\nbuild/\n", "build/a.py": "1"})
    ignored = tree_id(repository / "build")
    write(repository, {"build/a.py": "2"})
    assert tree_id(repository / "build") != ignored


def test_nothing_is_written_and_nothing_in_the_way_matters(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locked index, variables that name another repository, and configured programs make no difference."""
    before = tree_id(repository)
    ran = tmp_path / "ran"
    program = f"touch {ran}; cat"
    write(repository, {".git/info/attributes": "* filter=evil text eol=crlf\n", ".git/index.lock": ""})
    for key, value in {
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.process": program,
        "core.fsmonitor": f"touch {ran}",
        "core.autocrlf": "true",
    }.items():
        git(repository, "config", key, value)
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    files = {path: path.lstat().st_mtime_ns for path in sorted((repository / ".git").rglob("*"))}
    assert tree_id(repository) == before
    assert {path: path.lstat().st_mtime_ns for path in sorted((repository / ".git").rglob("*"))} == files
    commit = save_tree(repository, "odd")
    write(repository, {"a.py": "changed\n"})
    restore_tree(repository, commit, repository)
    assert (repository / "a.py").read_bytes() == b"1\n"
    assert tree_id(repository) == before
    assert not ran.exists()


def test_a_repository_without_a_commit_and_one_inside_another(repository: Path) -> None:
    """Files of repositories inside count, those of git itself do not; a commit in one is no change."""
    write(repository, {"inner/d.py": "1"})
    before = tree_id(repository)
    git(repository / "inner", "init", "-q")
    assert tree_id(repository) == before
    git(repository / "inner", "add", "-A")
    git(repository / "inner", "commit", "-qm", "first")
    assert tree_id(repository) == before
    assert tree_id(repository / "inner") == tree_id(repository / "inner")
    git(repository, "-c", "advice.addEmbeddedRepo=false", "add", "inner")
    assert tree_id(repository) == before
    write(repository, {"inner/d.py": "2"})
    assert tree_id(repository) != before


@pytest.mark.parametrize("commits", [False, True])
def test_what_is_saved_comes_back_exactly(tmp_path: Path, commits: bool) -> None:
    """Names of any bytes, links, executable and read-only files come back; later files go, ignored ones stay."""
    folder = tmp_path / "work space"
    write(folder, {name: name for name in ODD_NAMES} | {".gitignore": "*.log\n", "x.log": "1", "tool": "#!"})
    (folder / "tool").chmod(0o755)
    (folder / "fixed").write_text("read only")
    (folder / "fixed").chmod(0o444)
    (folder / "link").symlink_to("new\nline")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "big").write_bytes(os.urandom(3_000_000))
    git(folder, "init", "-q")
    if commits:
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "first")
    before, status, number = found(folder), git(folder, "status", "-z"), tree_id(folder)
    commit = save_tree(folder, "after build#1: ä/..")
    assert git(folder, "status", "-z") == status
    assert tree_id(folder) == number

    for name in (b"new\nline", b"-f"):
        os.unlink(os.path.join(os.fsencode(folder), name))
    (folder / "fixed").unlink()
    write(folder, {"fixed/now a folder": "x", "later/deep/file": "x", "x.log": "2", "big": "small"})
    (folder / "tool").chmod(0o644)
    (folder / "link").unlink()
    write(folder, {"link": "a file now"})
    restore_tree(folder, commit, folder)
    after = found(folder)
    assert after.pop(b"x.log")[1] == b"2"
    before.pop(b"x.log")
    assert after == before
    assert tree_id(folder) == number
    assert not (folder / "later").exists()


def test_a_saved_tree_is_kept_by_a_ref_and_fits_another_workspace(tmp_path: Path) -> None:
    """It survives git's clearing away, and can be brought into a workspace of another repository."""
    source, target = tmp_path / "source", tmp_path / "target"
    for folder in (source, target):
        write(folder, {"a.py": folder.name})
        git(folder, "init", "-q")
    commit = save_tree(source, "one")
    write(source, {"a.py": "later", "b.py": "later"})
    git(source, "gc", "-q", "--prune=now")
    restore_tree(source, commit, target)
    assert found(target) == {b"a.py": found(target)[b"a.py"]}
    assert (target / "a.py").read_text() == "source"
    with pytest.raises(UsageError, match="not in the repository"):
        restore_tree(target, commit, source)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """Where a folder was replaced by a link to elsewhere, the files come back here and not there."""
    folder, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    write(folder, {"lib/a.py": "1", ".gitignore": ""})
    elsewhere.mkdir()
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    commit = save_tree(folder, "one")
    (folder / "lib/a.py").unlink()
    (folder / "lib").rmdir()
    (folder / "lib").symlink_to(elsewhere)
    write(elsewhere, {"a.py": "theirs"})
    write(folder, {".gitignore": "lib\n"})
    restore_tree(folder, commit, folder)
    assert (elsewhere / "a.py").read_text() == "theirs"
    assert not (folder / "lib").is_symlink()
    assert (folder / "lib/a.py").read_text() == "1"


def test_objects_that_are_gone_are_written_again(tmp_path: Path) -> None:
    """A second save finds out that what it remembers to have written was cleared away."""
    write(tmp_path, {"a.py": "1"})
    git(tmp_path, "init", "-q")
    time.sleep(2.1)  # the age from which ids are remembered
    save_tree(tmp_path, "one")
    refs = git(tmp_path, "for-each-ref", "--format=%(refname)").split()
    git(tmp_path, "update-ref", "-d", *refs)
    git(tmp_path, "gc", "-q", "--prune=now")
    commit = save_tree(tmp_path, "one")
    assert git(tmp_path, "show", f"{commit}:a.py") == "1"


def test_what_cannot_be_kept_is_a_clear_error(tmp_path: Path) -> None:
    """A folder without git is named, and so is one that stands where a file must come; its files stay."""
    with pytest.raises(UsageError, match="no git repository"):
        save_tree(tmp_path, "one")
    write(tmp_path, {"secret": "1"})
    git(tmp_path, "init", "-q")
    restored = tmp_path / "target"
    write(restored, {"secret/full.log": "in the way", ".gitignore": "*.log\n"})
    git(restored, "init", "-q")
    commit = save_tree(tmp_path, "one")
    with pytest.raises(LoopengtError, match="cannot be brought back"):
        restore_tree(tmp_path, commit, restored)
    assert (restored / "secret/full.log").exists()


def test_ids_in_many_threads_are_the_same(repository: Path) -> None:
    """The memory of digests is shared by threads."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(tree_id, [repository] * 40))) == 1


def test_without_git_ids_are_those_of_a_plain_folder(repository: Path) -> None:
    """On a machine without git a repository is a folder like any other."""
    program = (
        "import sys; from pathlib import Path; from loopengt_local.workspaces.trees import tree_id; "
        "print(tree_id(Path(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(repository)],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/nowhere"},
    )
    assert len(done.stdout.strip()) == 64
