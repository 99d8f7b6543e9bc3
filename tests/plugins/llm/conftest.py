"""A bench on which LLM agents are tried; no key of the person who runs the tests is seen there."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopengt_llm.services import SERVICES

from .kit import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty project."""
    return Bench(tmp_path)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in SERVICES.values():
        for name in service.key_variables:
            monkeypatch.delenv(name, raising=False)
