"""The server before peers that nobody here wrote: the conformance suite, the Inspector, two clients."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .kit import SCRIPTS

sys.path.insert(0, str(SCRIPTS))

from mcp_conformance.cache import INSTALL, OLD_CLIENT, TASKS_CLIENT, Cache, Missing, cache_folder
from mcp_conformance.clients import old_client, tasks_client
from mcp_conformance.inspecting import inspect_all
from mcp_conformance.servers import Server, fixture_server, real_server, stdio_project
from mcp_conformance.suite import (
    GENERIC,
    REVISIONS,
    Expected,
    Outcome,
    expected,
    run_generic,
    run_required,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(700)]

TOOLS = {
    "approve", "create_loop", "evaluate_run", "fork_run", "inspect_trace", "judge_run", "list_runs",
    "list_templates",
    "resume_loop", "run_loop", "run_status", "stop_run", "validate_loop", "wait_run",
}  # fmt: skip


@pytest.fixture(scope="session")
def cache() -> Cache:
    """The peers, each installed when it is asked for; a peer that cannot be is a reason to skip, but not in CI."""
    return Cache(cache_folder())


@pytest.fixture(scope="session")
def real() -> Iterator[Server]:
    """The server as ``loopengt mcp`` serves it."""
    with real_server() as server:
        yield server


@pytest.fixture(scope="session")
def fixture() -> Iterator[Server]:
    """The server with the suite's fixtures."""
    with fixture_server() as server:
        yield server


def there(install: Callable[[], Any]) -> None:
    """Install a peer, or skip the test."""
    try:
        install()
    except Missing as exc:
        if os.environ.get("CI"):
            pytest.fail(str(exc))
        pytest.skip(f"{INSTALL}. {exc}")


def unexpected(outcomes: list[Outcome]) -> list[str]:
    """Return a line for whatever is not as it is known to be."""
    return [line for outcome in outcomes for line in outcome.unexpected(expected())]


@pytest.mark.parametrize("revision", REVISIONS)
def test_generic_scenarios(cache: Cache, real: Server, revision: str) -> None:
    """What the suite asks of any server holds for the real one."""
    there(lambda: cache.program("conformance"))
    outcomes = run_generic(cache, "real", real, revision)
    assert unexpected(outcomes) == []
    assert [outcome.scenario for outcome in outcomes] == [*GENERIC[revision]]


@pytest.mark.parametrize("revision", REVISIONS)
def test_all_scenarios(cache: Cache, fixture: Server, revision: str) -> None:
    """All that the suite has for a revision, with tasks, holds for the same server with the suite's fixtures."""
    there(lambda: cache.program("conformance"))
    outcomes = run_required(cache, "fixture", fixture, revision)
    assert unexpected(outcomes) == []
    tasks = {outcome.scenario for outcome in outcomes if outcome.scenario.startswith("tasks-")}
    assert len(tasks) == (10 if revision == "2026-07-28" else 0)


def test_the_inspector_over_http(cache: Cache, real: Server) -> None:
    """The Inspector finds tools fit for every model (``--strict``), resources and prompts, and uses one of each."""
    there(lambda: cache.program("mcp-inspector"))
    _check_inspected(inspect_all(cache, real))


def test_the_inspector_on_stdio(cache: Cache) -> None:
    """The same on stdio, where each of its calls starts a server."""
    there(lambda: cache.program("mcp-inspector"))
    with stdio_project() as command:
        _check_inspected(inspect_all(cache, command, ["modern"]))


def test_an_old_client_over_http(cache: Cache, real: Server) -> None:
    """A client of the SDK's first generation uses tools, resources and prompts over HTTP."""
    there(lambda: cache.python(*OLD_CLIENT))
    _check_old(old_client(cache, real))


def test_an_old_client_on_stdio(cache: Cache) -> None:
    """The same on stdio."""
    there(lambda: cache.python(*OLD_CLIENT))
    with stdio_project() as command:
        _check_old(old_client(cache, command))


def test_a_client_for_tasks(cache: Cache, fixture: Server) -> None:
    """A client for tasks that is not ours follows runs to their ends, answers what they ask, and cancels one."""
    there(lambda: cache.python(*TASKS_CLIENT))
    found = tasks_client(cache, fixture)
    assert found["greeted"]["output"].strip() == "Hello, world!"
    assert found["task_is_run"]
    assert found["at_once"]["output"].strip() == "computed"
    assert (found["failed"]["status"], found["failed_error"]) == ("failed", True)
    assert found["confirmed"]["output"] == {"confirm": True}
    assert found["several"]["status"] == "completed"
    assert len(found["asked"]) == 3
    assert (found["working"], found["cancelled"]) == ("working", "cancelled")
    assert "cancelled" in found["told"]


def test_what_is_known_to_fail() -> None:
    """A failure is expected by its check alone, and one that has gone has to be taken out of the list."""
    known = Expected("real", "2026-07-28", "ping", "a", "why")
    failed = Outcome("real", "2026-07-28", "ping", 1, {"a": "bad", "b": "worse"})
    assert failed.unexpected([known]) == ["real, 2026-07-28, ping: b: worse"]
    (gone,) = Outcome("real", "2026-07-28", "ping", 1).unexpected([known])
    assert "take it out" in gone
    assert all(entry.reason.endswith(".") for entry in expected())


def _check_inspected(found: dict[str, Any]) -> None:
    for asked in found.values():
        assert {tool["name"] for tool in asked["tools/list"]["tools"]} >= TOOLS
        assert {"runs://list", "template://list"} <= {
            each["uri"] for each in asked["resources/list"]["resources"]
        }
        templates = {each["uriTemplate"] for each in asked["resources/templates/list"]["resourceTemplates"]}
        assert {"loop://spec/{name}", "trace://run/{run_id}"} <= templates
        assert asked["resources/read"]["contents"]
        assert {"design", "improve", "review"} <= {each["name"] for each in asked["prompts/list"]["prompts"]}
        assert asked["prompts/get"]["messages"]
        assert asked["tools/call"]["structuredContent"]["status"] == "completed"


def _check_old(found: dict[str, Any]) -> None:
    assert found["sdk"].startswith("1.")
    assert (found["server"], found["revision"]) == ("loopengt", "2025-11-25")
    assert {*found["tools"]} >= TOOLS
    assert {*found["schemas"]} >= {"run_loop", "list_runs"}
    assert {"runs://list", "template://list"} <= {*found["resources"]}
    assert {*found["prompts"]} >= {"design", "improve", "review"}
    assert found["run"]["status"] == "completed" and not found["run_error"]
    assert found["unknown_error"] and found["prompt"] and found["read"]
