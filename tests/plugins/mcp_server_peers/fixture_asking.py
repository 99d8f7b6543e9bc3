"""What the conformance suite wants a server to ask its client: forms, models, folders; and to log."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any, Literal

from mcp import MCPError
from mcp.server.mcpserver import Context, UserMessage
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmptyResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from mcp.server import MCPServer

warnings.filterwarnings(
    "ignore", message=".*deprecated as of 2026-07-28"
)  # the older revision has them still


def add_asking(server: MCPServer[Any]) -> None:
    """Add the tools and the prompt that ask something, and what clients of the older revision subscribe to."""
    for name, tool in _TOOLS.items():
        server.add_tool(tool, name=f"test_{name}", description=tool.__doc__)
    prompt = Prompt.from_function(
        asking_prompt, name="test_input_required_result_prompt", description=asking_prompt.__doc__
    )
    server.add_prompt(prompt)
    low = server._lowlevel_server  # the older revision's methods have no public way in

    async def nothing(ctx: Any, params: Any) -> EmptyResult:
        return EmptyResult()

    low.add_request_handler("logging/setLevel", SetLevelRequestParams, nothing)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, nothing)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, nothing)


# -- while the call is open: the older revisions -------------------------------------------------------------------


class User(BaseModel):
    """Who somebody is."""

    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    """A form with a default for each kind of value."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(*words: str) -> list[dict[str, str]]:
    return [{"const": word, "title": word.capitalize()} for word in words]


class Choices(BaseModel):
    """A form with each kind of choice, under the suite's names."""

    untitledSingle: Literal["option1", "option2", "option3"]  # noqa: N815
    titledSingle: str = Field(json_schema_extra={"oneOf": _titled("value1", "value2", "value3")})  # noqa: N815
    legacyEnum: str = Field(  # noqa: N815
        json_schema_extra={"enum": ["opt1", "opt2", "opt3"], "enumNames": ["One", "Two", "Three"]}
    )
    untitledMulti: list[Literal["option1", "option2", "option3"]]  # noqa: N815
    titledMulti: list[str] = Field(  # noqa: N815
        json_schema_extra={"items": {"anyOf": _titled("value1", "value2", "value3")}}  # type: ignore[dict-item]
    )


async def logging(ctx: Context) -> str:
    """Log three times."""
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(said)
        await asyncio.sleep(0.05)
    return "logged"


async def sampling(prompt: str, ctx: Context) -> str:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=TextContent(text=prompt))
    answer = await ctx.session.create_message([message], max_tokens=100, related_request_id=ctx.request_id)
    return f"LLM response: {_text(answer)}"


async def elicitation(message: str, ctx: Context) -> str:
    """Ask a person who they are."""
    return await _ask(ctx, message, User)


async def elicitation_defaults(ctx: Context) -> str:
    """Ask a person with a form that is filled in."""
    return await _ask(ctx, "Please look at these", Defaults)


async def elicitation_enums(ctx: Context) -> str:
    """Ask a person to choose."""
    return await _ask(ctx, "Please choose", Choices)


async def reconnection(ctx: Context) -> str:
    """Close the stream in the midst of a call."""
    await ctx.close_sse_stream()
    await asyncio.sleep(0.2)
    return "reconnected"


async def missing_capability(ctx: Context) -> str:
    """Work only for clients that have a model."""
    capabilities = ctx.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(code=MISSING_REQUIRED_CLIENT_CAPABILITY, message="a model is needed", data=data)
    return "there is a model"


async def _ask(ctx: Context, message: str, schema: type[BaseModel]) -> str:
    answer = await ctx.elicit(message, schema)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"User response: action={answer.action}, content={content}"


# -- by returning the question: 2026-07-28 -------------------------------------------------------------------------


def form(message: str, **members: str) -> ElicitRequest:
    """Ask for members of the given JSON types."""
    properties = {name: {"type": kind} for name, kind in members.items()}
    schema = {"type": "object", "properties": properties, "required": list(members)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def _model(text: str, max_tokens: int) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(text=text))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


def filled(ctx: Context, key: str, member: str) -> str | None:
    """Return what was filled in; None: nothing."""
    answer = (ctx.input_responses or {}).get(key)
    if not isinstance(answer, ElicitResult) or not answer.content or member not in answer.content:
        return None
    return str(answer.content[member])


