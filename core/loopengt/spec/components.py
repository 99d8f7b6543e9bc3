"""Checks what a spec says of components: agent providers, judges and triggers, and their options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from loopengt.spec.outline import Entry, Outline, Path, text_at
from loopengt.spec.problems import Problem, known_names
from loopengt.spec.tree import show

if TYPE_CHECKING:
    from loopengt.spec.names import KnownNames, OptionProblem

__all__ = ["check_judge", "check_provider", "check_trigger", "problem_at", "unknown", "unknown_component"]

_PLUGINS: Final = "loopengt plugins list shows all"


def check_provider(owner: Path, config: Any, outline: Outline, names: KnownNames) -> Iterator[Problem]:
    """Check the provider of an ``AgentConfig`` and its options.

    Args:
        owner: Where the agent is declared, whose ``config`` it is.
        config: The raw data.
        outline: The spec.
        names: What there is.
    """
    yield from _provider(owner, (*owner, "config"), config, outline, names)


def check_judge(gate: Entry, outline: Outline, names: KnownNames) -> Iterator[Problem]:
    """Check the judge of a gate: whom it asks, its options, and that there is just one threshold."""
    judge = gate.data.get("judge")
    if isinstance(judge, str):
        judge = {"kind": judge}
    if not isinstance(judge, Mapping):
        return
    place, agent = (*gate.path, "judge"), judge.get("agent")
    agents = {entry.name: None for entry in outline.agents if entry.name is not None}
    if isinstance(agent, str) and agent and agent not in agents:
        yield unknown(outline, (*place, "agent"), "agent", agent, agents)
    elif isinstance(agent, Mapping):
        yield from _provider((*place, "agent"), (*place, "agent"), agent, outline, names)
    if judge.get("threshold") is not None and gate.data.get("threshold") is not None:
        hint = "take one of them out"
        yield problem_at(
            outline, (*place, "threshold"), "the gate and its judge both declare a threshold", hint
        )
    kind = text_at(judge, "kind")
    if kind is None or names.judges is None or kind not in names.judges:
        return
    if agent is not None and names.asks_agent is not None and not names.asks_agent(kind):
        message = f"the judge {show(kind)} asks no agent, and declares one"
        yield problem_at(outline, (*place, "agent"), message, "take agent out")
    options = judge.get("options", {})
    if names.validate_judge_options is not None and isinstance(options, Mapping):
        found = names.validate_judge_options(kind, options)
        yield from _options(outline, place if "options" not in judge else (*place, "options"), found)


def check_trigger(outline: Outline, names: KnownNames) -> Iterator[Problem]:
    """Check what starts the loop: that there is such a trigger, and its options."""
    trigger = outline.data.get("trigger")
    if not isinstance(trigger, Mapping):
        return
    place: Path = ("trigger",)
    kind = text_at(trigger, "trigger_type") or "manual"
    if names.triggers is not None and kind not in names.triggers:
        if "trigger_type" in trigger:
            yield unknown_component(outline, (*place, "trigger_type"), "trigger", kind, names.triggers)
        return
    config = trigger.get("config", {})
    if names.validate_trigger_options is not None and isinstance(config, Mapping):
        found = names.validate_trigger_options(kind, config)
        yield from _options(outline, (*place, "config") if "config" in trigger else place, found)


def unknown(outline: Outline, path: Path, kind: str, name: str, known: Iterable[str]) -> Problem:
    """Make the problem of a name that nothing in the spec has."""
    hint = known_names(name, known) or f"the loop declares no {kind}s"
    return problem_at(outline, path, f"unknown {kind} {show(name)}", hint)


def unknown_component(outline: Outline, path: Path, kind: str, name: str, known: Iterable[str]) -> Problem:
    """Make the problem of a name that no plugin registers."""
    near = known_names(name, known, otherwise=" ").strip()
    return problem_at(outline, path, f"unknown {kind} {show(name)}", f"{near} {_PLUGINS}".strip())


def problem_at(outline: Outline, path: Path, message: str, hint: str = "") -> Problem:
    """Make a problem at a path of the spec."""
    return outline.document.problem(outline.document.position(path), message, hint)


def _provider(
    owner: Path, place: Path, config: Any, outline: Outline, names: KnownNames
) -> Iterator[Problem]:
    if not isinstance(config, Mapping) or not isinstance(config.get("provider", ""), str):
        return
    written = text_at(config, "provider")
    provider = written or names.default_provider
    if provider is None:
        return
    if names.providers is not None and provider not in names.providers:
        if written:
            yield unknown_component(
                outline, (*place, "provider"), "agent provider", provider, names.providers
            )
        else:
            yield problem_at(
                outline,
                owner,
                f"the agent names no provider, and no plugin provides the default {provider!r}",
                f"add {'config: ' if owner != place else ''}{{provider: …}}; {_PLUGINS}",
            )
        return
    extra = config.get("extra", {})
    if names.validate_provider_options is not None and isinstance(extra, Mapping):
        found = names.validate_provider_options(provider, extra)
        yield from _options(outline, (*place, "extra"), found)


def _options(outline: Outline, place: Path, found: Iterable[OptionProblem]) -> Iterator[Problem]:
    for where, message in found:
        path = tuple(where)
        named = not path or repr(path[-1]) in message
        text = message if named else f"option {'.'.join(map(str, path))!r}: {message}"
        yield outline.document.problem(outline.document.key_position((*place, *path)), text)
