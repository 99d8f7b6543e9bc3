"""The site in a real browser: light and dark, wide and narrow, with its search, and without any other host."""

from __future__ import annotations

import functools
import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from .blocks import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
try:
    from docs_site.building import build
finally:
    sys.path.remove(str(ROOT / "scripts"))

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

INSTALL = "apt-get install -y chromium && pip install playwright 'zensical<0.1'"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        PROGRAM is None or find_spec("playwright") is None or find_spec("zensical") is None,
        reason=f"no browser for the site: {INSTALL}",
    ),
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args: Any, **words: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the site, and serve it on this machine."""
    site = tmp_path_factory.mktemp("site") / "site"
    build(ROOT, site)
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium, once for a module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM, args=ARGUMENTS)
        yield started
        started.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["index", "tutorial/first-loop", "reference/loop-yaml", "reference/cli"])
def test_a_page_is_whole(browser: Browser, address: str, name: str, width: int, scheme: Any) -> None:
    """A page follows the system's scheme, fits its width, makes no error, and asks no other host for anything."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(f"{address}/{name}.html")
    page.wait_for_load_state("networkidle")
    assert errors == []
    assert [url for url in requests if not url.startswith((address, "data:", "blob:"))] == []
    assert page.evaluate("document.body.getAttribute('data-md-color-scheme')") == (
        "slate" if scheme == "dark" else "default"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()


def test_the_search_finds_a_page(browser: Browser, address: str) -> None:
    """Somebody who types the name of a field finds the page that is about it, without any service."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/index.html")
    page.wait_for_load_state("networkidle")
    result = page.locator("a[href*='loop-yaml.html?h=no_progress']")
    assert result.count() == 0
    page.keyboard.press("Control+k")
    page.keyboard.type("no_progress", delay=20)
    result.first.wait_for(state="visible", timeout=10_000)
    context.close()
