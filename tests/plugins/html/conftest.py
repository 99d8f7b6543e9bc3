"""Opens pages in a real browser, which notes every error and every request."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_html.exporter import HtmlExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from .runs import Recorded

INSTALL = "Install a browser: apt-get install -y chromium && uv pip install playwright"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Shown:
    """A page in a browser."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """What the console says, and what was thrown."""
    requests: list[str] = field(default_factory=list)
    """What was asked for beside the page itself."""

    def count(self, selector: str) -> int:
        """Return how many elements there are."""
        return self.page.locator(selector).count()

    def text(self, selector: str) -> str:
        """Return the text of the first element."""
        return self.page.locator(selector).first.inner_text()

    def calm(self) -> None:
        """Assert that nothing went wrong, and that nothing was asked for."""
        assert self.errors == []
        assert self.requests == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium, once for a module."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(INSTALL)
        pytest.skip(INSTALL)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def look(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """Export a run and open its page."""
    contexts = []

    def look(
        recorded: Recorded, width: int = 1280, height: int = 900, ready: bool = True, **options: Any
    ) -> Shown:
        file = tmp_path / "run.html"
        file.write_text(HtmlExporter().export(*recorded), "utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.grant_permissions([])
        shown = Shown(context.new_page())
        shown.page.on("console", lambda message: shown.errors.append(message.text))
        shown.page.on("pageerror", lambda error: shown.errors.append(str(error)))
        shown.page.on(
            "request", lambda request: request.url == file.as_uri() or shown.requests.append(request.url)
        )
        shown.page.goto(file.as_uri())
        if ready:
            shown.page.wait_for_selector("html[data-ready]", timeout=10_000)
        return shown

    yield look
    for context in contexts:
        context.close()


def element(document: str, name: str) -> str:
    """Return the text of a data element of a page."""
    found = re.search(
        rf'<script type="application/json" id="{name}"[^>]*>(.*?)</script>', document, re.DOTALL
    )
    assert found is not None, name
    return found[1]
