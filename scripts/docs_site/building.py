"""Builds the site with Zensical, in a folder of its own, so that its cache is left nowhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["BuildError", "build"]


class BuildError(Exception):
    """The site could not be built."""


def build(root: Path, output: Path) -> None:
    """Build the site of a project folder; what was at its place is replaced when all went well.

    Raises:
        BuildError: Zensical is not installed, or warns of anything.
    """
    if find_spec("zensical") is None:
        raise BuildError("zensical is not installed: pip install -e '.[docs]'")
    with TemporaryDirectory(prefix="loopengt-docs-") as folder:
        work = Path(folder)
        shutil.copytree(root / "docs", work / "docs")
        shutil.copy(root / "mkdocs.yml", work)
        for page in (work / "docs").rglob("*.md"):
            page.write_text(_with_bars(page.read_text(encoding="utf-8")), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--clean", "--strict"],
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
        )
        said = re.sub(r"\x1b\[[0-9;]*m", "", f"{done.stdout}\n{done.stderr}")
        if done.returncode or re.search(r"^(Warning|Error)\b", said, re.MULTILINE):
            raise BuildError(said.partition("Traceback (most recent call last)")[0].strip())
        if output.exists():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(work / "site", output)


def _with_bars(text: str) -> str:
    """Take the backslash off bars in code in tables: GitHub wants it there, Python-Markdown shows it."""
    return re.sub(
        r"^\|.*\|$",
        lambda row: re.sub(r"`[^`]+`", lambda code: code[0].replace("\\|", "|"), row[0]),
        text,
        flags=re.MULTILINE,
    )
