"""Runs in a receiver that nobody here wrote: Arize Phoenix, read back over its REST API."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .receivers import attributes, free_port
from .test_ids import rich
from .test_judges import judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lab import Lab
    from .receivers import HttpReceiver

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

INSTALL = "install it with `uv venv .phoenix && uv pip install --python .phoenix arize-phoenix`"
START_SECONDS = 180


class Phoenix:
    """A server that is running."""

    def __init__(self, http_port: int, grpc_port: int) -> None:
        self.url = f"http://127.0.0.1:{http_port}"
        self.grpc_url = f"http://127.0.0.1:{grpc_port}"

    def spans(self, project: str) -> list[dict[str, Any]]:
        """The spans of a project."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/v1/projects/{project}/spans?limit=100{cursor}")
            found += page["data"]
            if not page.get("next_cursor"):
                return found
            cursor = f"&cursor={page['next_cursor']}"

    def wait(self, project: str, count: int) -> list[dict[str, Any]]:
        """The spans of a project, when as many are there; they are taken in by and by."""
        deadline = time.monotonic() + 60
        while True:
            try:
                found = self.spans(project)
            except urllib.error.HTTPError as exc:  # no such project yet
                exc.close()
                found = []
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.25)

    def get(self, path: str) -> Any:
        """Read a resource."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as response:
            return json.load(response)


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phoenix]:
    """A Phoenix of our own, with an empty database."""
    program = os.environ.get("LOOPENGT_TEST_PHOENIX", "")
    if not program or not Path(program).exists():
        pytest.skip(f"LOOPENGT_TEST_PHOENIX names no program `phoenix`: {INSTALL}")
    folder = tmp_path_factory.mktemp("phoenix")
    http_port, grpc_port = free_port(), free_port()
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PHOENIX_"))
    } | {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(http_port),
        "PHOENIX_GRPC_PORT": str(grpc_port),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve"], env=environ, stdout=log, stderr=log, cwd=folder)
    try:
        _wait_until_ready(process, f"http://127.0.0.1:{http_port}/healthz", folder / "log")
        yield Phoenix(http_port, grpc_port)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
            time.sleep(0.25)
        else:
            return


def as_sent(http: HttpReceiver) -> dict[str, tuple[str, str | None]]:
    """Name and parent of every span, by id, as our own receiver has them."""
    return {
        span.span_id.hex(): (span.name, span.parent_span_id.hex() or None) for span in http.spans.values()
    }


def as_kept(spans: list[dict[str, Any]]) -> dict[str, tuple[str, str | None]]:
    """The same, as Phoenix has them."""
    return {span["context"]["span_id"]: (span["name"], span["parent_id"]) for span in spans}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_phoenix_has_the_tree_that_was_sent(
    lab: Lab, http: HttpReceiver, phoenix: Phoenix, protocol: str
) -> None:
    """Live and sent twice more, a run with retries, items, tools and a child run is there once, as a tree."""
    project = f"tree-{protocol}"
    lab.observed = True
    url = phoenix.url if protocol == "http" else phoenix.grpc_url
    lab.options = {"endpoint": url, "protocol": protocol, "project": project, "timeout_seconds": 60}
    result = await lab.run(rich(lab))
    sentence = await lab.export(result.run_id)
    kept = phoenix.wait(project, 14)
    assert f"Sent 14 spans of run {result.run_id}" in sentence

    await lab.to(http).export(result.run_id)
    sent = as_sent(http)
    assert as_kept(kept) == sent
    assert {span["context"]["trace_id"] for span in kept} == {http.received[0].trace_id.hex()}

    lab.options = {"endpoint": url, "protocol": protocol, "project": project, "timeout_seconds": 60}
    await lab.export(result.run_id)
    lab.options["project"] = f"after-{protocol}"
    lab.agent.script("k1", "kid")
    other = await lab.another_run(rich(lab))  # when this one is there, the second export has been taken in
    phoenix.wait(f"after-{protocol}", 14)
    assert other != result.run_id
    assert as_kept(phoenix.spans(project)) == sent
    assert len(phoenix.spans(project)) == 14


async def test_phoenix_reads_kinds_times_and_scores(lab: Lab, http: HttpReceiver, phoenix: Phoenix) -> None:
    """Phoenix knows what the spans are, when they were, what failed, and what the judge said."""
    run_id = await judged(lab, http, content=True)
    await lab.export(run_id)
    lab.options = {"endpoint": phoenix.url, "project": "judged", "content": True, "timeout_seconds": 60}
    sentence = await lab.export(run_id)
    kept = {span["context"]["span_id"]: span for span in phoenix.wait("judged", 8)}

    assert "It takes no log events" in sentence
    assert len(kept) == 8
    kinds = {span["name"]: span["span_kind"] for span in kept.values()}
    assert kinds == {
        "invoke_workflow demo": "CHAIN",
        "step work": "CHAIN",
        "invoke_agent worker": "AGENT",
        "gate manners": "EVALUATOR",
        "chat": "LLM",
    }
    for span in http.spans.values():
        found = kept[span.span_id.hex()]
        assert found["status_code"] == ("ERROR" if span.status.code == 2 else "UNSET")
        events = {event["name"] for event in found["events"]}
        assert events == {event.name for event in span.events}
        assert found["attributes"]["loopengt.run.id"] == attributes(span)["loopengt.run.id"]
        assert _microseconds(found["start_time"]) == span.start_time_unix_nano // 1000
        assert _microseconds(found["end_time"]) == span.end_time_unix_nano // 1000
    refused = kept[http.named("invoke_agent worker")[0].span_id.hex()]
    [score] = [event for event in refused["events"] if event["name"] == "gen_ai.evaluation.result"]
    assert score["attributes"]["gen_ai.evaluation.score.label"] == "fail"


def _microseconds(moment: str) -> int:
    from datetime import UTC, datetime, timedelta

    at = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
