"""The scratch projects that pages take for granted, as shell commands that make them."""

from __future__ import annotations

import shlex

from .blocks import ROOT, Page, pages

__all__ = ["PROJECTS", "setup_of"]

FILES_OF = "files-of "

LAPS = """\
name: laps
goal: The word is right.
pattern: repeat
agents:
  - name: writer
    config:
      provider: scripted
      extra: {answers: [{output: wrong, files: {word.txt: "wrong\\n"}}, {output: right, files: {word.txt: "right\\n"}}]}
steps:
  - {name: mend, agent: writer, prompt_template: "{goal} {feedback}", verification_gates: [word]}
policy:
  verification_gates: [{name: word, kind: command, command: [grep, -q, right, word.txt]}]
"""

SHORT = """\
name: short
goal: Four lines, with tokens for two.
pattern: repeat
agents:
  - name: writer
    config:
      provider: command
      extra:
        command: [sh, -c, 'echo x >> lines; echo "{\\"output\\": 1, \\"token_usage\\": {\\"total_tokens\\": 400}}"']
        output: json
        cost: free
steps: [{name: add, agent: writer, prompt_template: "{goal}", verification_gates: [four]}]
policy:
  budget: {max_tokens: 800}
  verification_gates: [{name: four, kind: command, command: [sh, -c, 'test $(wc -l < lines) -ge 4']}]
"""

DEMO = """\
name: demo
goal: Count.
agents:
  - name: counter
    config: {provider: scripted, extra: {answers: {steps: {first: [{count: 1}], second: [{count: 2}]}}}}
steps:
  - {name: first, agent: counter, prompt_template: "{goal}"}
  - {name: second, agent: counter, prompt_template: "{goal}", dependencies: [first]}
"""

SUITE = """\
name: words
loop: old.yaml
judges: [exact]
cases:
  - {id: a, expected: right}
  - {id: b, expected: right}
"""

WORD = """\
name: word
goal: The word is right.
agents: [{name: writer, config: {provider: scripted, extra: {answers: [right]}}}]
steps: [{name: write, agent: writer, prompt_template: "{goal}"}]
"""

SUBJECT = """\
name: greet
goal: Greet.
agents: [{name: host, config: {provider: command, extra: {command: [echo, hello]}}}]
steps: [{name: greet, agent: host, prompt_template: "{goal}"}]
"""


def _file(name: str, text: str) -> str:
    return f"mkdir -p $(dirname {name}) && printf %s {shlex.quote(text)} > {name}"


def _runs(*specs: str) -> list[str]:
    return [f"loopengt run {spec} -q >/dev/null" for spec in specs]


_PROJECTS: dict[str, list[str]] = {
    "empty": [],
    "project": [
        "mkdir .loopengt",
        _file("loops/fix.yaml", SUBJECT),
        _file("tests/test_it.py", "def test_it(): pass\n"),
    ],
    "runs": [
        "mkdir .loopengt examples",
        f"cp -r {shlex.quote(str(ROOT / 'examples' / 'evals'))} examples && mkdir -p examples/evals/.loopengt",
        _file("loop.yaml", LAPS),
        *_runs("loop.yaml", "loop.yaml"),
        "loopengt runs --json | python -c \"import json,sys; print(json.load(sys.stdin)[-1]['run_id'])\" > .first",
    ],
    "key": [  # of a service that is not asked
        "mkdir .loopengt",
        _file("tests/test_it.py", "def test_it(): pass\n"),
        "export OPENAI_API_KEY=sk-of-no-use-at-all",
    ],
    "demo": ["mkdir .loopengt", _file("loop.yaml", DEMO), *_runs("loop.yaml")],
    "suite": [
        "mkdir .loopengt",
        *(
            _file(name, text)
            for name, text in {"evals.yaml": SUITE, "old.yaml": WORD, "new.yaml": WORD}.items()
        ),
        *["loopengt eval suite evals.yaml >/dev/null"] * 2,
        "basename $(ls .loopengt/evals/*.jsonl | head -n 1) .jsonl > .first",
    ],
    "memory": ["mkdir .loopengt", "loopengt memory add 'an old thing' > .id"],
    "exhausted": [
        "mkdir .loopengt",
        _file("loop.yaml", SHORT),
        "{ loopengt run loop.yaml -q; test $? = 3; }",
    ],
}

PROJECTS: dict[str, str] = {name: " &&\n".join(lines) for name, lines in _PROJECTS.items()}
"""Commands by the name that pages use."""


def setup_of(page: Page) -> str:
    """Return the commands that make the project of a page; of ``files-of OTHER``, the files that the other page shows.

    Raises:
        KeyError: There is no such project, or no such page.
    """
    name = page.project or ""
    if not name.startswith(FILES_OF):
        return PROJECTS[name]
    other = {page.path: page for page in pages()}[name.removeprefix(FILES_OF)]
    made = [_file(block.file, block.text) for block in other.blocks if block.file]
    return " &&\n".join(filter(None, [setup_of(other), *made]))
