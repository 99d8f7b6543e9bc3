"""Describes the options of plugins and of components: their names, types, defaults and meanings."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from loopengt import Component, Kernel

__all__ = ["Option", "component_options", "model_options"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option."""

    name: str
    type: str
    default: str
    """``required``, or ``default`` and the value."""
    description: str

    def __str__(self) -> str:
        return f"{self.name} ({self.type}, {self.default}): {self.description}"


def model_options(model: Any) -> list[Option]:
    """Describe the fields of a pydantic model; None has none."""
    found = []
    for name, field in model.model_fields.items() if model else ():
        default = "required"
        if not field.is_required():
            default = f"default {field.get_default(call_default_factory=True)!r}"
        found.append(
            Option(
                field.alias or name, _type(field.annotation), default, field.description or "no description"
            )
        )
    return found


def component_options(kernel: Kernel, component: Component) -> list[Option]:
    """Describe what a declaration in a spec can say to a component; it is imported and made for that.

    Raises:
        LoopengtError: It cannot be made.
    """
    model = getattr(kernel.get(component.kind, component.name), "options", None)
    return model_options(model) if hasattr(model, "model_fields") else []


def _type(annotation: Any) -> str:
    """Write a type as a person would, without what validates it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(parts[0])
    if origin is Literal:
        return " | ".join(map(repr, parts))
    if origin in (Union, UnionType):
        return " | ".join(map(_type, parts))
    if annotation in (None, NoneType):
        return "None"
    name = getattr(origin or annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(_type, parts))}]" if parts else name
