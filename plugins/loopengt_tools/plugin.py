"""Registers the built-in tools, and the tool types ``builtin`` and ``function``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tools import Tool, ToolType


@hookimpl
def loopengt_register_tool_types(register: Register[ToolType]) -> None:
    """Register the types ``builtin`` and ``function``."""
    register("builtin", "loopengt_tools.builtin:BuiltinTools", summary="Tools that plugins bring along")
    register(
        "function",
        "loopengt_tools.function:FunctionTools",
        summary="Python functions of the project or of an installed package",
    )


@hookimpl
def loopengt_register_tools(register: Register[Tool]) -> None:
    """Register the tools that work on the files of the workspace, and the one that runs programs in it."""
    for name, target, summary in (
        ("read_file", "ReadFile", "Reads lines of a text file"),
        ("write_file", "WriteFile", "Writes a text file whole"),
        ("edit_file", "EditFile", "Replaces an exact text in a file"),
        ("list_files", "ListFiles", "Lists files and folders"),
        ("search_text", "SearchText", "Searches files for a text or a regular expression"),
        ("run_command", "RunCommand", "Runs a program that the spec allows"),
    ):
        register(name, f"loopengt_tools.{name}:{target}", summary=summary)
