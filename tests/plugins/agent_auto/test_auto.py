"""The provider ``auto``: who is chosen and why, what is handed on, and that a run stays with its choice."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict

from loopengt import hookimpl
from loopengt.journal import read_events
from loopengt.testing import loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement
from loopengt_hookspecs.models import AgentRole, EndReason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult


class Options(BaseModel):
    """What a provider of these tests takes."""

    model_config = ConfigDict(extra="forbid")

    mood: str = "calm"


class Provider:
    """A provider, with or without what it needs; it answers with its own name."""

    options: type[BaseModel] | None = Options
    free = True
    takes_tools = True

    def __init__(self, name: str, lacks: str = "", *, fails: Iterable[Exception] = ()) -> None:
        self.name = name
        self.lacks = lacks
        self.fails = list(fails)
        self.roles: list[AgentRole] = []

    def bind(self, role: AgentRole, project: Path) -> Provider:
        """Serve the role."""
        self.roles.append(role)
        return self

    def plan(self) -> str:
        """Say the name."""
        return f"ask {self.name}"

    def missing(self) -> list[MissingRequirement]:
        """What it lacks."""
        return [MissingRequirement(self.lacks, remedy=f"install {self.name}")] if self.lacks else []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Answer, or fail."""
        if self.fails:
            raise self.fails.pop(0)
        return AgentReply(self.name, cost_usd=0.0, metadata={"own": True})


def kernel_of(project: Path, *providers: Provider, order: str = "one, two, three") -> Kernel:
    """Make a kernel with providers and an order."""
    tables = {"agents": {"auto": order.split(", ")}} if order else {}
    agents = {provider.name: provider for provider in providers}
    return make_kernel(project, agents=agents, storage="sqlite", config=tables)


def spec(extra: dict[str, Any] | None = None, *steps: str, **config: Any) -> dict[str, Any]:
    """A loop done by auto."""
    role = {"name": "worker", "config": {"provider": "auto", "extra": extra or {}, **config}}
    return loop_spec(*(steps or ("work",)), agents=[role])


def bound(kernel: Kernel, extra: dict[str, Any] | None = None) -> Any:
    """Return the agent of that loop."""
    role = AgentRole.model_validate(spec(extra)["agents"][0])
    return kernel.get("agents", "auto").bind(role, kernel.project)


async def customs(kernel: Kernel, result: RunResult) -> list[dict[str, Any]]:
    """Return the data of the journal's custom events."""
    async with kernel.storage() as storage:
        events = [event async for some in read_events(storage, result.run_id) for event in some]
    return [event.data for event in events if event.type == "custom"]


async def test_the_first_that_can_be_used_does_it(tmp_path: Path) -> None:
    """The journal tells who does it and why not those before; the reply says it, too."""
    kernel = kernel_of(tmp_path, Provider("one", "no program one"), Provider("two"), Provider("three"))
    result = await run_loop(kernel, spec())
    assert result.output == "two"
    (note,) = await customs(kernel, result)
    assert note == {"auto": "two", "agent": "worker", "because": "not one: no program one"}
    agent = bound(kernel)
    assert agent.plan() == "auto: two: ask two (not one: no program one)"
    assert agent.missing() == []
    assert (agent.free, agent.takes_tools, agent.reports_cost, agent.keeps_sessions) == (
        True,
        True,
        False,
        False,
    )


async def test_the_model_is_handed_on_only_when_the_spec_names_it(tmp_path: Path) -> None:
    """A default of the contract is no wish for a model; options reach the chosen one."""
    provider = Provider("one")
    kernel = kernel_of(tmp_path, provider)
    await run_loop(kernel, spec({"mood": "bright"}))
    await run_loop(kernel, spec(model="m-1"))
    first, second = provider.roles[0].config, provider.roles[-1].config
    assert (first.provider, first.extra) == ("one", {"mood": "bright"})
    assert "model" not in first.model_fields_set
    assert (second.model, "model" in second.model_fields_set) == ("m-1", True)


async def test_options_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    """The chosen provider stays the chosen one, and nothing is executed with options left out."""
    kernel = kernel_of(tmp_path, Provider("one"), Provider("two"))
    result = await run_loop(kernel, spec({"mood": "bright", "colour": "red"}))
    assert result.end.reason is EndReason.FAILED
    assert "auto is done by one, which does not take the options colour (no such option)" in result.end.detail
    (lack,) = bound(kernel, {"colour": "red"}).missing()
    assert "colour" in lack.message


