"""The page of environment variables."""

from __future__ import annotations

from reference.markdown import code, head, table

__all__ = ["VARIABLES", "environment_page"]

_INTRODUCTION = """
Every setting of [config.toml](config.md) can be given as `LOOPENGT_SECTION__KEY` or `LOOPENGT_PLUGINS__NAME__OPTION`.
The variables below are no settings. Keys of services, such as `OPENAI_API_KEY`, stand with [the agents](../agents.md).
"""

VARIABLES: dict[str, dict[str, str]] = {
    "What you may set": {
        "LOOPENGT_LOG_LEVEL": "least level that is logged: debug, info, warning (default) or error; `--log-level`",
        "LOOPENGT_LOG_FORMAT": "form of the log: human (default) or json; `--log-format`",
        "LOOPENGT_PROJECT": "the project folder, in place of the nearest folder with `.loopengt/`; `-C` goes before it",
        "LOOPENGT_ALLOW_PROJECT_PLUGINS": "`1`: the project's own plugins run without `loopengt plugins allow`",
        "LOOPENGT_DISABLE_PLUGINS": "names of plugins that are not loaded, with commas",
        "LOOPENGT_STRICT_PLUGINS": "`1`: a plugin that fails to load ends the program",
        "LOOPENGT_TRACE_PLUGINS": "`1`: how plugins are found and loaded is printed on stderr",
        "LOOPENGT_MCP_TOKEN": "the bearer token of `loopengt mcp` over HTTP; `--token` and `--token-file` go before it",
        "XDG_STATE_HOME": "where it is kept what you have allowed; default `~/.local/state`",
        "NO_COLOR": "with any value: no colours",
    },
    "What programs of a loop are given": {
        "LOOPENGT_RUN_ID": "id of the run",
        "LOOPENGT_LOOP": "name of the loop",
        "LOOPENGT_STEP": "name of the step",
        "LOOPENGT_OCCURRENCE": "which execution of the step it is, from 1",
        "LOOPENGT_ATTEMPT": "which attempt of the execution it is, from 1",
        "LOOPENGT_AGENT": "name of the agent",
        "LOOPENGT_GATE": "name of the gate, of a gate's command",
        "LOOPENGT_WORKSPACE": "the folder that the run works in",
        "LOOPENGT_IDEMPOTENCY_KEY": "the same for the same attempt, also when it is made again after a crash",
        "LOOPENGT_PROMPT": "the prompt, of an agent of the provider command, where it is short enough for a variable",
        "LOOPENGT_PROMPT_FILE": "a file with the prompt",
        "LOOPENGT_FEEDBACK": "what the gates found wrong, where it is short enough for a variable",
        "LOOPENGT_FEEDBACK_FILE": "a file with it",
        "LOOPENGT_GOAL": "the loop's goal, of a judge's command",
        "LOOPENGT_OUTPUT_FILE": "a file with the output that is judged, of a judge's command",
        "LOOPENGT_EXPECTED_FILE": "a file with what is expected, of a judge's command, when anything is",
    },
}
"""Variables with their meaning, by who sets them."""


def environment_page() -> str:
    """Return the page."""
    parts = [head("Environment variables", _INTRODUCTION)]
    for title, variables in VARIABLES.items():
        rows = [(code(name), meaning) for name, meaning in variables.items()]
        parts += [f"## {title}\n", table(("variable", "meaning"), rows)]
    return "\n".join(parts)
