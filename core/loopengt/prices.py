"""Says what agents cost: the list prices of models, and which budgets in US dollars could not be held."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt.spec import loop_key
from loopengt_hookspecs.models import OnUnknownCost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loopengt_hookspecs.models import AgentRole, LoopSpec, StepSpec

__all__ = ["UnheldBudget", "has_known_cost", "list_price", "model_of", "unheld_budgets"]

UnheldBudget: TypeAlias = tuple[tuple[str | int, ...], str, str]
"""Where a budget stands in its spec, what is wrong with it, and the ways out."""
_Scope: TypeAlias = "tuple[tuple[str | int, ...], str, dict[str, AgentRole], bool]"
"""A budget in US dollars: its place, its name, whose costs it bounds, and whether tokens are bounded, too."""


def model_of(role: AgentRole, agent: object) -> str:
    """Return the model whose list price an agent's calls have; empty: nobody has named one.

    Args:
        role: The role as declared.
        agent: The agent. Its attribute ``model``, when it has one, goes before what the role says: it knows what names
            of the config stand for.
    """
    known = getattr(agent, "model", None)
    if isinstance(known, str):
        return known
    return role.config.model if "model" in role.config.model_fields_set else ""


def list_price(
    model: str,
    prompt_tokens: int,
    completion_tokens: int,
    *,
    cached_tokens: int = 0,
    cache_write_tokens: int = 0,
) -> float | None:
    """Return the list price of a call in US dollars; None when the model has none that is known here.

    The prices are those that came with the package ``genai-prices``; nothing is fetched. Without that package no
    model has a list price.

    Args:
        model: Name of the model, alone or behind its provider's: ``gpt-4o``, ``openai/gpt-4o``, ``openai:gpt-4o``.
        prompt_tokens: Tokens that went in.
        completion_tokens: Tokens that came out.
        cached_tokens: Those of the prompt that were read from a cache.
        cache_write_tokens: Those of the prompt that were written to one.
    """
    found = _find(model)
    if found is None:
        return None
    from genai_prices import Usage, calc_price

    name, provider = found
    usage = Usage(
        input_tokens=prompt_tokens,
        output_tokens=completion_tokens,
        cache_read_tokens=min(cached_tokens, prompt_tokens) or None,
        cache_write_tokens=min(cache_write_tokens, prompt_tokens) or None,
    )
    try:
        return float(calc_price(usage, name, provider_id=provider).total_price)
    except (LookupError, ValueError):  # its price has no place for so many tokens
        return None


@cache
def _find(model: str) -> tuple[str, str | None] | None:
    """Find a model among those with a price; return its name and its provider's."""
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    tries: list[tuple[str, str | None]] = [(model, None)]
    for mark in "/:":
        provider, found, name = model.partition(mark)
        if found and provider and name:
            tries.append((name, provider))
    for name, maker in tries:
        try:
            calc_price(Usage(input_tokens=1, output_tokens=1), name, provider_id=maker)
        except (LookupError, ValueError):
            continue
        return name, maker
    return None


def has_known_cost(role: AgentRole, agent: object) -> bool:
    """Whether the cost of an agent's calls is told or can be estimated.

    Args:
        role: The role as declared.
        agent: The agent that its provider has bound; its attributes ``reports_cost`` and ``free`` count.
    """
    if role.price is not None or getattr(agent, "reports_cost", False) or getattr(agent, "free", False):
        return True
    named = model_of(role, agent)
    return bool(named) and list_price(named, 1, 1) is not None


def unheld_budgets(
    spec: LoopSpec,
    bind: Callable[[AgentRole], Any],
    loops: Mapping[str, LoopSpec] = MappingProxyType({}),
    file: str = "",
) -> Iterator[UnheldBudget]:
    """Find the budgets in US dollars of a loop that nobody could hold.

    Args:
        spec: The loop.
        bind: Returns the agent of a role; called for those that a budget in US dollars bears on.
        loops: The loops below it, whose agents draw on its budgets, by their path in the project.
        file: Its own path in the project.
    """
    mode = spec.policy.budget.on_unknown_cost
    scopes = list(_scopes(spec, loops, file))
    if mode is OnUnknownCost.TOKENS:
        for path, name, roles, has_tokens in scopes:
            if roles and not has_tokens:
                yield (
                    path,
                    f"on_unknown_cost: tokens needs a limit of tokens beside the max_cost_usd of {name}",
                    "add max_tokens to the same budget, or to policy.budget",
                )
    if mode is not OnUnknownCost.REFUSE:
        return
    known: dict[int, bool] = {}
    for path, name, roles, _ in scopes:
        for role in roles.values():
            if id(role) not in known:
                known[id(role)] = has_known_cost(role, bind(role))
        unknown = [label for label, role in roles.items() if not known[id(role)]]
        if unknown:
            agents = ", ".join(unknown)
            many = len(unknown) > 1
            yield (
                path,
                f"the max_cost_usd of {name} cannot be held: nobody knows what the agent{'s' if many else ''} "
                f"{agents} cost{'' if many else 's'}",
                f"give {'each' if many else 'it'} a price, a config.model with a list price "
                "(pip install genai-prices), or a provider that reports costs (config.extra.cost: reported or "
                "free, where it has that option); or set policy.budget.on_unknown_cost to estimate, tokens or ignore",
            )


def _scopes(spec: LoopSpec, loops: Mapping[str, LoopSpec], file: str) -> Iterator[_Scope]:
    overall = spec.policy.budget.max_tokens is not None
    if spec.policy.budget.max_cost_usd is not None:
        yield (
            ("policy", "budget", "max_cost_usd"),
            "policy.budget",
            _roles(spec, spec.steps, loops, file),
            overall,
        )
    for index, role in enumerate(spec.agents):
        if role.budget is not None and role.budget.max_cost_usd is not None:
            has_tokens = overall or role.budget.max_tokens is not None
            own = {repr(role.name): role}
            yield ("agents", index, "budget", "max_cost_usd"), f"agent {role.name!r}", own, has_tokens
    for index, step in enumerate(spec.steps):
        if step.budget is not None and step.budget.max_cost_usd is not None:
            has_tokens = overall or step.budget.max_tokens is not None
            roles = _roles(spec, [step], loops, file)
            yield ("steps", index, "budget", "max_cost_usd"), f"step {step.name!r}", roles, has_tokens


def _roles(
    spec: LoopSpec, steps: Sequence[StepSpec], loops: Mapping[str, LoopSpec], file: str, where: str = ""
) -> dict[str, AgentRole]:
    """Return the agents that do some steps, those of the loops below included, by what to call them."""
    by_name = {role.name: role for role in spec.agents}
    found: dict[str, AgentRole] = {}
    for step in steps:
        if step.agent in by_name:
            found[repr(step.agent) + where] = by_name[step.agent]
        key = loop_key(file, step.loop) if step.loop is not None else ""
        if key in loops:
            found |= _roles(loops[key], loops[key].steps, loops, key, f" (of {key})")
    return found
