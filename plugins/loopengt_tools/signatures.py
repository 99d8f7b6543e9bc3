"""What a function takes and returns, as JSON Schema and as a way to call it with JSON data, from its type hints."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PydanticSchemaGenerationError,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, to_jsonable_python

from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.tools import ToolCall, ToolError

__all__ = ["Signature", "signature_of"]

AUTH = "auth"
"""Name of the parameter that takes the secret."""
_CALL = "tool_call"
_PROBLEMS = 20


class _Schema(GenerateJsonSchema):
    """Without the titles that only repeat names, and without defaults that JSON cannot hold."""

    ignored_warning_kinds = frozenset({"skipped-choice", "non-serializable-default"})  # type: ignore[assignment]

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function is called with JSON data, and what it gives back."""

    function: Callable[..., Any]
    description: str
    """The first paragraph of its docstring."""
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None
    """JSON Schema of what it returns, when its hint says that this is an object."""
    takes_auth: bool
    """Whether it has a parameter ``auth``, for the secret."""
    needs_auth: bool
    """Whether that has no default."""
    _model: type[BaseModel]
    _fields: dict[str, str]
    _described: frozenset[str]
    """Parameters whose default is a ``Field(...)``, which is not the value."""
    _positional: tuple[str, ...]
    _call: str | None
    _returns: TypeAdapter[Any] | None

    def bound(self, call: ToolCall, secret: str | None) -> Callable[[], Any]:
        """Return the call, ready to be made, with the arguments made what the hints say.

        Args:
            call: The call.
            secret: For the parameter ``auth``; None: its default.

        Raises:
            ToolError: The arguments do not fit.
        """
        try:
            # As JSON, so that a date or a set is read from what JSON has for it.
            given = self._model.model_validate_json(json.dumps(call.arguments))
        except ValidationError as error:
            raise ToolError(_misfit(call.name, error)) from None
        named = {
            name: getattr(given, field)
            for name, field in self._fields.items()
            if field in given.model_fields_set or name in self._described
        }
        named |= given.model_extra or {}
        if self._call is not None:
            named[self._call] = call
        if self.takes_auth and secret is not None:
            named[AUTH] = secret
        first = []
        for name in self._positional:
            if name not in named:
                break
            first.append(named.pop(name))
        return partial(self.function, *first, **named)

    def json_of(self, value: Any, name: str) -> Any:
        """Make JSON data of what the function has returned.

        Raises:
            ToolError: It is something that has no form in JSON.
        """
        try:
            data = (
                to_jsonable_python(value)
                if self._returns is None
                else self._returns.dump_python(value, mode="json", by_alias=True, warnings=False)
            )
            json.dumps(data, allow_nan=False)
        except (PydanticSerializationError, ValueError, TypeError, RecursionError) as error:
            raise ToolError(
                f"the tool {name!r} has returned a Python {type(value).__name__} that is no JSON data: {error}"
            ) from None
        return data


