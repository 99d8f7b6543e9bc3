"""Features of other plugins: tools, resources and prompts through the hook, and what is wrong with them, by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from mcp import MCPError
from pydantic import BaseModel

from loopengt import PluginContext, PluginError, UsageError, hookimpl
from loopengt_hookspecs.mcp_features import McpPrompt, McpResource, McpTool

from .kit import Bench

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.mcp_features import McpFeature


class Sum(BaseModel):
    total: int
    project: str


class Extra:
    """What a stranger's plugin may offer."""

    def __init__(self, context: PluginContext) -> None:
        self._project = context.project

    @classmethod
    def from_context(cls, context: PluginContext) -> Extra:
        return cls(context)

    def features(self) -> Iterable[McpFeature]:
        yield McpTool("add", "Add two numbers, and say in which project.", self.add, read_only=True)
        yield McpTool("refuse", "Refuses, in words that a model can read.", self.refuse)
        yield McpTool("break", "Breaks.", self.crash)
        yield McpResource("notes://{name}", "note", "A note.", self.note)
        yield McpResource("notes://all", "notes", "All notes.", lambda: {"a": 1}, "application/json")
        yield McpPrompt("greet", "Say hello", self.greet)

    async def add(self, a: int, b: int = 1) -> Sum:
        return Sum(total=a + b, project=self._project.name)

    def refuse(self) -> str:
        raise UsageError("it cannot be done", remedy="Do something else.")

    def crash(self) -> str:
        raise RuntimeError("a secret of the inside")

    async def note(self, name: str) -> str:
        if name != "a":
            raise UsageError(f"there is no note {name!r}")
        return "the note"

    def greet(self, who: str) -> str:
        return f"Hello {who}"


def plugin(target: Any, name: str = "extra") -> tuple[str, object]:
    """Make a plugin with one set of features."""

    @hookimpl
    def loopengt_register_mcp_features(register: Any) -> None:
        register(name, target, summary="Of a test")

    return f"plugin_{name}", SimpleNamespace(loopengt_register_mcp_features=loopengt_register_mcp_features)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_plugin_adds_tools_resources_and_prompts(bench: Bench, mode: str) -> None:
    """They work beside the built-in ones, with schemas, hints, and errors that a model can read."""
    bench.plugins = [plugin(Extra)]
    async with bench.client(mode=mode) as call:
        assert (await call("add", a=2, b=3)).data == {"total": 5, "project": "project"}
        assert "Do something else." in (await call("refuse")).error
        assert "secret" not in (await call("break")).error
        assert (await call.client.read_resource("notes://a")).contents[0].text == "the note"
        assert '"a"' in (await call.client.read_resource("notes://all")).contents[0].text
        with pytest.raises(MCPError, match="there is no note"):
            await call.client.read_resource("notes://b")
        shown = await call.client.get_prompt("greet", {"who": "you"})
        assert shown.messages[0].content.text == "Hello you"
        assert "list_runs" in {tool.name for tool in (await call.client.list_tools()).tools}


def offering(*features: Any) -> Any:
    """Make a set of features of what is given."""
    return SimpleNamespace(features=lambda: features)


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (offering(McpTool("list_runs", "Mine.", lambda: "x")), "is offered already, by the plugin 'mcp'"),
        (offering(McpTool("mine", " ", lambda: "x")), "has no description"),
        (offering("not a feature"), "which is no McpTool"),
        (offering(McpResource("notes://{a}", "n", "Notes.", lambda b: "x")), "cannot be offered: ValueError"),
    ],
)
def test_features_that_cannot_be_offered_name_their_plugin(bench: Bench, features: Any, says: str) -> None:
    """The server does not start without them in silence: it says which plugin is to be mended or disabled."""
    bench.plugins = [plugin(features, "wrong")]
    with pytest.raises(PluginError) as refused:
        _ = bench.server
    assert says in str(refused.value)
    assert "plugin_wrong" in str(refused.value)
