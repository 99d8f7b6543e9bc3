"""The suite that every model adapter passes; its author subclasses it in a test module.

::

    from loopengt.testing import ModelAdapterContract

    class TestMine(ModelAdapterContract):
        provider = "my-service"

        def make(self, folder):
            return Mine()
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import (
    Contract,
    caught_async,
    guarded,
    quick,
    require,
    requirements,
    rule,
    skip,
    still,
)
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.data import fault_in
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse, ModelSettings
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.model_adapters import Model, ModelAdapter

__all__ = ["ModelAdapterContract"]

KEY = "sk-a-key-that-nobody-may-see-0123456789"
FINISHES = ("", "stop", "length", "tool_call", "content_filter", "error")


class ModelAdapterContract(Contract):
    """Every rule of ``loopengt_hookspecs.model_adapters`` as a test; override ``make(self, folder)``."""

    provider: ClassVar[str] = "openai"
    """The agent provider for which models are made."""
    model: ClassVar[str] = "model-under-test"
    dead_url: ClassVar[str] = "http://127.0.0.1:1/v1"
    """Where no service is."""
    connects: ClassVar[bool] = True
    """Whether its models reach for a service, and so fail at ``dead_url``."""

    def base_url(self) -> str:
        """Return the address of a service that answers, such as a ``FakeOpenAI``; empty: the adapter needs none."""
        return ""

    @rule
    def test_missing_is_said_at_once(self, adapter: ModelAdapter, folder: Path) -> None:
        """``missing`` is quick, touches nothing, and returns a list, also for a provider that it does not know."""
        with still("missing()", folder), quick("missing()"), guarded("missing()"):
            found = [adapter.missing(self.provider), adapter.missing("nobody-has-this-provider")]
        for one in found:
            requirements(one, "missing()")

    @rule
    async def test_a_request_is_answered(self, adapter: ModelAdapter, folder: Path) -> None:
        """A response has text, tokens as counts by kind, a known ``finish_reason``, and survives the journal."""
        model = self._model(adapter)
        response = await _answered(model, _request())
        await model.close()
        usage = response.token_usage
        counts = all(
            isinstance(kind, str) and type(count) is int and count >= 0 for kind, count in usage.items()
        )
        require(
            isinstance(response.text, str) and counts,
            f"it answered {response!r:.300}",
            "Give text and counts.",
        )
        known = response.finish_reason in FINISHES
        require(
            known, f"finish_reason is {response.finish_reason!r}", f"Say one of {FINISHES[1:]}, or nothing."
        )
        fault = fault_in(response.to_data(), "the response")
        require(not fault, fault, "Put JSON data into it.")
        again = ModelResponse.from_data(response.to_data())
        require(again.text == response.text, "the response changes in the journal", "Put JSON data into it.")

    @rule
    async def test_a_conversation_with_tools_is_taken(self, adapter: ModelAdapter, folder: Path) -> None:
        """Tools, an assistant's wish and a tool's answer are sent without an error."""
        from loopengt_hookspecs.model_adapters import ToolRequest

        wish = ToolRequest("call-1", "search", {"query": "x"})
        messages = (
            Message("system", "Be brief."),
            Message("user", "Find x."),
            Message("assistant", "", (wish,)),
            Message("tool", "found", call_id="call-1", name="search"),
            Message("user", "Thanks."),
        )
        schema = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
        offer = ToolOffer("search", "Searches", schema)
        model = self._model(adapter)
        await _answered(model, ModelRequest(messages, (offer,)))
        await model.close()

    @rule
    async def test_text_is_streamed(self, adapter: ModelAdapter, folder: Path) -> None:
        """With ``on_text`` the pieces of text that are handed over are together the response's text."""
        pieces: list[str] = []
        model = self._model(adapter)
        response = await _answered(
            model, ModelRequest((Message("user", "Say hello."),), on_text=pieces.append)
        )
        await model.close()
        said = "".join(pieces)
        require(
            said == response.text,
            f"it streamed {said!r}, and answered {response.text!r}",
            "Hand over each piece.",
        )

    @rule
    async def test_requests_may_run_at_once(self, adapter: ModelAdapter, folder: Path) -> None:
        """Several requests at the same time are all answered, and a request stays as it is."""
        model, request = self._model(adapter), _request()
        before = copy.deepcopy(request.messages)
        responses = await asyncio.gather(*(_answered(model, request) for _ in range(3)))
        await model.close()
        require(len({id(one) for one in responses}) == 3, "requests share a response", "Make one for each.")
        require(request.messages == before, "a request was changed", "Copy what you change.")

    @rule
    async def test_closing_twice_is_closing_once(self, adapter: ModelAdapter, folder: Path) -> None:
        """``close`` may be called again, and before any request; it raises nothing."""
        model = self._model(adapter)
        with guarded("close() twice"):
            await model.close()
            await model.close()

    @rule
    def test_it_says_whether_schemas_are_native(self, adapter: ModelAdapter, folder: Path) -> None:
        """``native_schema`` of a model is a bool."""
        value = self._model(adapter).native_schema
        require(isinstance(value, bool), f"native_schema is {value!r}", "Make it True or False.")

    @rule
    async def test_failures_are_agent_errors_without_the_key(
        self, adapter: ModelAdapter, folder: Path
    ) -> None:
        """A service that is not there is an ``AgentError`` with a kind, and the key stands in no text."""
        if not self.connects:
            skip("connects is False")
        model = self._model(adapter, self.dead_url)
        raised = await caught_async(model.request(_request()))
        await model.close()
        said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
        require(
            isinstance(raised, AgentError),
            f"it raised {said}",
            'Raise AgentError(…, kind="ConnectionError").',
        )
        shown = f"{raised} {raised!r} {model!r}"
        require(KEY not in shown, "the key stands in the error or the model's repr", "Leave it out.")

    @rule
    async def test_it_is_cancelled_in_time(self, adapter: ModelAdapter, folder: Path) -> None:
        """Cancelled, a request ends within seconds and leaves nothing behind."""
        model = self._model(adapter)

        async def go() -> None:
            try:
                await model.request(_request())
            finally:
                await model.close()

        await cancelled_in_time(go(), "the request")

    # Inside

    def _model(self, adapter: ModelAdapter, url: str | None = None) -> Model:
        base = self.base_url() if url is None else url
        settings = ModelSettings(self.provider, self.model, base_url=base, api_key=KEY, timeout_seconds=20)
        try:
            with guarded("model()", MissingRequirement):
                return adapter.model(settings)
        except MissingRequirement as exc:
            skip(f"it needs something first: {exc}")
            raise


def _request() -> ModelRequest:
    return ModelRequest(
        (Message("system", "Be brief."), Message("user", "Say hello.")), temperature=0.0, max_tokens=50
    )


async def _answered(model: Model, request: ModelRequest) -> Any:
    with guarded("a request", remedy="Override base_url() with a service that answers."):
        response = await model.request(request)
    kind = type(response).__name__
    require(isinstance(response, ModelResponse), f"it returned a Python {kind}", "Return a ModelResponse.")
    return response
