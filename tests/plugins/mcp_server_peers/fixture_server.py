"""Serves what the conformance suite asks for by name, from the parts of the real server and behind the same door."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from fixture_asking import add_asking
from fixture_content import add_content
from fixture_tasks import NAMES, REQUIRED, add_tasks

from loopengt import Kernel
from loopengt_mcp.options import McpOptions
from loopengt_mcp.server.app import make_desk_and_server
from loopengt_mcp.server.http import bind, http_app
from loopengt_mcp.server.run_tasks import tasks_of_runs
from loopengt_mcp.server.serving import serve_http

if TYPE_CHECKING:
    from loopengt_mcp.server.desk import Desk
    from loopengt_mcp.server.tasks import Tasks


def tasks(desk: Desk) -> Tasks:
    """Make runs tasks, those of the fixture's tools too."""
    return tasks_of_runs(desk, tools=NAMES, required=REQUIRED, poll_ms=200)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("--transport", choices=["streamable-http"])
    parser.add_argument("--port", type=int)
    parser.add_argument("--token")
    given = parser.parse_args()
    desk, server = make_desk_and_server(Kernel(given.project), McpOptions(), extensions=[tasks])
    add_content(server)
    add_asking(server)
    add_tasks(server)
    host = "127.0.0.1"
    app = http_app(server, host=host, token=given.token)
    asyncio.run(serve_http(app, bind(host, given.port), desk))


if __name__ == "__main__":
    main()
