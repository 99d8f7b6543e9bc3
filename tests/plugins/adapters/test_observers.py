"""Live events: the base class, and the observers ``desktop`` and ``webhook`` as runs use them."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.errors import ConfigError
from loopengt.live import LiveObserver
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop
from loopengt.testing.fake_http import FakeHttp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopengt.testing.fake_http import Exchange
    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import TraceEvent

    from .conftest import Desk

GATE = {"name": "works", "condition": "output == 'ok'"}
SPEC = loop_spec({"name": "work", "verification_gates": ["works"]}, policy={"verification_gates": [GATE]})


class Heard(LiveObserver):
    """An adapter's live part, as a third party would write it."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    async def on_loop_start(self, event: TraceEvent) -> None:
        self.calls.append(("start", event.event_type.value))

    async def on_step_start(self, event: TraceEvent) -> None:
        self.calls.append(("step", event.step_name or ""))

    async def on_step_complete(self, event: TraceEvent) -> None:
        self.calls.append(("done", event.step_name or ""))

    async def on_loop_complete(self, event: TraceEvent) -> None:
        self.calls.append(("end", str(event.data["reason"])))

    async def on_error(self, event: TraceEvent) -> None:
        self.calls.append(("error", event.event_type.value))


async def drive(
    desk: Desk, observer: str, *answers: Any, options: dict[str, Any] | None = None, plugins: Any = ()
) -> RunResult:
    """Run the loop with an observer that config.toml names."""
    config = {"observers": {"names": [observer]}, "plugins": {"adapters": options or {}}}
    agent = ScriptedAgent(*answers)
    kernel = make_kernel(desk.project, agents=agent, config=config, plugins=plugins, environ=dict(os.environ))
    return await run_loop(kernel, SPEC)


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        (["no", "ok"], ["start", "step", "step", "done", "end"]),
        (["no"] * 4, ["start", *["step"] * 4, "error", "error"]),
    ],
)
async def test_a_third_partys_live_adapter_hears_five_calls(
    desk: Desk, answers: list[str], calls: list[str]
) -> None:
    """Named in [observers] names, it hears starts, each attempt, the ends of steps, and how the run ended."""
    heard = Heard()

    @hookimpl
    def loopengt_register_observers(register: Any) -> None:
        register("my-tool", heard, summary="Shows runs in my tool")

    plugin = SimpleNamespace(loopengt_register_observers=loopengt_register_observers)
    await drive(desk, "my-tool", *answers, plugins=[("my_tool", plugin)])
    assert [call for call, _ in heard.calls] == calls
    assert heard.calls[-1] == (("end", "goal_met") if calls[-1] == "end" else ("error", "loop.error"))


