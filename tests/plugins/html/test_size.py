"""How the page stays small, and what it keeps."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from typing import Any

import pytest

from loopengt_html.exporter import LARGEST, HtmlExporter
from loopengt_html.texts import Rank, Texts

from .conftest import element
from .runs import Journal, Recorded, long


def noise(characters: int, seed: int) -> str:
    """Text that compresses little."""
    return base64.b85encode(random.Random(seed).randbytes(characters * 4 // 5)).decode()


def unpack(pack: str) -> Any:
    """Return what is compressed."""
    return json.loads(gzip.decompress(base64.b64decode(pack)))


def value(document: str, name: str) -> Any:
    """Return the value of a data element."""
    found = json.loads(element(document, name))
    return unpack(found) if isinstance(found, str) else found


def read(document: str, data: dict[str, Any], ref: Any) -> str:
    """Return the text that a reference stands for, as the page would."""
    if isinstance(ref, str):
        return ref
    entry = data["texts"][ref["t"]]
    if "s" in entry:
        return str(entry["s"])
    return str(value(document, f"texts-{entry['p']}")[entry["i"]]) if "p" in entry else str(entry["h"])


def heavy(megabytes: int, *, compressible: bool = False) -> Recorded:
    """A run of ten laps a megabyte, whose outputs take that much; the last but one fails."""
    run = Journal(goal="Much is said.")
    laps = 10 * megabytes
    for lap in range(laps):
        text = noise(1_000, lap) * 100 if compressible else noise(100_000, lap)
        run.lap("work", f"lap {lap} {text}", lap != laps - 2, f"feedback {lap} {noise(3_000, lap)}")
    run.done("loop.error", "exhausted", "max_turns")
    return run.record()


def check(recorded: Recorded) -> tuple[str, dict[str, Any]]:
    """Export a run, and see that the page is not too large."""
    document = HtmlExporter().export(*recorded)
    assert len(document.encode()) <= LARGEST
    return document, value(document, "data")


def test_what_matters_most_is_kept_whole() -> None:
    """Of 8 MB, the last output and the feedback of what failed are whole; others tell how to see them."""
    document, data = check(heavy(8))
    executions = data["runs"][0]["executions"]
    last, failed, first = executions[-1], executions[-2], executions[0]
    assert read(document, data, last["attempts"][0]["output"]) == f"lap 79 {noise(100_000, 79)}"
    assert read(document, data, failed["attempts"][0]["checks"][0]["feedback"]).endswith(noise(3_000, 78))
    entry = data["texts"][first["attempts"][0]["output"]["t"]]
    assert entry["cut"] > 0
    assert read(document, data, first["attempts"][0]["output"]).startswith("lap 0 ")


def test_what_compresses_well_is_kept() -> None:
    """Of 8 MB that say the same again and again, nothing is left out."""
    document, data = check(heavy(8, compressible=True))
    assert [entry for entry in data["texts"] if "cut" in entry] == []
    assert len(document.encode()) < 2_000_000


@pytest.mark.slow
def test_a_line_of_ten_megabytes_keeps_its_beginning_and_its_end() -> None:
    """One output of 10 MB in one line is cut in its middle, and the page says how much is missing."""
    run = Journal()
    run.lap("work", "begin " + noise(10_000_000, 1) + " end")
    run.done()
    document, data = check(run.record())
    ref = data["runs"][0]["executions"][0]["attempts"][0]["output"]
    shown = read(document, data, ref)
    assert shown.startswith("begin ") and shown.endswith(" end")
    assert "characters are left out here" in shown
    entry = data["texts"][ref["t"]]
    assert entry["cut"] == entry["n"] - 600_000


def test_the_same_text_is_kept_once() -> None:
    """A prompt that every lap repeats takes its place once, in the steps and in the events."""
    run = Journal()
    for lap in range(50):
        where = run.begin("work")
        run.add("agent.invoke", "work", provider="command", prompt=noise(5_000, 1))
        run.answer("work", f"lap {lap}")
        run.add("step.complete", "work", **where)
    run.done()
    document, data = check(run.record())
    assert len(data["texts"]) == 1
    rows = value(document, "events-0")
    assert {
        json.dumps(row[6]["prompt"])
        for row in rows
        if row[3] == "agent.invoke" and len(row[6]["prompt"]) == 1
    } == {'{"t": 0}'}


def test_texts_are_placed_by_rank_and_then_by_age() -> None:
    """With place for half of them, failures come before outputs, and later outputs before earlier ones."""
    texts = Texts()
    refs = [texts.put(f"{seq} {noise(50_000, seq)}", Rank.OUTPUT, seq) for seq in range(20)]
    failure = texts.put(f"failure {noise(50_000, 99)}", Rank.FAILURE, 0)
    table, packs = texts.pack(600_000)
    placed = {place for place, entry in enumerate(table) if "p" in entry or "s" in entry}
    assert failure["t"] in placed and refs[19]["t"] in placed and refs[0]["t"] not in placed
    assert sum(map(len, packs)) <= 600_000
    left = [seq for seq, ref in enumerate(refs) if ref["t"] not in placed]
    assert left == list(range(len(left))), "the oldest are left out"


@pytest.mark.slow
def test_many_small_events_are_thinned() -> None:
    """Of more steps than a page has place for, failures, the first and the last are kept, and the rest is counted."""
    run = Journal()
    for lap in range(22_000):
        where = {"turn": lap + 1, "occurrence": lap + 1, "attempt": 1}
        run.add("step.start", "work", agent="worker", **where)
        run.add(
            "step.error" if lap == 9_000 else "step.complete",
            "work",
            error="broke" if lap == 9_000 else None,
            **where,
        )
    run.done()
    _, data = check(run.record())
    main = data["runs"][0]
    turns = [one["turn"] for one in main["executions"]]
    assert len(turns) + main["leftOut"] == 22_000
    assert main["leftOut"] >= 2_000
    assert {1, 9_001, 22_000} <= set(turns)


@pytest.mark.slow
@pytest.mark.parametrize("compressible", [False, True])
def test_fifty_megabytes(compressible: bool) -> None:
    """A journal of 50 MB gives a page of at most 5 MB, within seconds, with its last output whole."""
    recorded = heavy(50, compressible=compressible)
    began = time.perf_counter()
    document, data = check(recorded)
    assert time.perf_counter() - began < 20
    last = data["runs"][0]["executions"][-1]["attempts"][0]
    assert len(read(document, data, last["output"])) > 90_000


@pytest.mark.slow
def test_fifty_megabytes_of_small_texts() -> None:
    """A journal of 40,000 outputs of half a kilobyte gives a page of at most 5 MB."""
    run = Journal()
    for lap in range(40_000):
        where = {"turn": lap + 1, "occurrence": lap + 1, "attempt": 1}
        run.add("step.start", "work", agent="worker", **where)
        run.add("agent.response", "work", attempt=1, output=noise(500, lap), duration=0.1)
        run.add("step.complete", "work", **where)
    run.done()
    check(run.record())


def test_ten_thousand_events_are_exported_at_once() -> None:
    """A run of 10,000 events takes the exporter itself well below two seconds."""
    recorded = long()
    began = time.perf_counter()
    HtmlExporter().export(*recorded)
    assert time.perf_counter() - began < 2
