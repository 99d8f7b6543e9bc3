"""What the adapter lacks is named, and nothing heavy is imported to find out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.model_adapters import ModelSettings
from loopengt_llm.adapter import PydanticAiAdapter

PACKAGES = {
    "anthropic": "anthropic",
    "google": "google.genai",
    "huggingface": "openai",
    "ollama": "openai",
    "openai": "openai",
    "openai-compatible": "openai",
    "openrouter": "openai",
}


@pytest.mark.parametrize("provider", PACKAGES)
def test_without_pydantic_ai_the_command_is_named(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pydantic-ai, making a model fails with what to type."""
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    adapter = PydanticAiAdapter()
    with pytest.raises(MissingRequirement, match="pydantic-ai") as caught:
        adapter.model(ModelSettings(provider, "m1", base_url="http://127.0.0.1:1"))
    assert "pip install 'loopengt[llm]'" in caught.value.remedy
    assert len(adapter.missing(provider)) == 1


@pytest.mark.parametrize(("provider", "package"), PACKAGES.items())
def test_without_its_own_package_a_service_is_missing(
    provider: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each service names the package that it needs beside pydantic-ai; with all there, nothing is missing."""
    adapter = PydanticAiAdapter()
    assert adapter.missing(provider) == []
    monkeypatch.setitem(sys.modules, package, None)
    (lacking,) = adapter.missing(provider)
    assert package in lacking.message and "loopengt[llm]" in lacking.remedy


def test_asking_what_is_missing_imports_nothing_heavy() -> None:
    """In a fresh process, missing() and model() leave pydantic-ai and the services' packages unimported."""
    source = (
        "import sys; from loopengt_llm.adapter import PydanticAiAdapter as A;"
        "from loopengt_hookspecs.model_adapters import ModelSettings as S; a = A();"
        "print([a.missing(p) for p in ('openai', 'anthropic', 'google')]);"
        "a.model(S('openai', 'gpt-4o'));"
        "print({'pydantic_ai', 'openai', 'anthropic', 'google.genai', 'httpx', 'httpx2'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["[[], [], []]", "set()"]
