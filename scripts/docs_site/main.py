"""The command ``scripts/docs``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from docs_site.building import BuildError, build
from docs_site.checking import problems_of_site
from docs_site.navigation import problems_of_navigation

__all__ = ["ROOT", "main"]

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build, check, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description="Build the site of docs/ strictly.")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "site", help="where to; default site/")
    output = parser.parse_args().output.resolve()
    problems = problems_of_navigation(ROOT)
    try:
        build(ROOT, output)
        problems += problems_of_site(output)
    except BuildError as exc:
        problems.append(str(exc))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    sys.stdout.write(f"{output}: {len(list(output.rglob('*.html')))} pages\n" if not problems else "")
    return 1 if problems else 0
