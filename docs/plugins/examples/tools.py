"""A tool: adds numbers up exactly, which models do not."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import BaseModel

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.tools import Tool, ToolCall, ToolError


class Add:
    """Arguments and result are held against the schemas before and after a call."""

    description = "Add decimal numbers up, exactly."
    input_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"numbers": {"type": "array", "items": {"type": "string"}, "maxItems": 1000}},
        "required": ["numbers"],
        "additionalProperties": False,
    }
    output_schema: Mapping[str, Any] | None = {"type": "string"}
    effects = Effects.NONE
    options: type[BaseModel] | None = None

    async def call(self, call: ToolCall, options: Any) -> str:
        numbers = call.arguments["numbers"]
        try:
            total = sum((Decimal(number) for number in numbers), Decimal(0))
        except InvalidOperation:
            raise ToolError("one of them is no number; write each as 12.5") from None
        return str(total)


@hookimpl
def loopengt_register_tools(register: Register[Tool]) -> None:
    register("add", Add, summary="Adds numbers up, exactly")
