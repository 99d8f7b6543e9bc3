"""The agent of this loop: mends with ruff, and by hand, what the feedback of the previous lap names."""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FINDING = re.compile(r"([\w./-]+\.py):(\d+):\d+: ([A-Z]+\d+) (.*)")
"""A line of ``ruff check --output-format concise``: file, line, rule, message."""
FRAME = re.compile(r"([\w./-]+\.py):(\d+): in ")
"""A frame of a short pytest traceback: file, line."""
MISSPELT = re.compile(r"AttributeError: .* has no attribute '(\w+)'")
UNDEFINED = re.compile(r"Undefined name `(\w+)`")
COLOUR = re.compile(r"\x1b\[[\d;]*m")

BY_HAND = {"E722", "F821"}
"""Rules for which ruff has no fix."""


def main() -> None:
    """Do one lap and print as a JSON object what it reacted to and what it changed."""
    feedback = COLOUR.sub("", Path(os.environ["LOOPENGT_FEEDBACK_FILE"]).read_text(encoding="utf-8"))
    before = project_texts()
    if feedback.strip():
        react(feedback)
    else:
        ruff_fix()  # Nothing is known to be wrong yet: only fixes that cannot change what the code does.
    reply = {
        "rules": sorted({rule for _, _, rule, _ in FINDING.findall(feedback)}),
        "misspelt": [attribute for _, _, attribute in misspelt_attributes(feedback)],
        "changed": changes(before, project_texts()),
    }
    print(json.dumps(reply))


def react(feedback: str) -> None:
    """Mend what the gates complain of; edits that move lines come last, for the feedback counts lines."""
    findings = FINDING.findall(feedback)
    for name, line, attribute in misspelt_attributes(feedback):
        correct_spelling(name, line, attribute)
    for name, line, rule, _ in findings:
        if rule == "E722":
            edit_line(name, int(line), r"\bexcept\s*:", "except Exception:")
    for name, _, rule, message in findings:
        undefined = UNDEFINED.search(message)
        if rule == "F821" and undefined:
            add_import(name, undefined[1])
    if rules := {rule for _, _, rule, _ in findings} - BY_HAND:
        ruff_fix("--unsafe-fixes", "--select", ",".join(sorted(rules)))


def ruff_fix(*options: str) -> None:
    """Let ruff mend the project's files."""
    command = ["ruff", "check", "--fix", "--quiet", *options, "."]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit("ruff is not on PATH: install it with: pip install ruff")
    if done.returncode > 1:  # 0: no finding is left, 1: some are; anything else: ruff itself failed
        sys.exit(f"{' '.join(command)} failed: {done.stderr.strip()}")


def misspelt_attributes(feedback: str) -> Iterator[tuple[str, int, str]]:
    """Find attributes that do not exist: file and line of the innermost frame, and the attribute."""
    frame: tuple[str, int] | None = None
    for line in feedback.splitlines():
        if found := FRAME.search(line):
            frame = found[1], int(found[2])
        elif frame and (missing := MISSPELT.search(line)):
            yield *frame, missing[1]


def correct_spelling(name: str, line: int, attribute: str) -> None:
    """Replace an attribute by the most similar name that the project defines, if one is similar enough."""
    known = {defined for text in project_texts().values() for defined in definitions(text)}
    if similar := difflib.get_close_matches(attribute, sorted(known), n=1, cutoff=0.8):
        edit_line(name, line, rf"(?<=\.){attribute}\b", similar[0])


def definitions(text: str) -> Iterator[str]:
    """Name what a file defines: functions, classes, variables and fields."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def add_import(name: str, undefined: str) -> None:
    """Import a name as another file of the project does; if it is out of order, the next lap will hear it."""
    texts = project_texts()
    for statement in (node for text in texts.values() for node in ast.parse(text).body):
        if isinstance(statement, ast.ImportFrom) and any(undefined == each.name for each in statement.names):
            source = "." * statement.level + (statement.module or "")
            edit_line(name, first_import(texts.get(name, "")), "^", f"from {source} import {undefined}\n")
            return


def first_import(text: str) -> int:
    """Return the line of the first import that is not from ``__future__``; 0 when there is none."""
    imports = (node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom))
    return next((node.lineno for node in imports if getattr(node, "module", "") != "__future__"), 0)


def edit_line(name: str, number: int, pattern: str, replacement: str) -> None:
    """Replace what matches in one line of a project's file; a line that is not as reported stays as it is."""
    lines = project_texts().get(name, "").splitlines(keepends=True)
    if 1 <= number <= len(lines):
        lines[number - 1] = re.sub(pattern, replacement, lines[number - 1])
        Path(name).write_text("".join(lines), encoding="utf-8")


def project_texts() -> dict[str, str]:
    """Read the project's Python files; what lies in a hidden folder is not part of it."""
    files = (path for path in sorted(Path().rglob("*.py")) if not path.as_posix().startswith("."))
    return {path.as_posix(): path.read_text(encoding="utf-8") for path in files}


def changes(before: dict[str, str], after: dict[str, str]) -> dict[str, list[str]]:
    """List the lines that were taken out of each file and put into it."""
    found = {}
    for name, text in after.items():
        lines = difflib.ndiff(before.get(name, "").splitlines(), text.splitlines())
        if edits := [line for line in lines if line[0] in "+-"]:
            found[name] = edits
    return found


if __name__ == "__main__":
    main()
