"""Asks the person at the terminal what a server wants to know."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from loopengt_hookspecs.calls import PersonAnswer

if TYPE_CHECKING:
    from loopengt_hookspecs.calls import PersonQuestion
    from loopengt_mcp.client.exchange import Ask

__all__ = ["person"]


def person() -> Ask | None:
    """Return what asks the person at the terminal; None: nobody is there."""
    return _ask if sys.stdin.isatty() else None


async def _ask(question: PersonQuestion) -> PersonAnswer:
    click.echo(question.text, err=True)
    if question.choices:
        choice = click.prompt("Answer", type=click.Choice(question.choices), err=True)
        return PersonAnswer(choice)
    if question.schema is not None:
        click.echo(json.dumps(question.schema.get("properties", {}), indent=2), err=True)
    text = click.prompt("JSON object (empty: decline)", default="", show_default=False, err=True)
    return PersonAnswer(text, declined=not text.strip())
