"""The agent of these loops: mends a function by a search among small changes, judged by the failing tests."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

FAILED = re.compile(r"^FAILED (\S+::\S+)", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[\d;]*m")
OPERATORS = {
    "<": ["<=", ">"], "<=": ["<", ">="], ">": [">=", "<"], ">=": [">", "<="], "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["//"], "//": ["*", "%"], "%": ["//"], "and": ["or"], "or": ["and"],
}  # fmt: skip
"""What may stand in place of an operator."""
SECONDS_PER_TRIAL = 10
"""A changed loop may never end."""


class Change(NamedTuple):
    """A replacement of one token in a file."""

    path: Path
    line: int
    start: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the source with the token replaced. Columns count bytes, as those of ast do."""
        lines = source.encode().splitlines(keepends=True)
        old = lines[self.line - 1]
        lines[self.line - 1] = old[: self.start] + self.text.encode() + old[self.end :]
        return b"".join(lines).decode()


def main() -> None:
    """Do one lap on the package named on the command line and print the outcome as a JSON object."""
    if not shutil.which("pytest"):
        sys.exit("pytest is not on PATH: install it with: pip install pytest")
    feedback = COLOUR.sub("", Path(os.environ["LOOPENGT_FEEDBACK_FILE"]).read_text(encoding="utf-8"))
    failing = set(FAILED.findall(feedback))
    if failing:
        outcome = search(Path(sys.argv[1]), feedback, failing)
    else:
        outcome = {"mended": False, "tried": 0, "note": "no failing test is known yet"}
    print(json.dumps(outcome))


def search(package: Path, feedback: str, failing: set[str]) -> dict[str, object]:
    """Try the changes in a copy of the folder and make the first one that helps in the folder itself."""
    tried = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "copy")
        shutil.copytree(".", copy, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        if improves(copy, package, failing):
            # A crash before the outcome was recorded repeats the attempt; one change is enough.
            return {"mended": True, "tried": 0, "note": "an earlier execution of this attempt mended it"}
        for tried, change in enumerate(candidates(package, feedback), start=1):
            source = change.path.read_text(encoding="utf-8")
            changed = change.apply(source)
            (copy / change.path).write_text(changed, encoding="utf-8")
            if improves(copy, package, failing):
                change.path.write_text(changed, encoding="utf-8")
                shutil.rmtree(change.path.parent / "__pycache__", ignore_errors=True)
                where = f"{change.path.as_posix()}:{change.line}"
                now = changed.splitlines()[change.line - 1].strip()
                return {"mended": True, "tried": tried, "where": where, "now": now}
            (copy / change.path).write_text(source, encoding="utf-8")
    return {"mended": False, "tried": tried, "note": "no change of one token mends a failing test"}


def candidates(package: Path, feedback: str) -> Iterator[Change]:
    """List the changes to the functions that the tracebacks mention, the most mentioned function first."""
    words = re.findall(r"\w+", feedback)
    functions = [
        (words.count(node.name), path, node)
        for path in sorted(package.glob("*.py"))
        if not path.name.startswith("test_")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name in words
    ]
    for _, path, function in sorted(functions, key=lambda found: -found[0]):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(function):
            yield from changes_of(path, source, node)


def changes_of(path: Path, source: str, node: ast.AST) -> Iterator[Change]:
    """List the changes to one node: another operator, or a whole number one up or one down."""
    if isinstance(node, ast.Compare):
        yield from operators(path, source, [node.left, *node.comparators])
    elif isinstance(node, ast.BinOp):
        yield from operators(path, source, [node.left, node.right])
    elif isinstance(node, ast.BoolOp):
        yield from operators(path, source, node.values)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        for number in (node.value + 1, node.value - 1):
            yield Change(path, node.lineno, node.col_offset, node.end_col_offset or 0, str(number))


def operators(path: Path, source: str, operands: list[ast.expr]) -> Iterator[Change]:
    """List the changes to the operators between operands that stand on one line."""
    for left, right in pairwise(operands):
        if left.end_lineno != right.lineno or left.end_col_offset is None:
            continue
        between = source.encode().splitlines()[right.lineno - 1][left.end_col_offset : right.col_offset]
        if found := re.search(rb"[<>=!+*/%-]+|\band\b|\bor\b", between):
            start = left.end_col_offset + found.start()
            for other in OPERATORS.get(found[0].decode(), []):
                yield Change(path, right.lineno, start, start + len(found[0]), other)


def improves(copy: Path, package: Path, failing: set[str]) -> bool:
    """Run the tests in the copy: fewer of the failing ones must fail, and no other."""
    # Python takes two changes of one length within a second for the same file when it finds bytecode.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = ["pytest", "-q", "-rf", "--tb=no", "--color=no", "-p", "no:cacheprovider", package.as_posix()]
    limit = SECONDS_PER_TRIAL
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired:
        return False
    # 0: all pass, 1: some fail; anything else, such as an error while collecting, proves nothing.
    return done.returncode in (0, 1) and set(FAILED.findall(done.stdout)) < failing


if __name__ == "__main__":
    main()
