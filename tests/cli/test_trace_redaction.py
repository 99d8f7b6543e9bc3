"""What leaves the project is without secrets, also those that were none when the run was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .trace_kit import END, RUN, lap, look, record, start

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Bench

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
THING = "a-thing-of-mine"
OTHER = "20260101-120000-bbbbbbbbbb"
TEXT = f"the token {TOKEN}, ticket TICKET-4711, {THING}"
LONG = f"{TEXT} {'x' * 70_000}"

VIEWS = [
    ["export", RUN, "--to", "tree"],
    ["export", RUN, "--to", "markdown"],
    ["export", RUN, "--to", "json"],
    ["trace", RUN, "-f", "jsonl"],
    ["trace", RUN, "--events"],
    ["trace", RUN, "--step", "work", "--full"],
    ["trace", RUN, "--follow"],
    ["trace", RUN, "--follow", "-f", "jsonl"],
    ["trace", RUN, "--diff", OTHER],
]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose runs were recorded when nothing of that was a secret."""
    project = tmp_path_factory.mktemp("recorded")
    end = ("loop.error", None, {"reason": "failed", "detail": TEXT})
    record(
        project,
        [start(goal=TEXT, context={TEXT: TEXT}), *lap(1, TEXT, passed=False), end],
        spec={"goal": TEXT},
    )
    record(project, [start(OTHER), *lap(1, LONG), END], spec={"goal": f"{TEXT}!"})
    (project / ".loopengt/config.toml").write_text(
        '[redaction]\npatterns = ["TICKET-[0-9]{1,9}"]\nnames = ["MY_THING"]\n'
    )
    return project


@pytest.mark.parametrize("words", VIEWS)
def test_nothing_leaves_with_a_secret(
    recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """A pattern, a variable's name and the look of a token count for runs that were recorded before."""
    monkeypatch.setenv("MY_THING", THING)
    shown = look(capsys, recorded, *words)
    assert (shown.code, shown.err) == (0, "")
    for secret in (TOKEN, "TICKET-4711", THING):
        assert secret not in shown.out
    assert "[redacted]" in shown.out


def test_tokens_are_shown_where_that_is_wanted(
    recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """tokens = false leaves what has the look of one; patterns still count."""
    monkeypatch.setenv("LOOPENGT_REDACTION__TOKENS", "false")
    shown = look(capsys, recorded, "trace", RUN, "-f", "json").out
    assert TOKEN in shown
    assert "TICKET-4711" not in shown


@pytest.mark.slow
def test_a_pattern_keeps_its_matches_out_of_the_journal(bench: Bench) -> None:
    """What an agent answers is redacted before it is written, so a gate and the next prompt see the mark, too."""
    bench.loop(
        "import sys\nprompt = sys.stdin.read()\nprint('TICKET-4711', len(prompt.split('TICKET')))",
        goal="output == '[redacted] 1'",
    )
    (bench.project / ".loopengt").mkdir()
    (bench.project / ".loopengt/config.toml").write_text('[redaction]\npatterns = ["TICKET-[0-9]+"]\n')
    done = bench.run("run", ".", "--in-place")
    assert done.returncode == 0, done.stderr
    kept = b"".join(path.read_bytes() for path in (bench.project / ".loopengt").glob("*.db*"))
    assert b"[redacted]" in kept
    assert b"TICKET-4711" not in kept


def test_observers_see_no_tokens(bench: Bench) -> None:
    """What has the look of a token is kept in the journal, and out of what a run shows or sends while it goes on."""
    bench.loop(f"print('{TOKEN}')", goal=f"output == '{TOKEN}'")
    done = bench.run("run", ".", "--json")
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stdout
    assert '"output":"[redacted]"' in done.stdout


def test_a_bad_pattern_stops_before_anything_is_shown(
    recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the pattern; nothing is printed that it should have redacted."""
    monkeypatch.setenv("LOOPENGT_REDACTION__PATTERNS", "a(")
    shown = look(capsys, recorded, "trace", RUN)
    assert (shown.code, shown.out) == (2, "")
    assert "'a(' is not a regular expression" in shown.err