async def test_a_provider_without_options_takes_none(tmp_path: Path) -> None:
    """Every option is named where the provider has no options at all."""
    provider = Provider("one")
    provider.options = None
    (lack,) = bound(kernel_of(tmp_path, provider), {"mood": "bright"}).missing()
    assert "mood (it takes no options)" in lack.message


async def test_when_none_can_be_used_each_is_told_with_its_remedy(tmp_path: Path) -> None:
    """The error lists every provider with why and how to mend it, and the run can go on once that is done."""
    one = Provider("one", "no program one")
    kernel = kernel_of(tmp_path, one, order="one, nowhere, auto")
    result = await run_loop(kernel, spec())
    assert (result.end.reason, result.can_resume) == (EndReason.FAILED, True)
    for words in (
        "one: no program one -> install one",
        "nowhere: no plugin registers it",
        "auto: it cannot choose itself",
        "[agents] auto",
    ):
        assert words in result.end.detail
    one.lacks = ""
    assert (await resume_loop(kernel, result.run_id)).output == "one"


async def test_a_run_stays_with_its_choice_over_a_resume(tmp_path: Path) -> None:
    """What has become usable meanwhile, and stands before it, does not take a run over."""
    loop = spec(None, "a", "b")
    gone = MissingRequirement("the key was revoked")
    two = Provider("two")
    kernel = kernel_of(tmp_path, Provider("one", "no program one"), two)
    two.fails = [AgentError("lost", kind="TimeoutError"), gone]
    first = await run_loop(kernel, loop)
    assert first.can_resume
    later = kernel_of(tmp_path, Provider("one"), Provider("two"))
    result = await resume_loop(later, first.run_id)
    assert result.output == "two"
    assert [note["auto"] for note in await customs(later, result)] == ["two"]
    fresh = await run_loop(later, loop)
    assert fresh.output == "one"


async def test_another_is_chosen_when_the_first_choice_is_gone(tmp_path: Path) -> None:
    """Only when the chosen provider can no longer be used is another one taken, and the journal says why."""
    two = Provider("two", fails=[MissingRequirement("out of order")])
    first = await run_loop(kernel_of(tmp_path, Provider("one", "no one"), two), spec())
    later = kernel_of(tmp_path, Provider("one", "no one"), Provider("two", "uninstalled"), Provider("three"))
    result = await resume_loop(later, first.run_id)
    assert result.output == "three"
    assert (await customs(later, result))[-1]["because"].startswith(
        "two, which did it before, can no longer be used: uninstalled; not one: no one"
    )


async def test_a_provider_that_breaks_is_passed_over(tmp_path: Path) -> None:
    """Whatever a provider raises when it is asked is why it is not chosen."""

    class Broken(Provider):
        def missing(self) -> list[MissingRequirement]:
            raise RuntimeError("no idea")

    kernel = kernel_of(tmp_path, Broken("one"), Provider("two"))
    assert bound(kernel).plan() == "auto: two: ask two (not one: RuntimeError: no idea)"


@pytest.mark.parametrize("order", ["", "one"])
def test_a_loop_is_not_refused_where_nobody_is_there(tmp_path: Path, order: str) -> None:
    """Without a usable provider, as where a recording is replayed, attributes stand in nobody's way."""
    agent = bound(kernel_of(tmp_path, Provider("one", "none"), order=order or "nowhere"))
    assert (agent.takes_tools, agent.keeps_sessions, agent.reports_cost, agent.free) == (
        True,
        True,
        True,
        False,
    )
    assert agent.plan() == "auto: no provider of the order can be used on this machine"


def test_the_built_in_order_begins_with_the_coding_agents(tmp_path: Path) -> None:
    """Without a setting the survey goes through the built-in order, up to the first that can be used."""

    @hookimpl
    def loopengt_register_agents(register: Any) -> None:
        register("claude-code", Provider("claude-code", "no program claude"), summary="Not there")
        register("codex", Provider("codex"), summary="There")

    clis = SimpleNamespace(loopengt_register_agents=loopengt_register_agents)
    kernel = make_kernel(tmp_path, agents={}, plugins=[("coding_clis", clis)])
    assert kernel.get("agents", "auto").survey(tmp_path) == [
        ("claude-code", "no program claude", "install claude-code"),
        ("codex", "", ""),
    ]


async def test_a_provider_that_needs_options_is_passed_over_without_them(tmp_path: Path) -> None:
    """A provider whose options must be given cannot be chosen where they are not; what it wants is told."""
    kernel = kernel_of(tmp_path, Provider("two"), order="command, two")
    assert bound(kernel).plan() == "auto: two: ask two (not command: command: Field required)"
