"""The options of the plugin, ``[plugins.llm]`` in config.toml, and those of its agents in a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from loopengt_llm.services import ServiceName

__all__ = ["AgentOptions", "KeySource", "LLMOptions", "ServiceDefaults", "check_url"]

_LITERAL = (
    "a key is never written down: say api_key: {env: NAME} for an environment variable, "
    "or api_key: {file: PATH} for a file"
)
_KEY_NAMES = frozenset(
    {"accesstoken", "apikey", "authorization", "bearertoken", "proxyauthorization", "xapikey", "xgoogapikey"}
)


def check_url(url: str) -> str:
    """Return an address that a key may be sent to.

    Raises:
        ValueError: It is none.
    """
    # The messages do not repeat the address: it may hold a password.
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("base_url is not an address: write it like https://host/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http:// or https:// address with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("base_url holds a user name or password: take it out, and name the key by api_key")
    if parts.query or parts.fragment:
        raise ValueError("base_url must end with its path: no query (?) and no fragment (#)")
    return url


def _check_settings(settings: dict[str, Any]) -> dict[str, Any]:
    for path, key in _keys(settings, ()):
        if key.lower().replace("-", "").replace("_", "") in _KEY_NAMES:
            raise ValueError(
                f"settings.{'.'.join(path)} is the place of a key, which is never written down: "
                "use api_key or headers_env"
            )
    return settings


def _keys(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*path, str(key)), str(key)
            yield from _keys(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _keys(inner, (*path, str(index)))


def _refuse_literal(value: Any) -> Any:
    if not isinstance(value, Mapping | KeySource):
        raise ValueError(_LITERAL)
    return value


Url: TypeAlias = Annotated[str, AfterValidator(check_url)]
"""The address of a service, without credentials."""
VariableName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""What an environment variable may be called."""
HeaderName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
"""What an HTTP header may be called."""
Settings: TypeAlias = Annotated[dict[str, Any], AfterValidator(_check_settings)]
"""Settings that the service understands."""


class _Options(BaseModel):
    # What is wrong may be a key that somebody has pasted: no error repeats its input.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KeySource(_Options):
    """Where a key is: in an environment variable, or in a file."""

    env: VariableName | None = Field(default=None, description="Name of an environment variable.")
    file: str | None = Field(
        default=None,
        min_length=1,
        description="Path of a file that holds the key alone, relative to the project; ~ is the home folder.",
    )

    @model_validator(mode="after")
    def _one_place(self) -> KeySource:
        if (self.env is None) == (self.file is None):
            raise ValueError("name one place of the key: either env or file")
        return self


class AgentOptions(_Options):
    """How an agent asks its model: ``config.extra`` of an agent."""

    base_url: Url | None = Field(
        default=None, description="Where the service is, such as http://localhost:8000/v1.", min_length=1
    )
    api_key: Annotated[KeySource, BeforeValidator(_refuse_literal)] | None = Field(
        default=None, description="Where the key is; never the key itself."
    )
    api_key_env: VariableName | None = Field(
        default=None, description="Environment variable that holds the key: short for api_key: {env: NAME}."
    )
    headers_env: dict[HeaderName, VariableName] = Field(
        default_factory=dict,
        description="Further HTTP headers, each with the environment variable that holds its value.",
    )
    settings: Settings = Field(
        default_factory=dict,
        description="Settings for the service, such as top_p, seed or reasoning_effort, handed over as they are.",
        examples=[{"top_p": 0.9, "seed": 7}],
    )
    stream: bool = Field(
        default=True, description="Whether answers are shown while they are written, to those who watch."
    )
    max_requests: int = Field(
        default=50, ge=1, description="Most requests to the model in one attempt; more are an error."
    )
    max_output_corrections: int = Field(
        default=2,
        ge=0,
        description="How often an answer that does not fit the output_schema is sent back within an attempt.",
    )
    output_mode: Literal["auto", "native", "tool", "prompt"] = Field(
        default="auto",
        description="How an answer that fits the agent's output_schema is asked for. native: the service holds the "
        "model to the schema; tool: the answer is the input of a tool; prompt: the schema is a part of the system "
        "prompt; auto: native where the model knows it, else tool.",
    )
    cost: Literal["free", "unknown"] | None = Field(
        default=None,
        description="free: calls cost nothing, as of a server of one's own; unknown: they may cost, also with "
        "ollama, which is free by default.",
    )

    @model_validator(mode="after")
    def _one_key(self) -> AgentOptions:
        if self.api_key is not None and self.api_key_env is not None:
            raise ValueError("api_key and api_key_env both name a key: keep one")
        return self

    @property
    def key(self) -> KeySource | None:
        """Where the key is, if the spec says so."""
        return KeySource(env=self.api_key_env) if self.api_key_env else self.api_key


class ServiceDefaults(_Options):
    """What agents of a provider get whose spec does not say: ``[plugins.llm.providers.NAME]``."""

    base_url: Url | None = Field(default=None, min_length=1, description="Where the service is.")
    model: str = Field(default="", description="The model of agents that name none.")
    api_key_env: VariableName | None = Field(
        default=None, description="Environment variable that holds the key."
    )
    api_key_file: str | None = Field(
        default=None, min_length=1, description="File that holds the key alone, relative to the project."
    )
    headers_env: dict[HeaderName, VariableName] = Field(
        default_factory=dict,
        description="Further HTTP headers, by the environment variables of their values.",
    )
    settings: Settings = Field(
        default_factory=dict, description="Settings for the service; those of a spec come before them."
    )

    @model_validator(mode="after")
    def _one_key(self) -> ServiceDefaults:
        if self.api_key_env is not None and self.api_key_file is not None:
            raise ValueError("api_key_env and api_key_file both name a key: keep one")
        return self

    @property
    def key(self) -> KeySource | None:
        """Where the key is, if the config says so."""
        if self.api_key_env is None and self.api_key_file is None:
            return None
        return KeySource(env=self.api_key_env, file=self.api_key_file)


class LLMOptions(_Options):
    """How models are reached: ``[plugins.llm]``."""

    adapter: str = Field(default="pydantic_ai", min_length=1, description="Name of the model adapter.")
    aliases: dict[str, Annotated[str, StringConstraints(min_length=1)]] = Field(
        default_factory=dict,
        description="Names for models: what a spec's model says, and the model that is meant, with or without its "
        "provider.",
        examples=[{"fast": "openai:gpt-4o-mini", "deep": "anthropic:claude-opus-4-1"}],
    )
    providers: dict[ServiceName, ServiceDefaults] = Field(
        default_factory=dict, description="Defaults by provider."
    )
