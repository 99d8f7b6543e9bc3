"""An archive to be tampered with, and the project that it attacks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from .archive_kit import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive of a run with a folder, a file and a link."""
    folder = tmp_path_factory.mktemp("sound")
    here = Place(folder / "here", a="a")
    (here.folder / "folder").mkdir()
    (here.folder / "folder" / "file").write_text("text\n" * 50)
    (here.folder / "link").symlink_to("folder/file")

    async def make() -> None:
        await here.rest()
        await here.export(folder / "run.zip")

    asyncio.run(make())
    return (folder / "run.zip").read_bytes()


@pytest.fixture
def file(tmp_path: Path, sound: bytes) -> Path:
    """A file of it, to be tampered with."""
    (tmp_path / "run.zip").write_bytes(sound)
    return tmp_path / "run.zip"


@pytest.fixture
def there(tmp_path: Path) -> Place:
    """The project that is attacked."""
    return Place(tmp_path / "there")
