"""What ``doctor`` says of the provider ``auto``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import Site


def findings(site: Site, folder: Path, order: str) -> list[dict[str, Any]]:
    """Return the findings about auto, with an order of providers."""
    (folder / ".loopengt").mkdir(exist_ok=True)
    done = site.run("-o", f"agents.auto={order}", "doctor", "--json", cwd=folder)
    return [each for each in json.loads(done.stdout) if each["check"] == "auto"]


@pytest.mark.slow
def test_doctor_says_who_is_chosen_and_why(site: Site, tmp_path: Path) -> None:
    """The chosen provider is named, and, a line each, why it is not one before it."""
    chosen, passed = findings(site, tmp_path, "nowhere,human")
    assert (chosen["status"], chosen["remedy"]) == ("ok", "")
    assert chosen["message"] == "agents with provider auto are done by human"
    assert passed["message"] == "not nowhere: no plugin registers it"


@pytest.mark.slow
def test_doctor_warns_when_a_configured_order_has_nobody(site: Site, tmp_path: Path) -> None:
    """An order that a person has written down and that nobody can do is a warning with a remedy."""
    nobody, *passed = findings(site, tmp_path, "nowhere,auto")
    assert nobody["status"] == "warn"
    assert nobody["message"] == "agents with provider auto can be done by none of its providers"
    assert [each["message"].partition(":")[0] for each in passed] == ["not nowhere", "not auto"]
    assert nobody["remedy"] == "See the known ones: loopengt plugins list"
