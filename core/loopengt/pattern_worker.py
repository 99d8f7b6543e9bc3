"""The program that searches texts by a person's patterns; ``loopengt.user_patterns`` starts it and talks to it.

It imports the standard library alone, and lets the system end it when one request takes too much processor time:
that ends it also in the midst of a search, which nothing within a process can.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import Any, BinaryIO


def main() -> None:
    """Answer requests until there are no more."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start = _read(incoming)
    if start is None:
        return
    patterns = [re.compile(source) for source in start["patterns"]]
    mark = start["mark"]
    while (request := _read(incoming)) is not None:
        texts, changed = request["texts"], {}
        signal.setitimer(signal.ITIMER_PROF, request["seconds"])
        for number, pattern in enumerate(patterns):
            _write(outgoing, {"at": number})
            for index, text in enumerate(texts):
                found = pattern.sub(lambda match: mark if match[0] else "", text)
                if found != text:
                    texts[index] = changed[index] = found
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(outgoing, {"changed": list(changed.items())})


def _read(stream: BinaryIO) -> Any:
    size = stream.read(8)
    return json.loads(stream.read(int.from_bytes(size, "big"))) if len(size) == 8 else None


def _write(stream: BinaryIO, message: object) -> None:
    data = json.dumps(message).encode()
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


if __name__ == "__main__":
    main()
