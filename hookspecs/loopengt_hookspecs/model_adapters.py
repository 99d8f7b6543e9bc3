"""Extension point: model adapters, which send one request at a time to a large language model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tools import ToolOffer

__all__ = [
    "Message",
    "Model",
    "ModelAdapter",
    "ModelRequest",
    "ModelResponse",
    "ModelSettings",
    "ToolRequest",
    "loopengt_register_model_adapters",
]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A model's wish to call a tool."""

    call_id: str
    """The model's id of the call; the tool's answer must name it."""
    name: str
    arguments: Any
    """The arguments, normally an object; text that is no JSON is given as text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    tool_requests: tuple[ToolRequest, ...] = ()
    """What an assistant's message asks for."""
    call_id: str = ""
    """Of a tool's message: the call that it answers."""
    name: str = ""
    """Of a tool's message: the tool."""
    is_error: bool = False
    """Of a tool's message: whether the call failed."""
    state: Any = None
    """Of an assistant's message: ``ModelResponse.state``."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request."""

    messages: Sequence[Message]
    """The whole conversation, oldest first."""
    tools: Sequence[ToolOffer] = ()
    """Tools that the model may ask for."""
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema that the answer has to satisfy, where the model knows such answers (``Model.native_schema``)."""
    temperature: float | None = None
    """Sampling temperature, 0 to 2; None: the model's default."""
    max_tokens: int | None = None
    """Most tokens that the answer may have; None: the model's limit."""
    tool_choice: Literal["auto", "required", "none"] = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the provider, such as ``top_p`` or ``reasoning_effort``."""
    on_text: Callable[[str], None] | None = None
    """Given: stream, and hand each piece of the answer's text over as it arrives."""


@dataclass(frozen=True, slots=True)
class ModelResponse:
    """What the model answers."""

    text: str
    tool_requests: tuple[ToolRequest, ...] = ()
    token_usage: Mapping[str, int] = field(default_factory=dict)
    """``prompt_tokens`` (cached ones included), ``completion_tokens`` (those of reasoning included), and, where they
    are told, ``cached_tokens``, ``cache_write_tokens``, ``reasoning_tokens``."""
    cost_usd: float | None = None
    """What it cost, in US dollars, where the provider says so."""
    model: str = ""
    """The model that has answered, by the provider's name."""
    finish_reason: str = ""
    """``stop``, ``length``, ``tool_call``, ``content_filter``, ``error``, or empty where nobody says."""
    response_id: str = ""
    state: Any = None
    """JSON data that the adapter wants back with this message in later requests, such as signatures of reasoning."""

    def message(self) -> Message:
        """The response as a message of the conversation."""
        return Message("assistant", self.text, self.tool_requests, state=self.state)

    def to_data(self) -> dict[str, Any]:
        """Return it as JSON data, for the journal."""
        data: dict[str, Any] = {"text": self.text}
        if self.tool_requests:
            data["tool_requests"] = [
                {"call_id": wish.call_id, "name": wish.name, "arguments": wish.arguments}
                for wish in self.tool_requests
            ]
        known = {
            "token_usage": dict(self.token_usage),
            "cost_usd": self.cost_usd,
            "model": self.model,
            "finish_reason": self.finish_reason,
            "response_id": self.response_id,
            "state": self.state,
        }
        return data | {key: value for key, value in known.items() if value not in (None, "", {})}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> ModelResponse:
        """Make it of what ``to_data`` returned."""
        wishes = tuple(ToolRequest(**wish) for wish in data.get("tool_requests", ()))
        rest = {key: value for key, value in data.items() if key not in ("text", "tool_requests")}
        return cls(data["text"], wishes, **rest)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model, and how it is reached."""

    provider: str
    """Name of the agent provider, such as ``openai`` or ``anthropic``."""
    model: str
    """The provider's name of the model."""
    base_url: str = ""
    """Where the service is; empty: the provider's own."""
    api_key: str = field(default="", repr=False)
    """The key; never to be written anywhere."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Further HTTP headers."""
    timeout_seconds: float | None = None
    """Seconds that one request may take; None: as long as its attempt."""


class Model(Protocol):
    """One model, ready for requests; many at the same time."""

    native_schema: bool
    """Whether it holds its answers to ``ModelRequest.output_schema`` itself."""

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Send one request, once: whether it is tried again is the engine's decision.

        Raises:
            RateLimited: The service takes nothing more for ``retry_after`` seconds.
            AgentError: It failed. ``kind`` says how: ``ConnectionError``, ``TimeoutError``, ``ServerError``,
                ``OverloadedError`` (these may be tried again), ``AuthenticationError``, ``ModelNotFound``,
                ``ContextWindowExceeded``, ``RequestRejected``, ``QuotaExceeded``, ``InvalidResponse``.
        """

    async def close(self) -> None:
        """Let its connections go."""


class ModelAdapter(Protocol):
    """Makes models."""

    def missing(self, provider: str) -> list[MissingRequirement]:
        """Return what this machine lacks for a provider; each names the command that mends it. It imports little."""

    def model(self, settings: ModelSettings) -> Model:
        """Make a model.

        Raises:
            MissingRequirement: A package that it needs is not installed.
        """


@hookspec
def loopengt_register_model_adapters(register: Register[ModelAdapter]) -> None:
    """Register model adapters.

    Called once when the plugin is loaded. The agent providers for large language models use the one that
    ``[plugins.llm] adapter`` of config.toml names.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``ModelAdapter``.

    Raises:
        PluginError: Another plugin registers an adapter of the same name.

    Since: 0.2
    """
