"""The built-in embedder, summarizers, model adapter, storages and memory pass their suites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import EmbedderContract, FakeOpenAI, ModelAdapterContract, make_kernel

from .builtin import names, suites

globals().update(suites("summarizers"))


class WithService:
    """Has a service that answers."""

    server: FakeOpenAI

    @pytest.fixture(autouse=True)
    def _served(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("OPENAI_API_KEY", "a-key")
        with FakeOpenAI() as self.server:
            yield


class TestOpenAIEmbedder(WithService, EmbedderContract):
    """The embedder ``openai``."""

    def make(self, folder: Path) -> Any:
        """Return it, with the service of the test."""
        return self._at(folder, self.server.url)

    def failing(self, folder: Path) -> Any:
        """Return it with a service that is not there."""
        return self._at(folder, "http://127.0.0.1:1/v1")

    def _at(self, folder: Path, url: str) -> Any:
        config = {"memory": {"embedder": "openai"}}
        options = {"plugins": {"memory": {"openai": {"base_url": url}}}}
        kernel = make_kernel(folder, config=config | options, environ={"OPENAI_API_KEY": "a-key"})
        return kernel.get("embedders", "openai")


class TestPydanticAI(WithService, ModelAdapterContract):
    """The model adapter ``pydantic_ai``."""

    provider = "openai-compatible"

    def make(self, folder: Path) -> Any:
        """Return it."""
        return make_kernel(folder).get("model_adapters", "pydantic_ai")

    def base_url(self) -> str:
        """Return the address of the service of the test."""
        return self.server.url


def test_all_of_them_are_here() -> None:
    """What this file names is all that there is."""
    assert (names("embedders"), names("model_adapters")) == (["openai"], ["pydantic_ai"])
