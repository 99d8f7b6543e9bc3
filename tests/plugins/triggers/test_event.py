"""The trigger ``event``: real files that change, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loopengt_hookspecs.models import LoopTrigger
from loopengt_triggers.event import EventKind, EventOptions
from loopengt_triggers.files import Pattern, changed, scan

from .clocks import HeldClock


class Watched:
    """A project that is looked at."""

    def __init__(self, project: Path, **config: Any) -> None:
        self.project = project
        self.clock = HeldClock()
        declared = LoopTrigger(trigger_type="event", config={"paths": ["src/**"], **config})
        self.trigger = EventKind(self.clock).bind(declared, project)
        self.coming: asyncio.Future[Any] = asyncio.ensure_future(self._first())
        self._found: AsyncIterator[Any] = self.trigger.occasions()  # type: ignore[assignment]

    async def _first(self) -> Any:
        return await anext(self._found)

    def write(self, name: str, text: str = "x") -> None:
        """Write a file."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    async def quiet(self, ticks: int = 3) -> None:
        """Check that nothing comes while the files are looked at so often."""
        for _ in range(ticks):
            await self.clock.tick()
            await self.clock.sleeping()
            assert not self.coming.done()

    async def comes(self, ticks: int) -> list[str]:
        """Return the paths of the occasion that comes after just so many looks, and wait for the next."""
        await self.quiet(ticks - 1)
        await self.clock.tick()
        event = await asyncio.wait_for(self.coming, 10)
        self.coming = asyncio.ensure_future(self._first())
        await self.clock.sleeping()
        assert event["more"] == 0
        paths: list[str] = event["paths"]
        return paths

    async def end(self) -> None:
        """Wait no longer."""
        self.coming.cancel()
        await asyncio.wait([self.coming])
        await self.trigger.close()


async def test_new_changed_and_removed_files_are_told(tmp_path: Path) -> None:
    """Each is an occasion with its path, once nothing has changed for the time of debounce."""
    watched = Watched(tmp_path)
    watched.write("src/old.py")
    await watched.clock.sleeping()
    await watched.quiet()
    watched.write("src/sub/new.py")
    assert await watched.comes(2) == ["src/sub/new.py"]
    watched.write("src/old.py", "longer")
    assert await watched.comes(2) == ["src/old.py"]
    (tmp_path / "src/old.py").unlink()
    assert await watched.comes(2) == ["src/old.py"]
    await watched.quiet()
    await watched.end()


