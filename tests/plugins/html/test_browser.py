"""The page in a real browser: what it shows, by which keys, and that nothing of a run runs in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .runs import RUN, Journal, long, rich
from .test_document import HOSTILE, everywhere, odd

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Shown

    Look = Callable[..., Shown]

SECTIONS = ["timeline", "path", "gates", "scores", "use", "steps", "children", "notes", "events"]

OUTLINE = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle + style.outlineWidth;
}"""

CONTRAST = """() => {
  const rgb = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? found.map((part, at) => (at < 3 ? part * 255 : part)) : found;
  };
  const light = (parts) => parts.slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgb(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *:not(script):not(option):not(optgroup)")) {
    if (element.closest("svg, noscript, [disabled]") || !element.checkVisibility()) continue;
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)} ${element.textContent}`);
  }
  return poor;
}"""


@pytest.mark.slow
def test_everything_is_shown_without_an_error_or_a_request(look: Look) -> None:
    """All sections are there; going through the whole page asks for nothing and logs nothing."""
    shown = look(rich())
    assert [shown.page.locator("main > section").nth(at).get_attribute("id") for at in range(9)] == SECTIONS
    assert "goal_met" in shown.text("header .status")
    shown.page.locator("#events").scroll_into_view_if_needed()
    shown.page.wait_for_selector(".ev")
    shown.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    shown.page.wait_for_timeout(50)
    shown.calm()


def test_the_timeline_is_driven_by_keys(look: Look) -> None:
    """Tab reaches it; arrows move, close and open rows; the panel follows; plus zooms and 0 shows all."""
    shown = look(rich())
    page = shown.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.focus("#tree")
    page.keyboard.press("Home")
    assert "plan" in shown.text(".inspector h3")
    active = "document.getElementById(document.getElementById('tree').getAttribute('aria-activedescendant'))"
    assert page.evaluate(f"{active}.getAttribute('aria-expanded')") == "true"
    before = shown.count("[role=treeitem]")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{active}.getAttribute('aria-expanded')") == "false"
    assert shown.count("[role=treeitem]") == before - 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "m-large" in shown.text(".inspector h3")
    page.keyboard.press("ArrowLeft")
    assert "plan" in shown.text(".inspector h3"), "from a row below the left arrow goes up"
    tick = shown.text(".tick:last-child")
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert shown.text(".tick:last-child") != tick
    page.keyboard.press("0")
    assert shown.text(".tick:last-child") == tick
    page.keyboard.press("End")
    assert "deploy" in shown.text(".inspector h3") or "sign-off" in shown.text(".inspector h3")
    shown.calm()


@pytest.mark.slow
def test_the_focus_is_seen(look: Look) -> None:
    """Whatever the Tab key reaches has an outline of its own."""
    page = look(rich()).page
    for _ in range(25):
        page.keyboard.press("Tab")
        outline = page.evaluate(OUTLINE)
        assert outline == "solid2px", page.evaluate("document.activeElement.outerHTML.slice(0, 120)")


@pytest.mark.slow
def test_a_question_mark_shows_the_keys(look: Look) -> None:
    """``?`` opens the list of keys, Escape closes it, ``/`` goes to the search, where letters are letters."""
    shown = look(rich())
    page = shown.page
    page.keyboard.press("?")
    assert page.locator("dialog[open] .keys").is_visible()
    page.keyboard.press("Escape")
    assert shown.count("dialog[open]") == 0
    page.keyboard.press("/")
    page.keyboard.type("t?")
    assert page.input_value("#search") == "t?"
    assert page.evaluate("document.documentElement.dataset.theme") is None


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_colours_follow_the_reader_and_can_be_read(look: Look, scheme: str) -> None:
    """The page is as light or dark as the system wants it; every text stands out by at least 4.5 to 1."""
    shown = look(rich(), color_scheme=scheme)
    page = shown.page
    page.locator("#events").scroll_into_view_if_needed()
    page.wait_for_selector(".ev")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(300)
    assert page.evaluate(CONTRAST) == []
    page.evaluate("document.querySelector('h1').style.color = '#777'")
    assert len(page.evaluate(CONTRAST)) == 1, "what cannot be read would be found"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (dark == background) == (scheme == "dark")


