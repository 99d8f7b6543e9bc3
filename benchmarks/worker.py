"""A fresh process of one measurement: ``python -m benchmarks.worker JOB``, which the runner starts."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

__all__ = ["main"]


def main(job: str) -> None:
    """Measure what a job, in JSON, says, and print the figures as one JSON object."""
    wanted = json.loads(job)
    module, _, function = wanted["function"].partition(":")
    measure = getattr(import_module(module), function)
    figures = measure(Path(wanted["folder"]), **wanted["size"])
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