def signature_of(function: Callable[..., Any], named: str) -> Signature:
    """Read the signature, the hints and the docstring of a function.

    Args:
        function: The function, or any other callable object.
        named: What it is called, for messages.

    Raises:
        AgentError: A parameter cannot be filled from JSON; the text says which.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise _unusable(
            f"{named} does not tell its parameters", "Wrap it in a function with type hints."
        ) from None
    hints = _Hints(function, named)
    fields: dict[str, Any] = {}
    names: dict[str, str] = {}
    call: str | None = None
    auth: inspect.Parameter | None = None
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if _is_call(parameter):
            call = parameter.name
        elif parameter.name == AUTH:
            auth = parameter
        else:
            names[parameter.name] = f"p{len(names)}"  # a name of its own would clash with those of a model
            fields[names[parameter.name]] = _field(parameter, hints.of(parameter.name, parameter.annotation))
    opened = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    model, schema = _model(fields, opened, named)
    returns, output_schema = _returned(hints, function)
    return Signature(
        function=function,
        description=" ".join((inspect.getdoc(_documented(function)) or "").split("\n\n")[0].split()),
        input_schema=schema,
        output_schema=output_schema,
        takes_auth=auth is not None,
        needs_auth=auth is not None and auth.default is auth.empty,
        _model=model,
        _fields=names,
        _described=frozenset(p.name for p in parameters if isinstance(p.default, FieldInfo)),
        _positional=tuple(p.name for p in parameters if p.kind is p.POSITIONAL_ONLY),
        _call=call,
        _returns=returns,
    )


class _Hints:
    """The hints of a function, read one by one: those that are not needed need not be readable."""

    def __init__(self, function: Callable[..., Any], named: str) -> None:
        self._named = named
        inner = function.func if isinstance(function, partial) else function
        if not (inspect.isroutine(inner) or inspect.isclass(inner)):
            inner = type(inner).__call__
        inner = inspect.unwrap(inner)
        self._globals = getattr(inner, "__globals__", {})

    def of(self, name: str, annotation: Any) -> Any:
        if annotation is inspect.Parameter.empty:
            return Any

        def holder() -> None: ...

        holder.__annotations__ = {name: annotation}
        try:
            return get_type_hints(holder, globalns=self._globals, include_extras=True)[name]
        except (NameError, AttributeError, TypeError, SyntaxError) as error:
            raise _unusable(
                f"the type hint of {name} in {self._named} cannot be read: {error}",
                "Import what it names at run time, not only under TYPE_CHECKING.",
            ) from None


def _is_call(parameter: inspect.Parameter) -> bool:
    hint = parameter.annotation
    if hint is parameter.empty:
        return parameter.name == _CALL
    return hint is ToolCall or (isinstance(hint, str) and hint.rpartition(".")[2] == "ToolCall")


def _field(parameter: inspect.Parameter, hint: Any) -> tuple[Any, FieldInfo]:
    default = parameter.default
    alias = parameter.name
    if default is parameter.empty:
        return (hint, Field(alias=alias))
    if isinstance(default, FieldInfo):  # def f(n: int = Field(3, ge=0))
        return (Annotated[hint, default], Field(alias=alias))
    return (hint, Field(alias=alias, default=default))


def _model(fields: dict[str, Any], opened: bool, named: str) -> tuple[type[BaseModel], dict[str, Any]]:
    config = ConfigDict(extra="allow" if opened else "forbid", protected_namespaces=())
    try:
        model: type[BaseModel] = create_model("Arguments", __config__=config, **fields)
        schema = model.model_json_schema(schema_generator=_Schema)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        said = str(error).splitlines()[0]
        raise _unusable(
            f"a parameter of {named} cannot be filled from JSON: {said}",
            "Give it the type hint of something that JSON has, a dataclass or a pydantic model.",
        ) from None
    schema.pop("title", None)
    return model, schema


def _returned(
    hints: _Hints, function: Callable[..., Any]
) -> tuple[TypeAdapter[Any] | None, dict[str, Any] | None]:
    annotation = inspect.signature(function).return_annotation
    try:
        hint = hints.of("return", annotation)
        if hint is Any or inspect.isclass(function):
            return None, None
        adapter = TypeAdapter(hint)
        schema = adapter.json_schema(mode="serialization", schema_generator=_Schema)
    except (AgentError, PydanticSchemaGenerationError, PydanticUserError):
        return None, None  # it says nothing that JSON could hold: what is returned is looked at instead
    inner = schema
    if "$ref" in schema:
        inner = schema.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {})
    return adapter, schema if inner.get("type") == "object" else None


def _documented(function: Callable[..., Any]) -> Any:
    if isinstance(function, partial):
        return function.func
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return type(function)


def _misfit(name: str, error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False)
    lines = [f"- {'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}" for one in found[:_PROBLEMS]]
    return "\n".join([f"the arguments of {name!r} do not fit:", *lines])


def _unusable(message: str, remedy: str) -> AgentError:
    return AgentError(message, remedy=remedy, kind="ToolSignature")