def test_a_phone_needs_no_sideways_scrolling(look: Look) -> None:
    """At 390 px the page is as wide as the screen, with everything open, and hostile names too."""
    fits(look(rich(), width=390, height=844, has_touch=True))


@pytest.mark.slow
def test_a_phone_takes_long_names(look: Look) -> None:
    """At 390 px names of 300 letters without a space do not make the page wider."""
    fits(look(everywhere("a" * 300), width=390, height=844, has_touch=True))


def fits(shown: Shown) -> None:
    """Open all that folds, and see that nothing is wider than a phone."""
    shown.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    shown.page.wait_for_timeout(50)
    assert shown.page.evaluate("document.documentElement.scrollWidth") == 390
    shown.calm()


def enemies(look: Look, text: str) -> None:
    """Open a page in which everything says a text, and look for what the text wants."""
    shown = look(everywhere(text))
    page = shown.page
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.locator("#events").scroll_into_view_if_needed()
    page.wait_for_selector(".ev")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(50)
    assert shown.count("img, iframe, main script") == 0
    seen = page.evaluate("document.body.innerText")
    assert not {"\x1b", "\x00", "\u202e", "\u2066"} & set(seen)
    if "alert" in text:
        assert text in seen or "<script>alert(1)</script>" in seen
    if "\x1b" in text:
        assert "\u241b[31mred" in seen
    if "\u202e" in text:
        assert "\u27e8202E\u27e9gnp.exe" in seen
    shown.calm()


def test_hostile_content_does_not_run(look: Look) -> None:
    """What a run says is shown as it is: no dialog, no element, no raw escape or mark that reorders."""
    enemies(look, " ".join(HOSTILE))


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_runs(look: Look, text: str) -> None:
    """The same of each hostile text alone."""
    enemies(look, text)


@pytest.mark.slow
def test_odd_data_and_pieces_of_journals_are_shown(look: Look) -> None:
    """Data of any shape, and journals without beginning or end, give pages that work."""
    state, events = rich()
    for recorded in (odd(), (state, []), (state, events[:9]), (state, events[9:]), (state, events[30:31])):
        shown = look(recorded)
        if recorded[1]:
            shown.page.locator("#events").scroll_into_view_if_needed()
            shown.page.locator(".ev").first.click()
        shown.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        shown.page.wait_for_timeout(50)
        shown.calm()


def test_a_step_unfolds_to_its_prompt_output_and_changes(look: Look) -> None:
    """The details are made when they are opened: the diff has its colours, an edit is shown as a change."""
    shown = look(rich())
    page = shown.page
    step = page.locator("details.step", has_text="code").first
    assert step.locator(".fold-body > *").count() == 0
    step.locator("summary").first.click()
    step.locator(".line.added", has_text="+total = a + b").first.wait_for()
    assert step.locator(".line.removed", has_text="-total = a - b").count() >= 1
    step.locator("summary", has_text="Prompt").first.click()
    step.get_by_text("Do code, attempt 1.").first.wait_for()
    step.locator("summary", has_text="edit_file").first.click()
    step.locator("pre.diff .line.file", has_text="src/app.py").first.wait_for()
    assert "src/app.py" in step.locator("dd").all_inner_texts()


@pytest.mark.slow
def test_a_verdict_shows_its_proof(look: Look) -> None:
    """A cell of the matrix says what it is without colours, and shows the gate's proof when it is chosen."""
    shown = look(rich())
    cell = shown.page.locator("#gates .verdict.bad").first
    assert cell.get_attribute("aria-label") == "tests, turn 2, attempt 1: failed"
    assert cell.inner_text() == "\u2715"
    cell.click()
    assert "assert 1 == 3" in shown.text("#gates .proof")


