"""Loading: a sound file becomes a model with a digest, an unsound one a SpecError with every problem."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loopengt.errors import SpecError, UsageError
from loopengt.spec import KnownNames, load_spec, load_spec_text, spec_digest

if TYPE_CHECKING:
    from pathlib import Path

NAMES = KnownNames()

OLD = """\
# A loop as version 0.1.0 wrote it: every key is in its contract.
name: review
version: "1.0"
description: Produce, review, revise.
goal: A reviewed text
pattern: sequential
trigger: {trigger_type: manual, config: {}}
agents:
  - name: writer
    description: Writes.
    system_prompt: You write.
    capabilities: [code_generation, tool_use]
    input_schema: {type: object}
    output_schema: null
    tools: [lookup]
    timeout_seconds: 120
    retry: {max_retries: 2, backoff_seconds: 0.5, backoff_multiplier: 2.0}
    config: {provider: openai, model: gpt-4o, temperature: 0.2, max_tokens: 1000, extra: {}}
    metadata: {}
tools:
  - name: lookup
    description: Looks up.
    tool_type: mcp
    schema_def: {type: object}
    return_schema: {type: string}
    auth: {method: bearer, env_var: LOOKUP_TOKEN, header_name: Authorization, extra: {}}
    timeout_seconds: 30
    mcp_server: lookup-server
    metadata: {}
steps:
  - name: write
    description: First draft
    agent: writer
    prompt_template: "Write for {goal}"
    tools: [lookup]
    dependencies: []
    verification_gates: [not_empty]
    timeout_seconds: 60
    allow_retry: true
    metadata: {}
  - name: revise
    agent: writer
    dependencies: [{step_name: write, condition: null}]
policy:
  max_turns: 10
  max_total_time_seconds: 600
  retry:
    {max_retries: 3, initial_delay_seconds: 1.0, backoff: exponential, max_delay_seconds: 60, jitter: true,
     retryable_errors: [TimeoutError]}
  verification_gates:
    - {name: not_empty, description: Text, condition: output|length > 0, on_failure: retry, metadata: {}}
  allow_parallel: false
  max_concurrency: 4
  fail_fast: true
  metadata: {}
stop_conditions:
  - {condition_type: goal_met, value: "true", description: All done}
  - {condition_type: max_turns, value: 10}
output_schema: {schema_def: {type: object}, required_fields: [text], description: The text}
context: {audience: all}
metadata: {author: someone}
"""


def test_loads_a_file(tmp_path: Path) -> None:
    """A file of the old contract loads as it is, with its positions, its path and a digest."""
    (tmp_path / "loop.yaml").write_text(OLD)
    loaded = load_spec(tmp_path, NAMES)
    assert loaded.path == tmp_path / "loop.yaml"
    assert loaded.spec.steps[1].dependencies[0].step_name == "write"
    assert loaded.spec.agents[0].config.max_tokens == 1000
    assert loaded.document.position(("steps", 1, "name")) == (41, 11)
    assert loaded.digest == spec_digest(loaded.spec)
    assert len(loaded.digest) == 64


def test_json_and_yaml_are_the_same_loop(tmp_path: Path) -> None:
    """The digest is of the meaning: comments, layout, order of keys and the format do not change it."""
    first = load_spec_text(OLD, NAMES)
    path = tmp_path / "loop.json"
    path.write_text(json.dumps(dict(reversed(first.document.data.items())), indent=2))
    second = load_spec(path, NAMES)
    assert second.spec == first.spec
    assert second.digest == first.digest
    assert load_spec_text(OLD.replace("Write for", "Write to"), NAMES).digest != first.digest


def test_all_problems_are_raised_together() -> None:
    """SpecError holds every problem and prints one line for each, and it is a usage error (exit code 2)."""
    with pytest.raises(SpecError) as caught:
        load_spec_text("name: a\nname: b\nsteps: [{agent: x}]\n", NAMES, "loop.yaml")
    assert isinstance(caught.value, UsageError)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems) > 3
    assert all(line.startswith("loop.yaml:") for line in lines)


def test_form_alone_is_enough_to_refuse() -> None:
    """A spec that fits the models but has a duplicate key is not loaded."""
    with pytest.raises(SpecError, match="duplicate key 'context'"):
        load_spec_text(OLD + "context: {}\n", NAMES)


def test_schema_key_has_two_names() -> None:
    """A schema gate takes its schema under either name, and a misfit is found under both."""
    for key in ("schema", "schema_def"):
        gate = f"{{name: g, kind: schema, {key}: {{type: object}}}}"
        text = OLD.replace("verification_gates:\n    - ", f"verification_gates:\n    - {gate}\n    - ")
        assert load_spec_text(text, NAMES).spec.policy.verification_gates[0].schema_def == {"type": "object"}
        with pytest.raises(SpecError, match="must be a mapping, found the number 5"):
            load_spec_text(text.replace("{type: object}}\n    - {name: not", "5}\n    - {name: not"), NAMES)


def test_naming_a_problem_imports_nothing_heavy() -> None:
    """Importing the package costs no pydantic and no YAML parser, so that --help stays fast."""
    code = (
        "import sys\nfrom loopengt.spec import KnownNames, Problem, read_document\nKnownNames()\n"
        "print([name for name in ('minijinja', 'yaml', 'pydantic', 'jsonschema_rs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names() -> None:
    """Every public name of the package exists and is what the submodules define; others are refused."""
    import loopengt.spec as package

    assert package.__all__ == sorted(package.__all__)
    assert all(callable(getattr(package, name)) for name in package.__all__)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="its names are in __all__"):
        package.nothing  # noqa: B018
