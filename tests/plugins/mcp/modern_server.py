"""A server of the present generation on its standard streams, which asks before it does something."""

from __future__ import annotations

import asyncio
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from pydantic import BaseModel

server = MCPServer("modern", version="1", log_level="CRITICAL")


class Colour(BaseModel):
    """What the person is asked for."""

    colour: str


async def which(wall: str) -> Elicit[Colour]:
    """Ask for the colour."""
    return Elicit(f"Which colour for the {wall}?", Colour)


@server.tool()
async def paint(wall: str, answer: Annotated[ElicitationResult[Colour], Resolve(which)]) -> str:
    """Paint a wall."""
    match answer:
        case AcceptedElicitation(data=Colour(colour=colour)):
            return f"{wall}: {colour}"
        case _:
            return f"{wall}: as it was"


@server.tool()
async def grow(ctx: Context) -> str:
    """Have one more tool from now on."""

    async def born() -> str:
        """Be new."""
        return "new"

    server.add_tool(born)
    await ctx.notify_tools_changed()
    await asyncio.sleep(0)
    return "grown"


if __name__ == "__main__":
    server.run()