@pytest.mark.slow
def test_the_graph_shows_the_path(look: Look) -> None:
    """Steps that were taken can be chosen, one that was not is drawn as such, and ways have their counts."""
    shown = look(rich())
    page = shown.page
    assert page.locator("#path .node.untaken").get_attribute("aria-label") == "announce: not taken"
    assert page.locator("#path .times").all_text_contents() == ["\u00d72"]
    page.locator("#path .node", has_text="review").press("Enter")
    assert "review" in shown.text(".inspector h3")
    page.select_option("#which-graph", "1")
    assert page.locator("#path .node .name").all_text_contents() == ["read", "judge"]


@pytest.mark.slow
def test_events_are_filtered_and_searched(look: Look) -> None:
    """A kind, a family and words narrow the list; choosing a row shows its data."""
    shown = look(rich())
    page = shown.page
    page.locator("#events").scroll_into_view_if_needed()
    page.wait_for_selector(".ev")
    page.select_option("#events select", "gate.")
    assert shown.text("#events [role=status]").startswith("9 of ") or "of" in shown.text(
        "#events [role=status]"
    )
    assert set(page.locator(".ev .type").all_inner_texts()) == {"gate.pass", "gate.fail"}
    page.select_option("#events select", "")
    page.fill("#search", "PRODUCTION")
    page.locator("#events [role=status]", has_text="1 of 72 events").wait_for()
    page.locator(".ev").click()
    assert "Deploy to production?" in shown.text(".ev-panel")
    page.fill("#search", "nothing has this")
    page.locator("#events [role=status]", has_text="0 of 72 events").wait_for()
    assert shown.count(".ev") == 0


def test_long_texts_are_unpacked_on_demand(look: Look) -> None:
    """A long output is read from its pack, shown in parts, and says what is missing and where to see it."""
    run = Journal()
    run.lap("work", "begin " + "x" * 3_000_000)
    run.done()
    shown = look(run.record())
    page = shown.page
    page.wait_for_selector(".inspector pre")
    box = page.locator(".inspector .fold", has_text="Output").first
    assert len(box.locator("pre").inner_text()) <= 12_100
    assert f"loopengt trace {RUN} --step work#1 --full" in box.inner_text()
    box.get_by_role("button", name="Show").click()
    assert len(box.locator("pre").inner_text()) > 100_000
    shown.calm()


@pytest.mark.slow
def test_without_javascript_the_head_and_the_steps_are_there(look: Look) -> None:
    """A reader without JavaScript sees goal, end, figures, and a table of the steps."""
    shown = look(rich(), ready=False, java_script_enabled=False)
    assert "goal_met" in shown.text("header")
    assert shown.count("noscript tr") == 7
    assert shown.page.locator("noscript table").is_visible()
    shown.calm()


@pytest.mark.slow
def test_it_can_be_printed(look: Look) -> None:
    """On paper there are no controls, and the steps are there."""
    shown = look(rich())
    shown.page.emulate_media(media="print")
    assert not shown.page.locator("nav").is_visible()
    assert not shown.page.locator(".timeline .controls").is_visible()
    assert shown.page.locator("#steps").is_visible()
    assert shown.page.pdf()[:5] == b"%PDF-"


@pytest.mark.slow
def test_ten_thousand_events_open_at_once(look: Look) -> None:
    """A run of 10,000 events is there within two seconds, keeps few rows in the document, and moves at once."""
    shown = look(long())
    page = shown.page
    assert page.evaluate("performance.getEntriesByName('ready')[0].startTime") < 2_000
    assert shown.count("[role=treeitem]") < 80
    page.focus("#tree")
    took = page.evaluate(
        """async () => {
          const tree = document.getElementById("tree");
          const began = performance.now();
          for (const key of ["Home", "End", "PageUp", "ArrowUp", "+", "-", "0"]) {
            tree.dispatchEvent(new KeyboardEvent("keydown", { key }));
          }
          await new Promise((done) => requestAnimationFrame(done));
          return performance.now() - began;
        }"""
    )
    assert took < 1_000
    page.locator("#events").scroll_into_view_if_needed()
    page.wait_for_selector(".ev")
    assert shown.text("#events [role=status]") == "10,002 events"
    assert shown.count(".ev") < 80
    shown.calm()
