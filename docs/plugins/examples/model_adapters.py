"""A model adapter: a model that repeats what it was told last, to try loops without a key."""

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.agents import AgentError, MissingRequirement
from loopengt_hookspecs.model_adapters import ModelAdapter, ModelRequest, ModelResponse, ModelSettings
from loopengt_hookspecs.registration import Register


class Parrot:
    native_schema = False

    def __init__(self, name: str) -> None:
        self._name = name

    async def request(self, request: ModelRequest) -> ModelResponse:
        said = [message.text for message in request.messages if message.role in ("user", "tool")]
        if not said:
            raise AgentError("there is nothing to repeat", kind="RequestRejected")
        words = said[-1].split()[: request.max_tokens]
        text = " ".join(words)
        if request.on_text:
            request.on_text(text)
        usage = {"prompt_tokens": sum(map(len, map(str.split, said))), "completion_tokens": len(words)}
        return ModelResponse(text, token_usage=usage, cost_usd=0.0, model=self._name, finish_reason="stop")

    async def close(self) -> None:
        """Nothing is open."""


class Parrots:
    def missing(self, provider: str) -> list[MissingRequirement]:
        return []

    def model(self, settings: ModelSettings) -> Parrot:
        return Parrot(settings.model)


@hookimpl
def loopengt_register_model_adapters(register: Register[ModelAdapter]) -> None:
    register("parrot", Parrots, summary="Repeats what it was told")
