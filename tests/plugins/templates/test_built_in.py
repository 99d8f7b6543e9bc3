"""The built-in templates as files: complete, valid, and described."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt import Kernel
from loopengt.spec import load_spec_text
from loopengt.templates import find_template, find_templates

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "dependency_upgrade", "docs_sync", "fix_ci", "handoff_loop", "planner_executor", "ralph", "research_architect",
    "reviewer_retry", "supervisor_workers", "test_coverage",
]  # fmt: skip
HOSTILE = 'it\'s: "{odd}"\n- <<goal>> # {{x}} $(false)'


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel in an empty folder."""
    return Kernel(tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path / "config")})


def test_all_are_registered(kernel: Kernel) -> None:
    """Nothing but these, and the starter, comes with loopengt."""
    assert [each.name for each in find_templates(kernel)] == sorted([*NAMES, "starter"])


@pytest.mark.parametrize("name", NAMES)
def test_each_is_a_sound_loop_for_any_value(kernel: Kernel, name: str) -> None:
    """With hostile values in every variable of text it is valid, and no prompt or command takes them apart."""
    template = find_template(kernel, name).open()
    given = {key: HOSTILE for key, each in template.about.variables.items() if each.type == "text"}
    spec = load_spec_text(template.fill(given)["loop.yaml"], kernel.known_names(), name).spec
    if "goal" in given:
        assert spec.goal == HOSTILE
    assert spec.policy.budget.max_cost_usd is not None
    assert spec.policy.no_progress.max_repeats is not None
    assert spec.policy.max_turns <= 200 and spec.policy.max_total_time_seconds <= 8 * 3600
    assert {agent.config.provider for agent in spec.agents} <= {"auto", "command"}
    kinds = {gate.kind for gate in spec.policy.verification_gates}
    assert "command" in kinds and all(gate.description for gate in spec.policy.verification_gates)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_described(kernel: Kernel, name: str) -> None:
    """It has a description that fits its summary, a README on how it ends, and a use for every variable."""
    template = find_template(kernel, name).open()
    assert template.about.description
    assert template.readme.startswith(f"# {name}\n") and f"loopengt template use {name}" in template.readme
    assert "**It ends** goal_met when" in template.readme and "**It needs**" in template.readme
    for variable in template.about.variables:
        assert f"<<{variable}>>" in template.files["loop.yaml"], f"{variable} is not used"
    assert template.files["loop.yaml"].startswith(
        "# yaml-language-server: $schema=./.loopengt/loop.schema.json\n"
    )
