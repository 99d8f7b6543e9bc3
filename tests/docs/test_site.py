"""The site of docs/ is built strictly: a broken link, a page that nobody finds, or a fetch from outside is an error."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .blocks import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
try:
    from docs_site.building import BuildError, build
    from docs_site.checking import problems_of_site
    from docs_site.navigation import problems_of_navigation
finally:
    sys.path.remove(str(ROOT / "scripts"))

needs_zensical = pytest.mark.skipif(
    find_spec("zensical") is None, reason="zensical is not installed: pip install -e '.[docs]'"
)


def small_site(folder: Path, **pages: str) -> Path:
    """Write a project with pages and the settings of the real one."""
    (folder / "docs").mkdir(parents=True)
    nav = "".join(f"  - {name}.md\n" for name in pages)
    (folder / "mkdocs.yml").write_text(
        f"site_name: small\nuse_directory_urls: false\ntheme: {{font: false}}\nnav:\n{nav}", encoding="utf-8"
    )
    for name, text in pages.items():
        (folder / "docs" / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_every_page_is_in_the_navigation() -> None:
    """No page is left out of mkdocs.yml, and nothing stands there that is gone."""
    assert problems_of_navigation(ROOT) == []


def test_a_page_that_nobody_finds_is_named(tmp_path: Path) -> None:
    """A page without a place, and a place without a page, are both told."""
    root = small_site(tmp_path, index="# One", gone="# Two")
    (root / "docs" / "gone.md").rename(root / "docs" / "new.md")
    assert problems_of_navigation(root) == [
        "mkdocs.yml: nav lacks new.md",
        "mkdocs.yml: nav names gone.md, which is not there",
    ]


@pytest.mark.slow
@needs_zensical
@pytest.mark.parametrize(
    "text", ["[a](nowhere.md)", "[a](index.md#nowhere)", "[a]: index.md\n\n[a][b]\n\n[c](#nowhere)"]
)
def test_a_broken_link_ends_the_build(tmp_path: Path, text: str) -> None:
    """A link to a page or a heading that is not there is no warning but an error, and nothing is written."""
    root = small_site(tmp_path / "root", index=f"# One\n\n{text}\n")
    with pytest.raises(BuildError, match="does not exist"):
        build(root, tmp_path / "site")
    assert not (tmp_path / "site").exists()


@needs_zensical
def test_what_the_builder_overlooks_is_found(tmp_path: Path) -> None:
    """A link out of docs/, and an image of another host, pass the builder and not the check."""
    root = small_site(
        tmp_path / "root", index="# One\n\n[a](../examples/it)\n\n![b](https://example.com/b.png)\n"
    )
    build(root, tmp_path / "site")
    assert problems_of_site(tmp_path / "site") == [
        "index.html fetches https://example.com/b.png",
        "index.html links to ../examples/it, which is not there",
    ]


@needs_zensical
def test_bars_in_code_are_shown_as_bars(tmp_path: Path) -> None:
    """The backslash that GitHub wants before a bar in a table is not shown."""
    root = small_site(tmp_path / "root", index="# One\n\n| a | b |\n|---|---|\n| `x\\|y` | z |\n")
    build(root, tmp_path / "site")
    assert "<code>x|y</code>" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


@needs_zensical
@pytest.mark.slow
def test_the_site_is_built(tmp_path: Path) -> None:
    """scripts/docs builds the whole site without a warning, and says how many pages it has."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "docs"), "-o", str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert f"{len(pages)} pages" in done.stdout
    assert len(pages) > len(list((ROOT / "docs").rglob("*.md")))  # and 404.html
