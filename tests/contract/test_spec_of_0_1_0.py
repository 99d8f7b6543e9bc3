"""A loop.yaml with tools as version 0.1.0 wrote it validates, and means the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loopengt.testing import FakeOpenAI, make_kernel, run_loop
from loopengt_hookspecs.models import ToolAuthMethod, ToolType

OLD = """\
name: research
version: "1.0"
goal: A priced answer
agents:
  - name: researcher
    system_prompt: You look things up.
    capabilities: [research, tool_use]
    tools: [price, stock]
    timeout_seconds: 120
tools:
  - name: price
    description: Look up a price.
    schema_def:
      type: object
      properties: {item: {type: string}}
      required: [item]
    return_schema: {type: object}
    auth: {method: api_key, env_var: SHOP_KEY, header_name: Authorization, extra: {}}
    timeout_seconds: 30
    mcp_server: null
    function_ref: shop.price
    metadata: {owner: shop}
  - name: stock
    tool_type: function
    function_ref: shop.stock
    auth: {method: none, env_var: null}
steps:
  - name: answer
    description: Look it up
    agent: researcher
    prompt_template: "Answer: {goal}"
    tools: [price]
    timeout_seconds: 60
    metadata: {}
policy: {max_turns: 5, verification_gates: [], fail_fast: true}
stop_conditions: [{condition_type: goal_met, value: "true", description: ""}]
"""


def test_tools_of_0_1_0_are_sound(tmp_path: Path) -> None:
    """A function is the default type, OpenAI's gpt-4o the default model, and neither spec nor engine objects."""
    (tmp_path / "loop.yaml").write_text(OLD)
    kernel = make_kernel(tmp_path)
    spec = kernel.load_spec(tmp_path / "loop.yaml").spec
    price, stock = spec.tools
    assert price.tool_type is stock.tool_type is ToolType.FUNCTION
    assert (price.auth.method, price.auth.env_var) == (ToolAuthMethod.API_KEY, "SHOP_KEY")
    assert stock.timeout_seconds == 60
    assert (spec.agents[0].config.provider, spec.agents[0].config.model) == ("openai", "gpt-4o")
    kernel.engine().check(spec)


async def test_tools_of_0_1_0_are_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function that a dotted path names gets the declared secret, and only the step's tools are offered."""
    monkeypatch.setenv("SHOP_KEY", "key-of-the-shop")
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-service")
    (tmp_path / "shop.py").write_text(
        "def price(item, auth): return {'item': item, 'key': len(auth)}\ndef stock(): return 3\n"
    )
    (tmp_path / "loop.yaml").write_text(OLD)
    asked = {"tool_calls": [{"name": "price", "arguments": {"item": "tea"}}]}
    with FakeOpenAI(asked, "5 dollars") as server:
        services = {"providers": {"openai": {"base_url": server.url}}}
        kernel = make_kernel(tmp_path, config={"plugins": {"llm": services}})
        result = await run_loop(kernel, kernel.load_spec(tmp_path / "loop.yaml").spec)
        first, second = (request.body for request in server.requests)
    assert (result.end.reason, result.output) == ("goal_met", "5 dollars")
    assert first["model"] == "gpt-4o" and first["messages"][-1]["content"] == "Answer: A priced answer"
    assert [tool["function"]["name"] for tool in first["tools"]] == ["price"]
    assert json.loads(second["messages"][-1]["content"]) == {"item": "tea", "key": 15}
