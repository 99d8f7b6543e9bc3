"""Takes out of a failure's text what differs each time although the failure is the same."""

from __future__ import annotations

import re
import tempfile

__all__ = ["normalise"]

_LONGEST = 20_000
"""Characters of a text that count; of a longer one its beginning and its end."""

_UNIT = (
    r"(?:ns|us|µs|μs|ms|[smh]|secs?|mins?|hrs?|(?:nano|micro|milli)?seconds?|minutes?|hours?)(?![A-Za-z0-9_])"
)
_TIME = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_TEMPORARY = "|".join(
    [
        r"(?:/private)?/var/folders/[^/\s]+/[^/\s]+/T",
        r"(?:/private)?/(?:var/)?tmp",
        "/dev/shm",  # noqa: S108  # a pattern, not a file
        re.escape(tempfile.gettempdir()),
    ]
)

_RULES = [
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])", ""),
        (r"\b\d{8}-\d{6}-[0-9a-f]{10}\b(?:\.[0-9a-f]{8}\b)*", "<run>"),
        (r"\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b", "<uuid>"),
        (rf"(?:{_TEMPORARY})/[^/\s'\"]+", "<tmp>"),
        (r"\bpytest-\d+\b", "pytest-<n>"),
        (r"\btmp[a-z0-9_]{8}\b", "<tmp>"),
        (r"\b0x[0-9A-Fa-f]{5,16}\b", "<address>"),
        (r"(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):\d{4,5}\b", r"\1:<port>"),
        (rf"\b\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME}(?: ?(?:Z|[+-]\d{{2}}:?\d{{2}})\b)?)?", "<date>"),
        (rf"\b{_MONTH} \d{{1,2}}\b(?:,? \d{{4}}\b)?|\b\d{{1,2}} {_MONTH}(?: \d{{4}}\b)?", "<date>"),
        (r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b,?", ""),
        (rf"(?<![\w:.]){_TIME}\b", "<time>"),
        (r"(?<![\w.])1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b", "<time>"),
        (rf"(?<![\w.])(?:\d+(?:\.\d+)?(?:e-?\d+)? ?{_UNIT} ?|\d+[hm](?=\d))+", "<duration> "),
        (r"\b(pid|PID|Pid)\b([ :=#]*)\d+", r"\1\2<pid>"),
        (r"\b([Pp]rocess) \d{2,}\b", r"\1 <pid>"),
        (r"==\d+==", "==<pid>=="),
        (r"\b([Ss]eed)\b([ :=]*)\d+", r"\1\2<n>"),
        (r"([=\-_*~+])\1+", r"\1"),  # rules are drawn as long as what stands in them leaves room for
        (r"[ \t]+", " "),
    )
]
"""What is replaced, in this order. Counts, such as ``3 failed``, stay: another count is another failure."""

_CUT = re.compile(r"(?m)^…[^\n]*\n|^[^\n]*\n\[\.\.\.\]\n[^\n]*$")
"""Lines at which a text was shortened; where it was cut depends on how long the durations in it are."""


def normalise(text: str, known: tuple[tuple[str, str], ...] = ()) -> str:
    """Return a text without escape sequences, times, dates, addresses, ids and temporary paths, its lines sorted.

    Args:
        text: What a gate, or an agent that failed, has said.
        known: Further texts to replace, each with the word for it, such as the workspace's path.
    """
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n[...]\n{text[-_LONGEST // 2 :]}"
    for found, word in known:
        text = text.replace(found, word)
    text = _CUT.sub("", text)
    for pattern, word in _RULES:
        text = pattern.sub(word, text)
    # Tests that run side by side fail in another order each time.
    return "\n".join(sorted(line for line in map(str.strip, text.splitlines()) if line))
