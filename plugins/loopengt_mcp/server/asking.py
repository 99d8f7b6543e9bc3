"""Asks the person at the client whether a loop may be run, and finds out who the client is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit
from pydantic import BaseModel, Field

from loopengt.display import one_line, visible
from loopengt.errors import UsageError

if TYPE_CHECKING:
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.loops import Found

__all__ = ["Consent", "can_ask", "check_consent", "client_name", "consent_or_question"]

_MOST = 20
"""Lines of what a loop executes that are shown."""


class Consent(BaseModel):
    """What the person says."""

    allow: bool = Field(title="Allow", description="Let this loop execute what is listed, now and later.")


def can_ask(ctx: Context) -> bool:
    """Whether the client can put a form before its person."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    # A client that names no mode means forms.
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def client_name(ctx: Context) -> str:
    """Return what the client calls itself, for the journal."""
    params = ctx.session.client_params
    return one_line(params.client_info.name, 60) if params is not None else "an MCP client"


def consent_or_question(ctx: Context, desk: Desk, found: Found | None) -> Consent | Elicit[Consent]:
    """Return consent where none is needed, else the question to the person.

    Raises:
        UsageError: The project lets clients run nothing, or consent is needed and the client cannot ask for it.
    """
    desk.consents.check_may_run()
    lines = desk.consents.needed(found) if found is not None else []
    if found is None or not lines:
        return Consent(allow=True)
    if can_ask(ctx):
        return Elicit(_question(found, lines), Consent)
    if found.source is None:
        remedy = (
            "Write it into the project with create_loop, and ask the person to look at it and to type: "
            "loopengt mcp allow FILE"
        )
    else:
        remedy = f"Ask the person to look at it, and to type: loopengt mcp allow {found.loop}"
    raise UsageError(
        f"{_what(found)} needs a person's consent, since it was written by a client and executes:\n{_listed(lines)}",
        remedy=remedy,
    )


def check_consent(desk: Desk, found: Found | None, consent: ElicitationResult[Consent]) -> None:
    """Keep the person's consent, or refuse.

    Raises:
        UsageError: There is none.
    """
    if found is None:
        return
    if isinstance(consent, AcceptedElicitation) and consent.data.allow:
        if desk.consents.needed(found):
            desk.consents.allow(found.loaded)
        return
    raise UsageError(
        f"the person did not allow {_what(found)}; nothing was run",
        remedy="Ask the person what to change, and write the loop anew.",
    )


def _question(found: Found, lines: list[str]) -> str:
    name = one_line(found.loaded.spec.name)
    return f"{_what(found)} ({name}) was written by a client and executes on this machine:\n{_listed(lines)}\nAllow it?"


def _what(found: Found) -> str:
    return f"the loop {found.loop}" if found.source is not None else "the given loop"


def _listed(lines: list[str]) -> str:
    shown = [f"- {visible(line)}" for line in lines[:_MOST]]
    return "\n".join([*shown, f"- and {len(lines) - _MOST} more"] if len(lines) > _MOST else shown)