@pytest.fixture
def notified(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Put a notify-send (on macOS osascript) on PATH that writes down what it is called with."""
    name = "osascript" if sys.platform == "darwin" else "notify-send"
    log = desk.home / "notified"
    script = f"import json, sys\nopen({str(log)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
    program = desk.write(f"~/bin/{name}", f"#!{sys.executable} -S\n{script}".encode())
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return lambda: [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


async def test_desktop_notifies_once_a_run(desk: Desk, notified: Callable[[], list[list[str]]]) -> None:
    """One notification when a run is at its goal, one when it failed; text of the run is an argument, no option."""
    await drive(desk, "desktop", "no", "ok")
    await drive(desk, "desktop", *["no"] * 4)
    done, failed = notified()
    assert done[-2] == failed[-2] == "loopengt: demo"
    assert done[-1].startswith("goal met") and not failed[-1].startswith("goal met")
    if sys.platform != "darwin":
        assert done[-3] == "--"


async def test_desktop_is_quiet_about_sub_loops(desk: Desk, notified: Callable[[], list[list[str]]]) -> None:
    """A run whose step is a loop of its own brings one notification, about the run that a person has started."""
    desk.write("inner.yaml", json.dumps(loop_spec(name="inner")).encode())
    config = {"observers": {"names": ["desktop"]}}
    kernel = make_kernel(desk.project, agents=ScriptedAgent("ok"), config=config, environ=dict(os.environ))
    result = await run_loop(kernel, loop_spec({"name": "sub", "loop": "inner.yaml"}))
    assert result.end.reason == "goal_met", result
    assert [arguments[-2] for arguments in notified()] == ["loopengt: demo"]


async def test_desktop_without_a_program_is_silent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """On a machine without a desktop the run goes on, and nothing is written."""
    monkeypatch.setenv("PATH", str(desk.home))
    assert (await drive(desk, "desktop", "ok")).end.reason == "goal_met"
    assert capfd.readouterr().err == ""


class Hook:
    """A service that takes posts, and answers as it is told."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.hang = 0.0
        self.raw: list[tuple[dict[str, str], Any]] = []
        self.http = FakeHttp(self.respond)

    def respond(self, exchange: Exchange) -> None:
        self.raw.append((dict(exchange.request.headers), exchange.request.body))
        if self.hang and not exchange.wait(self.hang):
            return
        status = self.answers.pop(0) if self.answers else 204
        exchange.send(status, b"", {"Location": f"{self.http.url}/elsewhere"})

    @property
    def calls(self) -> list[str]:
        """The calls that were posted, in order."""
        return [body["call"] for _, body in self.raw]


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A service, closed at the end."""
    made = Hook()
    yield made
    made.http.close()


async def test_webhook_posts_signed_json(desk: Desk, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call arrives in order, with its event, a delivery id, and a signature that the secret confirms."""
    monkeypatch.setenv("HOOK_SECRET", "a-shared-secret")
    options = {"webhook": {"url": f"{hook.http.url}/in?key=1", "secret_env": "HOOK_SECRET"}}
    run = await drive(desk, "webhook", "no", "ok", options=options)
    assert hook.calls == ["on_loop_start", "on_step_complete", "on_loop_complete"]
    for headers, body in hook.raw:
        assert body["event"]["run_id"] == run.run_id
        assert headers["x-loopengt-delivery"] == body["event"]["event_id"]
        sent = json.dumps(body, ensure_ascii=False).encode()
        signed = headers["x-loopengt-timestamp"].encode() + b"." + sent
        digest = hmac.new(b"a-shared-secret", signed, hashlib.sha256).hexdigest()
        assert headers["x-loopengt-signature"] == f"sha256={digest}"


async def test_webhook_sends_no_secrets(desk: Desk, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an agent says of a key never leaves the machine, be the key ours or any of the environment."""
    monkeypatch.setenv("HOOK_SECRET", "sign-with-this-one")
    monkeypatch.setenv("HOOK_URL", f"{hook.http.url}/secret-path-0815")
    agent = {"answer": "ok", "leak": "sign-with-this-one /secret-path-0815"}
    options = {
        "webhook": {"url_env": "HOOK_URL", "secret_env": "HOOK_SECRET", "events": ["on_step_complete"]}
    }
    config = {"observers": {"names": ["webhook"]}, "plugins": {"adapters": options}}
    kernel = make_kernel(desk.project, agents=ScriptedAgent(agent), config=config)
    await run_loop(kernel, loop_spec())
    assert hook.calls == ["on_step_complete"]
    assert "sign-with-this-one" not in json.dumps(hook.raw[0][1])


@pytest.mark.slow
async def test_webhook_tries_again_and_then_gives_up_on_steps(desk: Desk, hook: Hook) -> None:
    """A busy service is asked again, at most twice; after that only what happens to the run as a whole is tried."""
    hook.answers = [503, 204, 429, 500, 502]
    options = {
        "webhook": {"url": hook.http.url, "events": ["on_loop_start", "on_step_start", "on_loop_complete"]}
    }
    await drive(desk, "webhook", "no", "no", "ok", options=options)
    assert hook.calls == ["on_loop_start"] * 2 + ["on_step_start"] * 3 + ["on_loop_complete"]
    ids = [headers["x-loopengt-delivery"] for headers, _ in hook.raw]
    assert len(set(ids[:2])) == 1 and len(set(ids[2:5])) == 1


@pytest.mark.parametrize("status", [302, 307, 401, 404])
async def test_webhook_follows_no_redirects_and_repeats_no_refusals(
    desk: Desk, hook: Hook, status: int
) -> None:
    """A redirect is not followed, since the event would go along, and a refused post is not repeated."""
    hook.answers = [status]
    options = {"webhook": {"url": hook.http.url, "events": ["on_loop_complete"]}}
    assert (await drive(desk, "webhook", "ok", options=options)).end.reason == "goal_met"
    assert len(hook.raw) == 1


async def test_webhook_never_holds_a_run_up(desk: Desk, hook: Hook) -> None:
    """While the service does not answer, every step of the run is done at once; only the process waits a little."""
    hook.hang = 1.0
    options = {
        "webhook": {"url": hook.http.url, "events": ["on_step_start"], "timeout_seconds": 0.3, "retries": 0}
    }
    asked: list[float] = []

    def answer(_: Any) -> str:
        asked.append(time.monotonic())
        return "ok" if len(asked) == 3 else "no"

    config = {"observers": {"names": ["webhook"]}, "plugins": {"adapters": options}}
    kernel = make_kernel(desk.project, agents=ScriptedAgent(steps={"work": answer}), config=config)
    assert (await run_loop(kernel, SPEC)).end.reason == "goal_met"
    assert len(asked) == 3 and asked[-1] - asked[0] < 0.3


@pytest.mark.parametrize("missing", ["url", "secret"])
async def test_webhook_that_cannot_post_as_it_should_is_off(
    desk: Desk, hook: Hook, missing: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without an address, or without the secret that is to sign, nothing is sent, and the log says what is missing."""
    options = (
        {"secret_env": "NOT_THERE", "url": hook.http.url} if missing == "secret" else {"url_env": "NOT_THERE"}
    )
    assert (await drive(desk, "webhook", "ok", options={"webhook": options})).end.reason == "goal_met"
    assert hook.raw == [] and "NOT_THERE" in capfd.readouterr().err


async def test_webhook_refuses_what_is_no_address(desk: Desk) -> None:
    """An address of another kind is an error of the config, which does not repeat it."""
    with pytest.raises(ConfigError, match="url") as caught:
        await drive(desk, "webhook", "ok", options={"webhook": {"url": "file:///etc/passwd"}})
    assert "passwd" not in str(caught.value)
