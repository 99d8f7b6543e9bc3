"""Makes the MCP server of a project, from what plugins register for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from mcp.server.subscriptions import InMemorySubscriptionBus

from loopengt import __version__
from loopengt_mcp.server.completing import completing
from loopengt_mcp.server.desk import Desk, seating
from loopengt_mcp.server.features import Features
from loopengt_mcp.server.naming import NamingServer
from loopengt_mcp.server.run_tasks import tasks_of_runs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server import MCPServer
    from mcp.server.extension import Extension

    from loopengt import Kernel
    from loopengt_mcp.options import McpOptions

__all__ = ["MakeExtension", "make_desk_and_server", "make_server"]

MakeExtension: TypeAlias = "Callable[[Desk], Extension]"
"""Makes an extension of the protocol for a server, given what its tools share."""

INSTRUCTIONS = """\
loopengt runs agent loops: steps done by agents (coding CLIs, models, commands, people), checked by gates that the \
engine runs itself, within budgets, and journaled, so that a run can pause and be resumed by any process.

How to work with it:
1. list_loops and list_templates show what there is. create_loop writes a new loop from a template or from YAML; \
validate_loop says what is wrong with one, with line and column.
2. run_loop starts a run and answers at once with its run_id. Runs outlast calls: use wait_run to wait up to 50 \
seconds at a time, or run_status to look. Every answer says in `next` what to call next.
3. When a run asks something (`questions`), show it to the person and give the person's decision to approve. Never \
decide for the person. What stands in `tasks` is left to you instead: next_task hands it over, submit_task takes what \
you have made of it.
4. inspect_trace shows what a run did, evaluate_run its figures; resume_loop, stop_run and fork_run do what they say."""


def make_server(
    kernel: Kernel, options: McpOptions, *, extensions: Sequence[MakeExtension] = (tasks_of_runs,)
) -> MCPServer[Desk]:
    """Make the server; it begins to work when a transport runs it, and pauses its runs when the last one leaves.

    Args:
        kernel: The project.
        options: What clients may do.
        extensions: Extensions of the protocol; by default, that runs are tasks.

    Raises:
        PluginError: A plugin's features cannot be offered.
    """
    return make_desk_and_server(kernel, options, extensions=extensions)[1]


def make_desk_and_server(
    kernel: Kernel, options: McpOptions, *, extensions: Sequence[MakeExtension] = (tasks_of_runs,)
) -> tuple[Desk, MCPServer[Desk]]:
    """Do as ``make_server``, and return what the server's tools share, too: whoever runs it may have to close that."""
    bus = InMemorySubscriptionBus()
    desk = Desk(kernel, options, bus)
    features = Features(kernel)

    @asynccontextmanager
    async def lifespan(_: MCPServer[Desk]) -> AsyncIterator[Desk]:
        async with desk.open():
            yield desk

    server = NamingServer(
        "loopengt",
        title="loopengt",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="ERROR",
        tools=features.tools,
        lifespan=lifespan,
        subscriptions=bus,
        middleware=[seating(desk)],
        extensions=[make(desk) for make in extensions],
    )
    features.add_to(server)
    complete = server.completion()  # type: ignore[no-untyped-call]  # the SDK has not annotated it
    complete(completing(desk))
    return desk, server
