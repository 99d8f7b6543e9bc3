"""Shape: keys and values that do not fit the models are said in plain words."""

from __future__ import annotations

import pytest

from .spec_kit import changed, problems


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: demo\n", "", "1:1: missing key 'name' in the loop"),
        (
            "agent: coder\n    tools",
            "agnet: coder\n    tools",
            "15:5: unknown key 'agnet' in a step (did you mean 'agent'?)",
        ),
        ("goal: Mend it", "gaol: Mend it", "2:1: unknown key 'gaol' in the loop (did you mean 'goal'?)"),
        (
            "goal: Mend it",
            "goal: Mend it\nmcp_servers: {files: {comand: x}}",
            "3:23: unknown key 'comand' in an MCP server (did you mean 'command'?)",
        ),
        (
            "agent: coder\n    tools",
            "agent: coder\n    memory: {raed: {}}\n    tools",
            "16:14: unknown key 'raed' in a step's memory (did you mean 'read'?)",
        ),
        (
            "goal: Mend it",
            "goal:",
            "2:6: 'goal' must be text, found nothing (remove the key to use its default)",
        ),
        ("goal: Mend it", "goal: 5", "2:7: 'goal' must be text, found the number 5"),
        ("goal: Mend it", "goal: ''", "2:7: 'goal' must not be empty"),
        ("name: demo", f"name: {'x' * 200}", "1:7: 'name' has 200 characters, 128 are allowed"),
        (
            "policy:\n",
            "policy:\n  max_turns: 0\n",
            "21:14: 'max_turns' must be at least 1, found the number 0",
        ),
        (
            "policy:\n",
            "policy:\n  max_turns: many\n",
            "21:14: 'max_turns' must be a whole number, found the text 'many'",
        ),
        (
            "policy:\n",
            "policy:\n  max_turns: 1.5\n",
            "21:14: 'max_turns' must be a whole number, found the number 1.5",
        ),
        (
            "policy:\n",
            "policy:\n  fail_fast: maybe\n",
            "21:14: 'fail_fast' must be true or false, found the text 'maybe'",
        ),
        (
            "policy:\n",
            "policy:\n  retry: {backoff: expo}\n",
            "21:20: 'backoff' cannot be the text 'expo' (known: constant, exponential, linear)",
        ),
        ("tools: [grep]", "allow_retry: true\n    tools: true", "17:12: 'tools' must be a list, found true"),
        (
            'value: "true"',
            "value: {a: {b: 1}}, description: [x]",
            "25:65: 'description' must be text, found a list",
        ),
        ("tools: [grep]", "tools: grep", "16:12: 'tools' must be a list, found the text 'grep'"),
        ("tools: [grep]", "tools: [grep, [x]]", "16:19: item 2 of 'tools' must be text, found a list"),
        (
            "config: {provider: command}",
            "config: command",
            "7:13: 'config' must be a mapping, found the text 'command'",
        ),
        (
            "config: {provider: command}",
            "config: {provider: command, temperature: 3}",
            "7:46: 'temperature' must be at most 2, found the number 3",
        ),
        (
            "config: {provider: command}",
            "config: {provider: command}\n    capabilities: [planing]",
            "8:20: item 1 of 'capabilities' cannot be the text 'planing' (did you mean 'planning'?)",
        ),
        (
            "function_ref: tools.grep",
            "tool_type: mcp",
            "9:5: the mcp tool 'grep' names no server: add mcp_server",
        ),
        (
            "      condition: output.ok and steps.plan.attempts < context.limit and run.turn > 0",
            "      kind: command\n      command: 5",
            "24:16: 'command' must be a list or text, found the number 5",
        ),
        (
            "      condition: output.ok and steps.plan.attempts < context.limit and run.turn > 0",
            "      kind: command\n      command: [pytest, 5]",
            "24:25: item 2 of 'command' must be text, found the number 5",
        ),
    ],
)
def test_misfit(old: str, new: str, expected: str) -> None:
    """One misfit gives one problem, at its line and column, with the nearest valid name."""
    found = changed(old, new)
    if "unknown key" in expected:
        # A misspelled key leaves the right one missing.
        found = [problem for problem in found if "missing key" not in problem]
    assert found == [expected]


@pytest.mark.parametrize("text", ["just text", "[1, 2]", "5", "---\n"])
def test_not_a_mapping(text: str) -> None:
    """A document that is no mapping is one problem, which says what a loop consists of."""
    (problem,) = problems(text)
    assert "a loop is a mapping with name, goal, agents and steps, found" in problem


def test_secrets_are_not_repeated() -> None:
    """A secret that was pasted where its environment variable belongs does not show up in a message."""
    found = changed(
        "function_ref: tools.grep",
        "function_ref: f, auth: {env_var: sk-Sq9 x, method: 5, header_name: [sk-Sq9]}",
    )
    assert len(found) == 3
    assert not any("sk-Sq9" in problem for problem in found)
