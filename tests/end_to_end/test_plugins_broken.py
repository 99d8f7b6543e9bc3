"""Plugins that fail in every way at once: loops still run, and the user is told what is wrong with whom."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Site

SOUND = """
class Gates:
    def bind(self, gate, project):
        return self

    pure = True

    def plan(self):
        return "be polite"

    def missing(self):
        return []

    async def check(self, request):
        from loopengt_hookspecs.gates import GateVerdict

        return GateVerdict("please" in request.result.output, "Say please.")


@hookimpl
def loopengt_register_gates(register):
    register("polite", Gates(), summary="Checks manners")
"""

FAILING_OBSERVER = """
class Observer:
    def enabled(self):
        return True

    async def on_event(self, event):
        raise ValueError("an observer's mistake")

    async def close(self):
        raise ValueError("and another one")


@hookimpl
def loopengt_register_observers(register):
    register("clumsy", Observer(), summary="Raises at every event")
"""

BROKEN = {
    "torn": "import no_such_module",
    "raising": "@hookimpl\ndef loopengt_register_gates(register):\n    raise RuntimeError('no luck today')\n",
    "misspelled": "@hookimpl\ndef loopengt_register_gatez(register):\n    pass\n",
    "exiting": "raise SystemExit(0)",
}
"""Modules of plugins by name, none of which can be loaded."""

REASONS = {
    "torn": "no_such_module",
    "raising": "no luck today",
    "misspelled": "loopengt_register_gates",
    "exiting": "SystemExit",
    "twin": "twins-kit",
}
"""What the user must read of each plugin that is not loaded."""

LOOP = {
    "name": "polite",
    "goal": "Ask politely.",
    "agents": [
        {
            "name": "asker",
            "config": {"provider": "command", "extra": {"command": 'echo "$LOOPENGT_FEEDBACK now, please"'}},
        }
    ],
    "steps": [{"name": "ask", "agent": "asker", "verification_gates": ["manners", "second"]}],
    "policy": {
        "verification_gates": [
            {"name": "manners", "kind": "polite"},
            {"name": "second", "kind": "command", "command": 'test "$LOOPENGT_ATTEMPT" = 2'},
        ]
    },
}


@pytest.fixture
def crowd(site: Site, project: Path) -> Site:
    """A project with a loop, one sound plugin of a stranger's, and one plugin broken in each way."""
    for name, source in BROKEN.items():
        site.install(f"{name}-kit", {name: f"{name}_plugin"}, {f"{name}_plugin": source})
    site.install("good-kit", {"good": "good_plugin"}, {"good_plugin": SOUND})
    site.install("clumsy-kit", {"clumsy": "clumsy_plugin"}, {"clumsy_plugin": FAILING_OBSERVER})
    for distribution in ("twin-kit", "twins-kit"):
        module = f"{distribution.replace('-', '_')}_plugin"
        site.install(distribution, {"twin": module}, {module: ""})
    (project / "loop.yaml").write_text(json.dumps(LOOP))
    return site


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Return all that a command has printed; nothing of it is an excuse for what nobody foresaw."""
    text = done.stdout + done.stderr
    assert "Sorry" not in text, text
    return text


@pytest.mark.slow
def test_a_loop_runs_among_broken_plugins(crowd: Site, project: Path) -> None:
    """With all of them installed a loop reaches its goal, with the sound stranger's gate, and exit code 0."""
    done = crowd.run("run", "loop.yaml", cwd=project)
    assert done.returncode == 0, said(done)
    assert "goal_met" in said(done)
    assert "Traceback" not in said(done)
    events = json.loads(crowd.run("trace", "latest", "--format", "json", cwd=project).stdout)
    gates = [(event["event_type"], event["data"]["gate"]) for event in events if "gate" in event["data"]]
    expected = [
        ("gate.pass", "manners"),
        ("gate.fail", "second"),
        ("gate.pass", "manners"),
        ("gate.pass", "second"),
    ]
    assert gates == expected


@pytest.mark.slow
def test_the_list_says_what_is_wrong_with_whom(crowd: Site, project: Path) -> None:
    """Every broken plugin is listed as failed with its reason, once; all others are loaded."""
    listed = crowd.run("plugins", "list", "--json", cwd=project)
    records: list[dict[str, Any]] = json.loads(listed.stdout)
    failed = {record["name"]: json.dumps(record) for record in records if record["status"] == "failed"}
    assert failed.keys() == REASONS.keys()
    for name, reason in REASONS.items():
        assert reason in failed[name], failed[name]
    loaded = [record["name"] for record in records if record["status"] == "loaded"]
    assert {"good", "clumsy", "twin", "local", "storage_sqlite"} <= set(loaded)
    shown = crowd.run("plugins", "list", cwd=project)
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in REASONS)


@pytest.mark.slow
def test_doctor_says_what_is_wrong_with_whom(crowd: Site, project: Path) -> None:
    """Doctor names every broken plugin with its reason and fails; the loop itself it finds in order."""
    done = crowd.run("doctor", cwd=project)
    assert done.returncode == 1
    failures = [line for line in said(done).splitlines() if line.startswith("fail")]
    assert len(failures) == len(REASONS)
    for name, reason in REASONS.items():
        assert any(f"plugins: {name} " in line and reason in line for line in failures), failures
    assert "ok    specs: loop.yaml" in done.stdout


@pytest.mark.slow
def test_an_observer_that_raises_harms_no_run(crowd: Site, project: Path) -> None:
    """An observer that raises at every event is logged, and the run goes on to its goal."""
    (project / ".loopengt" / "config.toml").write_text('[observers]\nnames = ["clumsy"]\n')
    done = crowd.run("run", "loop.yaml", "--quiet", cwd=project)
    assert done.returncode == 0, said(done)
    assert "observer raised" in done.stderr and "goal_met" in done.stderr


@pytest.mark.slow
def test_what_a_broken_plugin_should_have_brought_is_missed_aloud(crowd: Site, project: Path) -> None:
    """A loop that needs what a failed plugin registers is refused, with exit code 2 and where to look."""
    spec = json.loads(json.dumps(LOOP))
    spec["policy"]["verification_gates"][0]["kind"] = "lucky"
    (project / "loop.yaml").write_text(json.dumps(spec))
    done = crowd.run("run", "loop.yaml", cwd=project)
    assert done.returncode == 2
    assert "unknown gate kind 'lucky'" in said(done) and "loopengt plugins list" in said(done)