async def test_what_is_there_from_the_start_is_no_occasion(tmp_path: Path) -> None:
    """Neither are files that no pattern fits, nor those of git and loopengt."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "old.py").touch()
    watched = Watched(tmp_path, paths=["src/**", "**/*.md"])
    await watched.clock.sleeping()
    for name in ("other/a.py", ".git/a.md", ".loopengt/runs/a.md", "src/__pycache__/a.pyc"):
        watched.write(name)
    await watched.quiet()
    await watched.end()


async def test_changes_that_go_on_are_waited_for(tmp_path: Path) -> None:
    """While a file changes at every look there is no occasion; then one has them all."""
    watched = Watched(tmp_path, debounce="3s")
    await watched.clock.sleeping()
    for number in range(5):
        watched.write(f"src/{number}.py")
        await watched.quiet(1)
    assert await watched.comes(3) == [f"src/{number}.py" for number in range(5)]
    await watched.end()


async def test_changes_without_end_do_not_put_it_off_for_ever(tmp_path: Path) -> None:
    """After a minute there is an occasion, although the file still changes."""
    watched = Watched(tmp_path, poll="20s", debounce="30s")
    await watched.clock.sleeping()
    for number in range(3):
        watched.write("src/log", "x" * number)
        await watched.quiet(1)
    watched.write("src/log", "end")
    assert await watched.comes(1) == ["src/log"]
    await watched.end()


async def test_what_a_run_did_itself_is_forgotten(tmp_path: Path) -> None:
    """What has changed before ``forget`` is no occasion, what changes after the next look is one."""
    watched = Watched(tmp_path)
    await watched.clock.sleeping()
    watched.write("src/a.py")
    await watched.quiet(1)
    watched.write("src/b.py")
    watched.trigger.forget()
    await watched.quiet()
    watched.write("src/c.py")
    assert await watched.comes(2) == ["src/c.py"]
    await watched.end()


async def test_many_paths_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An occasion names so many, and says how many more there are."""
    monkeypatch.setattr("loopengt_triggers.event.MOST_PATHS", 2)
    watched = Watched(tmp_path, debounce=0)
    await watched.clock.sleeping()
    for number in range(5):
        watched.write(f"src/{number}.py")
    await watched.clock.tick()
    assert await asyncio.wait_for(watched.coming, 10) == {"paths": ["src/0.py", "src/1.py"], "more": 3}
    await watched.end()


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*.py", {"a.py", "src/b.py", "src/deep/c.py"}),
        ("./*.py", {"a.py"}),
        ("src/*.py", {"src/b.py"}),
        ("src/**/*.py", {"src/b.py", "src/deep/c.py"}),
        ("src", {"src/b.py", "src/deep/c.py", "src/deep/d.md"}),
        ("src/deep/", {"src/deep/c.py", "src/deep/d.md"}),
        ("**", {"a.py", "src/b.py", "src/deep/c.py", "src/deep/d.md", "e[1].txt"}),
        ("?.py", {"a.py", "src/b.py", "src/deep/c.py"}),
        ("e[[]1].txt", {"e[1].txt"}),
        ("**/deep/**/d.*", {"src/deep/d.md"}),
        ("nothing/**", set()),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, fits: set[str]) -> None:
    """A name fits at any depth, a path from the project on, and a folder stands for what is below."""
    for name in ("a.py", "src/b.py", "src/deep/c.py", "src/deep/d.md", "e[1].txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.py").symlink_to(tmp_path / "nowhere")
    assert set(scan(tmp_path, [Pattern(pattern)])) == fits


def test_a_pattern_of_stars_is_quick(tmp_path: Path) -> None:
    """A pattern that would make others go back and forth for ever is matched step by step."""
    (tmp_path / ("a/" * 20)).mkdir(parents=True)
    (tmp_path / ("a/" * 20) / "b").touch()
    assert scan(tmp_path, [Pattern("**/a/" * 30 + "c")]) == {}


def test_folders_that_cannot_fit_are_not_looked_into(tmp_path: Path) -> None:
    """A folder that no pattern can lead into is left alone, however large it is."""
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").touch()
    opened = []
    real = os.scandir

    def counted(path: str) -> Any:
        opened.append(os.path.relpath(path, tmp_path))
        return real(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "scandir", counted)
        assert set(scan(tmp_path, [Pattern("src/*.py")])) == {"src/a.py"}
    assert opened == [".", "src"]


def test_a_file_of_the_same_size_and_time_is_seen_to_be_another(tmp_path: Path) -> None:
    """A file that was put in the place of another, its time and size kept, has changed."""
    (tmp_path / "a").write_text("one")
    before = scan(tmp_path, [Pattern("a")])
    (tmp_path / "b").write_text("two")
    stat = (tmp_path / "a").stat()
    os.utime(tmp_path / "b", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (tmp_path / "b").rename(tmp_path / "a")
    assert changed(before, scan(tmp_path, [Pattern("a")])) == {"a"}


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "paths"),
        ({"paths": []}, "at least 1"),
        ({"paths": ["../x"]}, "leads out of the project"),
        ({"paths": ["src/../../x"]}, "leads out of the project"),
        ({"paths": ["/etc/passwd"]}, "leads out of the project"),
        ({"paths": ["~/x"]}, "leads out of the project"),
        ({"paths": [""]}, "no pattern"),
        ({"paths": ["x" * 2_000]}, "no pattern"),
        ({"paths": "src"}, "list"),
        ({"paths": ["src"], "poll": 0}, "greater than or equal to 0.05"),
        ({"paths": ["src"], "debounce": "-1s"}, "no duration"),
    ],
)
def test_what_cannot_be_watched_is_refused(config: dict[str, Any], why: str) -> None:
    """Each misfit has words that say what is wrong."""
    with pytest.raises(ValidationError, match=why):
        EventOptions.model_validate(config)
