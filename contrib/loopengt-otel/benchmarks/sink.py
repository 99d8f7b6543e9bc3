"""A receiver in a process of its own: takes every batch, decodes it, and says how many spans there were."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from receivers import GrpcReceiver, HttpReceiver

receiver = GrpcReceiver() if sys.argv[1] == "grpc" else HttpReceiver()
print(receiver.url, flush=True)
for _ in sys.stdin:
    print(len(receiver.received), flush=True)
    receiver.batches.clear()
receiver.close()
