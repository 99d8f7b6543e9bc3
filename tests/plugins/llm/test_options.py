"""What a spec and the config say of models: the options, and what comes of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from loopengt import ConfigError, SpecError, UsageError
from loopengt.testing import loop_spec, run_loop
from loopengt_llm.options import AgentOptions, LLMOptions

from .kit import Bench, KeptCalls, ScriptedModels, kernel_with, role_of

KEY = "sk-live-0123456789abcdef"


@pytest.mark.parametrize(
    "extra",
    [
        {"api_key": KEY},
        {"api_key": {"env": KEY}},
        {"api_key": {"env": "A", "file": "b"}},
        {"api_key": {}},
        {"api_key": [KEY]},
        {"api_key_env": KEY},
        {"api_key": {"env": "A"}, "api_key_env": "B"},
        {"headers_env": {"Authorization": f"Bearer {KEY}"}},
        {"headers_env": {f"X: {KEY}\r\n": "A"}},
        {"settings": {"api_key": KEY}},
        {"settings": {"extra_headers": {"Authorization": f"Bearer {KEY}"}}},
        {"settings": {"list": [{"X-Api-Key": KEY}]}},
        {"base_url": f"https://user:{KEY}@host/v1"},
        {"base_url": f"https://host/v1?key={KEY}"},
        {"base_url": f"//{KEY}"},
        {"base_url": f"https://[{KEY}/v1"},
        {"base_url": ""},
        {"max_requests": 0},
        {"output_mode": "xml"},
        {"temperature": 1},
    ],
)
def test_options_that_cannot_be_used_are_refused(extra: dict[str, Any]) -> None:
    """A key that is written down, or nonsense, is refused, and no message repeats the key."""
    with pytest.raises(ValidationError) as caught:
        AgentOptions.model_validate(extra)
    assert KEY not in "".join(error["msg"] for error in caught.value.errors())
    if "headers_env" not in extra:  # there the place of an error names the header
        assert KEY not in str(caught.value)


async def test_a_spec_with_a_key_is_refused(bench: Bench) -> None:
    """The error of the spec says how to name a key, and does not show it."""
    agents = [{"name": "a", "config": {"provider": "openai", "extra": {"api_key": KEY}}}]
    with pytest.raises(SpecError, match=r"never written down: say api_key: \{env: NAME\}") as caught:
        await run_loop(kernel_with(bench.project, ScriptedModels([])), loop_spec(agents=agents))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"providers": {"opnai": {}}},
        {"providers": {"openai": {"api_key": KEY}}},
        {"providers": {"openai": {"api_key_env": "A", "api_key_file": "b"}}},
        {"aliases": {"fast": ""}},
    ],
)
def test_a_config_that_cannot_be_used_is_refused(bench: Bench, options: dict[str, Any]) -> None:
    """Unknown providers and written keys in config.toml are errors of the config, without the key."""
    with pytest.raises(ConfigError, match=r"plugins\.llm") as caught:
        kernel_with(bench.project, **options).get("agents", "openai")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "plan"),
    [
        ({"provider": "openai"}, "ask openai:gpt-4o at https://api.openai.com/v1"),
        ({"provider": "anthropic"}, "ask anthropic:house at https://api.anthropic.com"),
        (
            {"provider": "google"},
            "ask google (no model is named) at https://generativelanguage.googleapis.com",
        ),
        ({"provider": "openai", "model": "fast"}, "ask openrouter:acme/tiny at https://openrouter.ai/api/v1"),
        ({"provider": "openai", "model": "local"}, "ask ollama:llama3:8b at http://gpu:11434/v1"),
        ({"provider": "ollama", "model": "small"}, "ask ollama:llama3:8b at http://gpu:11434/v1"),
        ({"provider": "openai", "model": "house"}, "ask anthropic:house at https://api.anthropic.com"),
        ({"provider": "ollama", "model": "x:7b"}, "ask ollama:x:7b at http://gpu:11434/v1"),
        (
            {"provider": "ollama", "model": "m", "extra": {"base_url": "http://h/v1/"}},
            "ask ollama:m at http://h/v1",
        ),
        ({"provider": "openai-compatible", "model": "m"}, "ask openai-compatible:m"),
    ],
)
def test_the_plan_says_whom_is_asked(bench: Bench, config: dict[str, Any], plan: str) -> None:
    """Aliases may lead to another service; the spec goes before the config, and that before the defaults."""
    role = role_of().model_copy(update={"config": type(role_of().config).model_validate(config)})
    options: dict[str, Any] = {
        "aliases": {
            "fast": "openrouter:acme/tiny",
            "local": "ollama:llama3:8b",
            "small": "llama3:8b",
            "house": "anthropic:",
        },
        "providers": {"anthropic": {"model": "house"}, "ollama": {"base_url": "http://gpu:11434/v1"}},
    }
    agent = bench.agent(ScriptedModels([]), role, **options)
    assert agent.plan() == plan


def test_the_environment_may_say_where_a_service_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_BASE_URL counts as for the service's own library, after spec and config, and a bad one is refused."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://proxy:8000/v1/")
    openai = role_of().model_copy(
        update={"config": type(role_of().config).model_validate({"provider": "openai", "model": "m"})}
    )
    assert bench.agent(ScriptedModels([]), openai).plan() == "ask openai:m at http://proxy:8000/v1"
    told = {"providers": {"openai": {"base_url": "http://house/v1"}}}
    assert bench.agent(ScriptedModels([]), openai, **told).plan() == "ask openai:m at http://house/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", f"https://user:{KEY}@host/v1")
    with pytest.raises(UsageError, match="OPENAI_BASE_URL: it holds a user name") as caught:
        bench.agent(ScriptedModels([]), openai)
    assert KEY not in str(caught.value)


async def test_settings_and_headers_of_the_config_are_defaults(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are merged with those of the spec, which go first."""
    for name in ("ORG", "TEAM", "OWN"):
        monkeypatch.setenv(f"{name}_VALUE", f"value-of-{name}")
    defaults = {
        "settings": {"seed": 1, "top_p": 0.5},
        "headers_env": {"X-Org": "ORG_VALUE", "X-Team": "TEAM_VALUE"},
    }
    extra = {"settings": {"seed": 2}, "headers_env": {"X-Team": "OWN_VALUE"}}
    models, role = ScriptedModels(["ok"]), role_of({"extra": extra})
    agent = bench.agent(models, role, providers={"ollama": defaults})
    await agent.invoke(bench.request(role, KeptCalls()))
    assert models.requests[0].settings == {"seed": 2, "top_p": 0.5}
    assert models.settings[0].headers == {"X-Org": "value-of-ORG", "X-Team": "value-of-OWN"}


def test_the_defaults_make_a_schema() -> None:
    """Every option has a description, for editors and for `loopengt schema`."""
    for model in (AgentOptions, LLMOptions):
        assert all("description" in field for field in model.model_json_schema()["properties"].values())
