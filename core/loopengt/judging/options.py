"""Says where the options of a component do not fit its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["option_problems"]


def option_problems(
    what: str, model: type[BaseModel] | None, options: Mapping[str, Any]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield where options are wrong, and why.

    Args:
        what: Whose they are, in words, such as ``judge 'rubric'``.
        model: What they must fit; None: there are no options.
        options: What is given.
    """
    from pydantic import ValidationError

    if model is None:
        for option in options:
            yield (option,), f"the {what} takes no options"
        return
    try:
        model.model_validate(dict(options))
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            yield error["loc"], _described(what, model, error["type"], error["loc"], error["msg"])


def _described(
    what: str, model: type[BaseModel], kind: str, path: tuple[int | str, ...], message: str
) -> str:
    if kind != "extra_forbidden":
        return message.removeprefix("Value error, ")
    from loopengt.naming import hint

    # Only the keys of the model itself are known here, not those of a model within.
    known = [field.alias or name for name, field in model.model_fields.items()]
    near = hint(str(path[-1]), known) if len(path) == 1 else ""
    return f"the {what} has no option {path[-1]!r}{near}"
