"""The tools that list, write and check loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context
from pydantic import Field

from loopengt.errors import LoopengtError, SpecError, UsageError
from loopengt.templates import find_template, find_templates
from loopengt_hookspecs.mcp_features import McpTool
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.executing import executes
from loopengt_mcp.server.loops import Found, loop_uri
from loopengt_mcp.server.models import (
    LoopList,
    LoopWritten,
    SpecProblem,
    TemplateInfo,
    TemplateList,
    Validation,
)
from loopengt_mcp.server.paths import shown
from loopengt_mcp.server.wording import in_tools
from loopengt_mcp.server.writing import target_of, write_loop

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt import Kernel
    from loopengt_hookspecs.mcp_features import McpFeature

__all__ = ["LoopFeatures", "templates_of"]

_MOST_PROBLEMS = 100
_EXAMPLE = """\
name: fix-tests
goal: Every test passes.
pattern: repeat
agents:
  - name: worker
    config: {provider: auto}
steps:
  - name: work
    agent: worker
    prompt_template: "{goal} What failed in the last lap: {feedback}"
    verification_gates: [tests]
policy:
  max_turns: 8
  max_total_time_seconds: 3600
  verification_gates:
    - {name: tests, kind: command, command: [pytest, -q]}
"""


async def list_loops(ctx: Context) -> LoopList:
    """List the loops of the project."""
    return LoopList(loops=list(desk_of(ctx).loops.known()))


async def list_templates(ctx: Context) -> TemplateList:
    """List the templates."""
    return templates_of(desk_of(ctx).kernel)


async def validate_loop(
    ctx: Context,
    loop: Annotated[str, Field(description="The loop: its path in the project, or its name.")] = "",
    spec: Annotated[str, Field(description="In place of `loop`: the text of one, YAML or JSON.")] = "",
) -> Validation:
    """Say what is wrong with a loop."""
    desk = desk_of(ctx)
    try:
        found = desk.loops.load(loop or None, spec or None)
    except SpecError as error:
        problems = [
            SpecProblem(
                file=each.file,
                line=each.line,
                column=each.column,
                message=each.message,
                hint=in_tools(each.hint),
            )
            for each in error.problems[:_MOST_PROBLEMS]
        ]
        return Validation(valid=False, problems=problems, next="Mend the problems, and validate again.")
    refused = desk.loops.problems(found)
    needed = desk.consents.needed(found)
    return Validation(
        valid=not refused,
        name=found.loaded.spec.name,
        problems=refused[:_MOST_PROBLEMS],
        executes=executes(found.loaded),
        needs_consent=bool(needed),
        next="Mend the problems, and validate again." if refused else "It is sound: run_loop runs it.",
    )


async def create_loop(
    ctx: Context,
    spec: Annotated[str, Field(description="The text of the loop, YAML or JSON.")] = "",
    template: Annotated[str, Field(description="In place of `spec`: a template of list_templates.")] = "",
    variables: Annotated[
        dict[str, Any] | None, Field(description="Values of the template's variables, by name.")
    ] = None,
    path: Annotated[
        str, Field(description="Where to write it in the project; empty: loops/, by the loop's name.")
    ] = "",
    overwrite: Annotated[
        bool, Field(description="Replace a loop that is there; only when the person wants it.")
    ] = False,
) -> LoopWritten:
    """Write a loop into the project."""
    desk = desk_of(ctx)
    kernel, loops = desk.kernel, desk.loops
    if bool(spec) == bool(template):
        raise UsageError("give either `spec`, the text of a loop, or `template`, the name of one")
    files = {"loop.yaml": spec} if spec else find_template(kernel, template).open().fill(variables or {})
    target = target_of(
        kernel.project, path, loops.name_of(files["loop.yaml"]) or template, folder=len(files) > 1
    )
    # Only what a template holds that no client has filled in is as good as what a person has written.
    loaded, written = write_loop(
        loops, kernel.project, target, files, overwrite=overwrite, before=desk.consents.written
    )
    loop = shown(kernel.project, target)
    desk.news.of_loops(loop_uri(loop))
    needed = desk.consents.needed(Found(loaded, files["loop.yaml"], target, loop))
    asks = (
        " The person is asked for consent first, since it executes what `executes` lists." if needed else ""
    )
    return LoopWritten(
        loop=loop,
        name=loaded.spec.name,
        uri=loop_uri(loop),
        files=[shown(kernel.project, each) for each in written],
        executes=executes(loaded),
        needs_consent=bool(needed),
        next=f"Call run_loop with loop={loop!r}.{asks}",
    )


def templates_of(kernel: Kernel) -> TemplateList:
    """Return the templates of all sources; one that cannot be read says so in its summary."""
    found = []
    for each in find_templates(kernel):
        variables: list[dict[str, Any]] = []
        try:
            for name, variable in each.open().about.variables.items():
                given = variable.model_dump(mode="json", exclude_defaults=True)
                variables.append({"name": name, "required": variable.required, **given})
        except LoopengtError:
            pass  # its summary says why
        found.append(TemplateInfo(name=each.name, summary=each.summary, variables=variables))
    return TemplateList(templates=found)


class LoopFeatures:
    """Lists, writes and checks loops."""

    def features(self) -> Iterable[McpFeature]:
        """Return the tools."""
        yield McpTool(
            "list_loops",
            "List the loops of this project, each with the path that run_loop takes.",
            list_loops,
            title="List loops",
            read_only=True,
        )
        yield McpTool(
            "list_templates",
            "List the templates that create_loop makes loops from, each with its variables. Look here before you write "
            "a loop from nothing.",
            list_templates,
            title="List templates",
            read_only=True,
        )
        yield McpTool(
            "validate_loop",
            "Say all that is wrong with a loop, each problem with file, line, column and a hint, and what it would "
            "execute. Changes nothing. Call it before create_loop and after every change.",
            validate_loop,
            title="Check a loop",
            read_only=True,
        )
        yield McpTool(
            "create_loop",
            "Write a loop into the project, from its text or from a template with variables. It is validated first, "
            "and nothing is written when it has problems. Refuses to replace a file, unless overwrite is true. Then "
            f"call run_loop. The text of a small loop:\n{_EXAMPLE}",
            create_loop,
            title="Write a loop",
            destructive=True,
        )
