"""What makes two failures the same: times, addresses and ids do not count; counts and names do."""

from __future__ import annotations

import pytest

from loopengt_local.watching.normalising import normalise

PYTEST = """\
============================= test session starts ==============================
platform linux -- Python 3.11.7, pytest-8.3.4, pluggy-1.5.0
rootdir: /tmp/pytest-of-worker/pytest-{n}/project0
collected 3 items

tests/test_a.py .F{second}                                                       [100%]

=================================== FAILURES ===================================
E       AssertionError: assert <Thing object at 0x7f{address}> is None
------------------------------ Captured log call -------------------------------
2026-11-21 04:1{n}:02,123 INFO worker pid=43{n} took 1{n}.5ms, id 3f2504e0-4f89-41d3-9a0c-0305e82c330{n}
=========================== short test summary info ============================
FAILED tests/test_a.py::test_two - AssertionError
========================= {failed} failed, {passed} passed in {took}s =========================
"""


def report(n: int, took: str, address: str, failed: int = 1) -> str:
    """What pytest prints at some run of the same tests."""
    second = "F" if failed > 1 else "."
    return PYTEST.format(n=n, took=took, address=address, failed=failed, passed=3 - failed, second=second)


def test_a_report_with_other_times_is_the_same_failure() -> None:
    """The same failing tests give the same text, whenever, wherever and however fast they ran."""
    assert normalise(report(1, "0.12", "3c1a2b4c5d")) == normalise(report(2, "10.07", "9e88aa01ff"))


def test_another_count_is_another_failure() -> None:
    """From two failed tests to one is progress."""
    assert normalise(report(1, "0.12", "3c1a2b4c5d", failed=2)) != normalise(report(1, "0.12", "3c1a2b4c5d"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;file:///a\x07link\x1b]8;;\x07", "link"),
        ("took 3 ms", "took 12.5 ms"),
        ("in 0.1s", "in 12.34s"),
        ("in 1m2s", "in 59m59s"),
        ("1h30m left", "2h left"),
        ("after 5 seconds", "after 61 seconds"),
        ("(0:01:02)", "(0:11:59)"),
        ("at 2026-11-21T04:14:02.123Z", "at 2025-01-02T23:59:59+02:00"),
        ("Sat Nov 21 04:14:02 2026", "Mon Nov 2 14:00:59 2026"),
        ("started 1763698442.25", "started 1763700000"),
        ("at 0x7f3c1a2b4c5d", "at 0x55d0c0ffee"),
        ("id 3f2504e0-4f89-41d3-9a0c-0305e82c3301", "id 00000000-4F89-41D3-9A0C-0305E82C3302"),
        ("open /tmp/tmpab12cd34/x.txt", "open /tmp/tmpzz99yy88/x.txt"),
        ("/private/var/folders/aa/bb/T/tmp1/x", "/private/var/folders/cc/dd/T/tmp2/x"),
        ("pid 123", "pid 4567"),
        ("PID: 1", "PID: 22"),
        ("process 1234 died", "process 99 died"),
        ("==123==ERROR", "==4567==ERROR"),
        ("localhost:54321 refused", "localhost:49152 refused"),
        ("run 20261121-041402-0123456789", "run 20261122-051403-abcdefabcd.01234567"),
        ("random seed 12", "random seed 99"),
        ("========= 1 failed =========", "==== 1 failed ===="),
        ("b failed\na failed", "a failed\nb failed\n\n"),
        ("…cut here\nthe rest", "…ut here\nthe rest"),
        ("head\nlast li\n[...]\nrest of\ntail", "head\nlast line\n[...]\nst of\ntail"),
    ],
)
def test_what_does_not_count(one: str, other: str) -> None:
    """Neither text is mistaken for something new beside the other."""
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3 failed", "2 failed"),
        ("coverage 87%", "coverage 88%"),
        ("test_a.py::test_one", "test_a.py::test_two"),
        ("test_a.py:12:30: E501", "test_a.py:13:30: E501"),
        ("expected 4, got 5", "expected 4, got 6"),
        ("0x1f", "0x2f"),
        ("error in /tmp/x/a.py", "error in /tmp/x/b.py"),
        ("version 1.2.3", "version 1.2.4"),
        ("3 errors in 2 modules", "3 errors in 1 modules"),
    ],
)
def test_what_counts(one: str, other: str) -> None:
    """What tells of other work stays in the text."""
    assert normalise(one) != normalise(other)


def test_what_is_known_is_replaced() -> None:
    """The workspace's path and the run's own id differ from run to run and fork to fork."""
    one = normalise("/a/b/x.py failed in mine", (("/a/b", "<workspace>"), ("mine", "<run>")))
    assert one == "<workspace>/x.py failed in <run>"


@pytest.mark.parametrize(
    "piece", ["1m", "=", "1 ", "\x1b]", "12:34:", "1.", "9", "/tmp/", "…", "Jan 1 ", "0x"]
)
def test_a_huge_text_takes_no_time(piece: str) -> None:
    """Beginning and end of it count; no pattern runs away, whatever it is made of."""
    huge = piece * (2_000_000 // len(piece))
    assert len(normalise(f"first\n{huge}\nlast")) < 50_000
    assert normalise(f"first\n{huge}\nlast") != normalise(f"first\n{huge}\nend")
