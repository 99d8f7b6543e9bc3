"""The templates that make texts, run from end to end with agents that follow a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conftest import TemplateBench

LONG = "A sentence that says something of use to those who read it. " * 40


def verdict(score: float, *findings: str) -> dict[str, Any]:
    """What a reviewer answers."""
    found = [{"place": "all", "problem": each, "suggestion": "mend it"} for each in findings]
    return {"reasoning": "So it is.", "findings": found, "score": score, "passed": not findings}


async def test_reviewer_retry_revises_until_the_review_passes(bench: TemplateBench) -> None:
    """The writer hears the findings, the second text passes, and is what the file holds."""
    bench.agent.script("write", "first " + LONG, "second " + LONG)
    bench.agent.script("review", verdict(0.4, "no dates"), verdict(0.9))
    result = await bench.run("reviewer_retry", goal="A guide for {nobody}")
    assert result.end.reason == "goal_met", result.end
    first, second = bench.shown("write")
    assert "A guide for {nobody}" in first and "no dates" not in first
    assert "no dates" in second and "first A sentence" in second
    assert (result.workspace / "document.md").read_text().startswith("second ")


async def test_reviewer_retry_ends_without_progress(bench: TemplateBench) -> None:
    """Reviews that never score higher end the run, and not as a success."""
    bench.agent.script("write", *[f"{number} {LONG}" for number in range(9)])
    bench.agent.script("review", *[verdict(0.4, f"fault {number}") for number in range(9)])
    result = await bench.run("reviewer_retry", goal="A guide")
    assert result.end.reason == "no_progress", result.end


async def test_reviewer_retry_takes_no_verdict_that_contradicts_itself(bench: TemplateBench) -> None:
    """A review that passes below the threshold is sent back, and blocks the run when it stays so."""
    bench.agent.script("write", LONG)
    bench.agent.script("review", *[verdict(0.3)] * 3)
    result = await bench.run("reviewer_retry", goal="A guide")
    assert result.end.reason == "blocked", result.end


async def test_research_architect_designs_on_what_was_found(bench: TemplateBench) -> None:
    """Each question is researched by itself, and the design with all of its sections is in the file."""
    bench.agent.script("ask", {"questions": ["How many?", "Since when?"]})
    bench.agent.script("research[0]", "There are twelve of them, says list.txt, line 3.")
    bench.agent.script("research[1]", "Since 2019, says the log of the repository.")
    bench.agent.script("synthesise", "Twelve of them since 2019, which is certain.")
    titles = ("Goal", "What is given", "Design", "Alternatives", "Risks", "Open questions")
    whole = "\n".join(f"## {title}\nText.\n" for title in titles)
    bench.agent.script("design", "## Goal\nonly", whole)
    result = await bench.run("research_architect", goal="A queue", output_file="plan.md")
    assert result.end.reason == "goal_met", result.end
    assert "How many?" in bench.shown("research[0]")[0]
    assert "twelve" in bench.shown("synthesise")[0]
    assert (result.workspace / "plan.md").read_text() == whole


async def test_research_architect_is_blocked_by_an_incomplete_design(bench: TemplateBench) -> None:
    """A design that never gets its sections is not saved."""
    bench.agent.script("ask", {"questions": ["How many?"]})
    bench.agent.script("research[0]", "There are twelve of them, says list.txt, line 3.")
    bench.agent.script("synthesise", "Twelve of them since 2019, which is certain.")
    bench.agent.script("design", *["## Goal\nonly"] * 3)
    result = await bench.run("research_architect", goal="A queue")
    assert result.end.reason == "blocked", result.end
    assert not (result.workspace / "DESIGN.md").exists()


async def test_handoff_loop_enriches_from_agent_to_agent(bench: TemplateBench) -> None:
    """Each agent gets what the one before handed it, and the edited text is in the file."""
    bench.agent.script("outline", "1. What it is  2. How to begin  3. Where to ask")
    bench.agent.script("draft", "It is a thing. [needed: its name] One begins with make.")
    bench.agent.script("evidence", "It is a thing called Anvil. One begins with make.")
    bench.agent.script("edit", LONG)
    result = await bench.run("handoff_loop", goal="A page", min_characters=500)
    assert result.end.reason == "goal_met", result.end
    assert "2. How to begin" in bench.shown("draft")[0]
    assert "[needed: its name]" in bench.shown("evidence")[0]
    assert "called Anvil" in bench.shown("edit")[0]
    assert (result.workspace / "text.md").read_text() == LONG


async def test_handoff_loop_is_blocked_by_what_is_still_needed(bench: TemplateBench) -> None:
    """A text in which marks stay is handed on to nobody."""
    bench.agent.script("outline", "1. What it is  2. How to begin  3. Where to ask")
    bench.agent.script("draft", "It is a thing. [needed: its name] One begins with make.")
    bench.agent.script("evidence", *["It is a thing. [needed: its name] One begins with make."] * 3)
    result = await bench.run("handoff_loop", goal="A page")
    assert result.end.reason == "blocked", result.end
    assert bench.shown("edit") == []