def _text(answer: Any) -> str:
    known = isinstance(answer, CreateMessageResult) and isinstance(answer.content, TextContent)
    return answer.content.text if known else "nothing"


async def ask_name(ctx: Context) -> str | InputRequiredResult:
    """Ask for a name."""
    name = filled(ctx, "user_name", "name")
    if name is not None:
        return f"Hello, {name}!"
    return InputRequiredResult(input_requests={"user_name": form("What is your name?", name="string")})


async def ask_model(ctx: Context) -> str | InputRequiredResult:
    """Ask the client's model."""
    answer = (ctx.input_responses or {}).get("capital_question")
    if answer is not None:
        return f"The model says: {_text(answer)}"
    return InputRequiredResult(
        input_requests={"capital_question": _model("What is the capital of France?", 100)}
    )


async def ask_folders(ctx: Context) -> str | InputRequiredResult:
    """Ask for the client's folders."""
    answer = (ctx.input_responses or {}).get("client_roots")
    if isinstance(answer, ListRootsResult):
        return f"Folders: {', '.join(str(root.uri) for root in answer.roots)}"
    return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})


async def ask_with_state(ctx: Context) -> str | InputRequiredResult:
    """Ask, and find in the state what was known before."""
    if filled(ctx, "confirm", "ok") is not None and ctx.request_state == "asked":
        return "state-ok"
    return InputRequiredResult(
        input_requests={"confirm": form("Please confirm", ok="boolean")}, request_state="asked"
    )


async def ask_for_all(ctx: Context) -> str | InputRequiredResult:
    """Ask a person, a model and for folders at once."""
    wanted: dict[str, InputRequest] = {
        "user_name": form("What is your name?", name="string"),
        "greeting": _model("Generate a greeting", 50),
        "client_roots": ListRootsRequest(),
    }
    if wanted.keys() <= (ctx.input_responses or {}).keys():
        return "All is answered."
    return InputRequiredResult(input_requests=wanted, request_state="asked for all")


async def ask_twice(ctx: Context) -> str | InputRequiredResult:
    """Ask for a name, then for a colour."""
    name, color = filled(ctx, "step1", "name"), filled(ctx, "step2", "color")
    known = (ctx.request_state or "").removeprefix("name=")
    if known and color is not None:
        return f"{known} likes {color}."
    if name is not None:
        asked = form("Step 2: What is your favorite color?", color="string")
        return InputRequiredResult(input_requests={"step2": asked}, request_state=f"name={name}")
    asked = form("Step 1: What is your name?", name="string")
    return InputRequiredResult(input_requests={"step1": asked}, request_state="begun")


async def ask_what_is_there(ctx: Context) -> InputRequiredResult:
    """Ask only what the client can answer."""
    capabilities = ctx.client_capabilities
    wanted: dict[str, InputRequest] = {}
    if capabilities is not None and capabilities.sampling is not None:
        wanted["model"] = _model("Say hello", 50)
    if capabilities is not None and capabilities.elicitation is not None:
        wanted["person"] = form("What is your name?", name="string")
    return InputRequiredResult(input_requests=wanted, request_state="asked")


async def asking_prompt(ctx: Context) -> list[UserMessage] | InputRequiredResult:
    """A prompt that asks for something first."""
    context = filled(ctx, "user_context", "context")
    if context is not None:
        return [UserMessage(f"Use the following context: {context}")]
    asked = form("What context should the prompt use?", context="string")
    return InputRequiredResult(input_requests={"user_context": asked})


_TOOLS: dict[str, Any] = {
    "tool_with_logging": logging,
    "sampling": sampling,
    "elicitation": elicitation,
    "elicitation_sep1034_defaults": elicitation_defaults,
    "elicitation_sep1330_enums": elicitation_enums,
    "reconnection": reconnection,
    "missing_capability": missing_capability,
    "input_required_result_elicitation": ask_name,
    "input_required_result_sampling": ask_model,
    "input_required_result_list_roots": ask_folders,
    "input_required_result_request_state": ask_with_state,
    "input_required_result_tampered_state": ask_with_state,
    "input_required_result_multiple_inputs": ask_for_all,
    "input_required_result_multi_round": ask_twice,
    "input_required_result_capabilities": ask_what_is_there,
}
