"""What ``doctor`` says of the provider ``auto``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import Site


def finding(site: Site, folder: Path, order: str) -> dict[str, Any]:
    """Return the finding about auto, with an order of providers."""
    (folder / ".loopengt").mkdir(exist_ok=True)
    done = site.run("-o", f"agents.auto={order}", "doctor", "--json", cwd=folder)
    (found,) = [each for each in json.loads(done.stdout) if each["check"] == "auto"]
    return dict(found)


def test_doctor_says_who_is_chosen_and_why(site: Site, tmp_path: Path) -> None:
    """The chosen provider is named, with why it is not one before it."""
    found = finding(site, tmp_path, "nowhere,human")
    assert (found["status"], found["remedy"]) == ("ok", "")
    assert found["message"] == (
        "agents with provider auto are done by human (not nowhere: no plugin registers it)"
    )


def test_doctor_warns_when_a_configured_order_has_nobody(site: Site, tmp_path: Path) -> None:
    """An order that a person has written down and that nobody can do is a warning with a remedy."""
    found = finding(site, tmp_path, "nowhere,auto")
    assert found["status"] == "warn"
    assert "done by none of its providers (not nowhere: no plugin registers it; not auto" in found["message"]
    assert found["remedy"] == "See the known ones: loopengt plugins list"
