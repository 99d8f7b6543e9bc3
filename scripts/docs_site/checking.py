"""Looks through a built site: every link leads somewhere, and no page fetches anything from another host."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["problems_of_site"]

_FETCHED = {("img", "src"), ("link", "href"), ("script", "src"), ("iframe", "src"), ("source", "src")}
_CSS_FETCH = re.compile(r"url\(\s*['\"]?((?:https?:)?//[^)'\"]+)|@import\s+['\"]((?:https?:)?//[^'\"]+)")


@dataclass
class _Page(HTMLParser):
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    rel: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids, links, and what a browser loads with the page."""
        values = {name: value for name, value in attrs if value}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        for name in ("href", "src"):
            if name in values:
                self.links.append(values[name])
                passive = tag == "link" and values.get("rel") in ("canonical", "next", "prev")
                if (tag, name) in _FETCHED and not passive:
                    self.fetched.append(values[name])


def _read(file: Path) -> _Page:
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def problems_of_site(site: Path) -> list[str]:
    """Return what is wrong with a site, a line each."""
    pages = {file.resolve(): _read(file) for file in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site}: there is no page"]
    for file, page in pages.items():
        name = file.relative_to(site.resolve()).as_posix()
        found += [f"{name} fetches {url}" for url in page.fetched if _is_outside(url)]
        if name != "404.html":  # its links start at the root of the host
            found += [
                f"{name} links to {url}, which is not there"
                for url in page.links
                if _is_broken(url, file, pages)
            ]
    for sheet in sorted(site.rglob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        found += [f"{sheet.name} fetches {''.join(pair)}" for pair in _CSS_FETCH.findall(text)]
    return found


def _is_outside(url: str) -> bool:
    return bool(urlsplit(url).netloc)


def _is_broken(url: str, file: Path, pages: dict[Path, _Page]) -> bool:
    parts = urlsplit(url)
    if parts.scheme in ("http", "https", "mailto", "data", "javascript") or parts.netloc:
        return False
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if target.is_dir():
        target /= "index.html"
    if target in pages:
        return bool(parts.fragment) and unquote(parts.fragment) not in pages[target].ids | {"__skip"}
    return not target.is_file()
