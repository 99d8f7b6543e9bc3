"""Replaces what a person's patterns find, in bounded time whatever the patterns are.

The standard library's ``re`` is what people know, and can take for ever over some patterns. It can be halted from
without only, so a process of its own does the searching and is ended when it takes too long; what was not searched
through is withheld as a whole. An engine without that fault would be one more dependency in C++, and know less.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["WITHHELD", "UserPatterns"]

WITHHELD = "[withheld: it could not be searched for secrets in time]"
"""Stands where a text stood for which a pattern took too long."""

_SECONDS = 1.0
_SECONDS_LATER = 0.05
"""Processor time for a request; after some that were too slow, the next ones are given less."""

_MOST_LATE = 3
_CHARACTERS_A_SECOND = 2_000_000
"""What a slow, but sound search gets through; longer texts are given more time."""

_WORKER = Path(__file__).with_name("pattern_worker.py")


class UserPatterns:
    """Patterns that are searched for in another process, which is started at the first text.

    Args:
        patterns: Regular expressions of the module ``re``; each is valid.
        mark: Takes the place of what they find.
    """

    def __init__(self, patterns: Sequence[str], mark: str) -> None:
        self._patterns = tuple(patterns)
        self._mark = mark
        self._lock = threading.Lock()
        self._worker: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[Any, UserPatterns] | None = None
        self._at = 0
        self._late = 0

    def clean(self, texts: list[str]) -> list[str]:
        """Return texts without what the patterns find; one that takes too long is withheld."""
        with self._lock:
            found = self._ask(texts)
            if found is not None:
                return found
            if len(texts) == 1:
                return [WITHHELD]
            return [(self._ask([text]) or [WITHHELD])[0] if text else text for text in texts]

    def _ask(self, texts: list[str]) -> list[str] | None:
        """Have texts searched; None: it took too long."""
        seconds = _SECONDS if self._late < _MOST_LATE else _SECONDS_LATER
        seconds += sum(map(len, texts)) / _CHARACTERS_A_SECOND
        worker = self._started()
        try:
            _write(worker, {"texts": texts, "seconds": seconds})
            while "changed" not in (answer := _read(worker)):
                self._at = answer["at"]
        except (OSError, EOFError):
            self._take_note(worker)
            return None
        done = list(texts)
        for index, text in answer["changed"]:
            done[index] = text
        return done

    def _started(self) -> subprocess.Popen[bytes]:
        if self._worker is None:
            # Its own session: Ctrl-C is for the program that uses it.
            self._worker = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._end = weakref.finalize(self, _close, self._worker)
            with suppress(OSError):  # it is gone already; the first request finds out
                _write(self._worker, {"patterns": self._patterns, "mark": self._mark})
        return self._worker

    def _take_note(self, worker: subprocess.Popen[bytes]) -> None:
        from loopengt.logs import get_logger

        if self._end is not None:
            self._end()
        self._worker = None
        self._late += 1
        if self._late <= _MOST_LATE:
            get_logger("loopengt.redaction").warning(
                "a redaction pattern takes too long: the text is withheld",
                pattern=self._patterns[self._at],
                exit_code=worker.returncode,
            )


def _write(worker: subprocess.Popen[bytes], message: object) -> None:
    assert worker.stdin is not None
    data = json.dumps(message).encode()
    worker.stdin.write(len(data).to_bytes(8, "big") + data)
    worker.stdin.flush()


def _read(worker: subprocess.Popen[bytes]) -> Any:
    assert worker.stdout is not None
    size = worker.stdout.read(8)
    if len(size) < 8:
        raise EOFError
    return json.loads(worker.stdout.read(int.from_bytes(size, "big")))


def _close(worker: subprocess.Popen[bytes]) -> None:
    for stream in (worker.stdin, worker.stdout):
        with suppress(OSError):
            if stream is not None:
                stream.close()
    try:
        worker.wait(5)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
