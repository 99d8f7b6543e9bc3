"""Describes loop.yaml as a JSON Schema, with what the plugins add, for editors and other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loopengt_hookspecs.models import LoopSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt.spec.names import KnownNames

__all__ = ["spec_json_schema"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LOCAL: Final = "#/$defs/"


def spec_json_schema(
    names: KnownNames,
    provider_options: Mapping[str, dict[str, Any]],
    judge_options: Mapping[str, dict[str, Any]] | None = None,
    trigger_options: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a loop spec.

    What the schema refuses, ``validate`` refuses too. The reverse does not hold: that a step which is named
    exists, for one, is beyond a schema.

    Args:
        names: The registered names; they are offered, but others are allowed, since plugins may be added.
        provider_options: The JSON Schema of ``config.extra``, by provider.
        judge_options: The JSON Schema of a judge's ``options``, by its kind.
        trigger_options: The JSON Schema of a trigger's ``config``, by its kind.
    """
    schema = LoopSpec.model_json_schema(by_alias=True)
    parts = schema["$defs"]
    schema["properties"]["pattern"] |= _open(names.patterns)
    parts["AgentConfig"]["properties"]["provider"] |= _open(names.providers)
    gate = parts["VerificationGate"]["properties"]
    gate["kind"] |= _open(names.gate_kinds)
    parts["ToolSpec"]["properties"]["tool_type"] |= _open(names.tool_types)
    # A judge's name stands for a declaration of that kind.
    named = _open(names.judges).get("anyOf", [{"type": "string"}])
    gate["judge"]["anyOf"] = [{"type": "null"}, *named, {"$ref": "#/$defs/JudgeSpec"}]
    parts["JudgeSpec"]["properties"]["kind"] |= _open(names.judges)
    # The loader takes the old name too.
    gate["schema_def"] = gate["schema"] | {"deprecated": True}
    parts["StopCondition"]["properties"]["condition_type"] |= _open(names.stop_conditions)
    rules = [
        _rule(("provider", "extra"), provider, options, parts, default=provider == names.default_provider)
        for provider, options in sorted(provider_options.items())
    ]
    if rules:
        parts["AgentConfig"]["allOf"] = rules
    judged = [
        _rule(("kind", "options"), judge, options, parts, prefix="judge.")
        for judge, options in sorted((judge_options or {}).items())
    ]
    if judged:
        parts["JudgeSpec"]["allOf"] = judged
    parts["LoopTrigger"]["properties"]["trigger_type"] |= _open(names.triggers)
    triggered = [
        _rule(("trigger_type", "config"), kind, options, parts, default=kind == "manual", prefix="trigger.")
        for kind, options in sorted((trigger_options or {}).items())
    ]
    if triggered:
        parts["LoopTrigger"]["allOf"] = triggered
    return {"$schema": _DIALECT, **schema}


def _open(names: Mapping[str, str] | None) -> dict[str, Any]:
    """Offer names without refusing others."""
    if not names:
        return {}
    known = {"enum": sorted(names), "markdownEnumDescriptions": [names[name] for name in sorted(names)]}
    return {"anyOf": [known, {"type": "string"}]}


def _rule(
    keys: tuple[str, str],
    name: str,
    options: dict[str, Any],
    parts: dict[str, Any],
    *,
    default: bool = False,
    prefix: str = "",
) -> dict[str, Any]:
    """Tie the options of a component to its name.

    Args:
        keys: Under which the name stands, and the options.
        name: The name.
        options: The JSON Schema of the options.
        parts: Where its definitions go.
        default: Whether the component is meant where none is named.
        prefix: Stands before the names of the definitions, with the component's.
    """
    prefix = f"{prefix}{name}."
    parts |= {prefix + own: _moved(part, prefix) for own, part in options.get("$defs", {}).items()}
    body = {key: value for key, value in options.items() if key not in ("$defs", "$schema", "$id")}
    condition: dict[str, Any] = {"properties": {keys[0]: {"const": name}}}
    if not default:
        condition["required"] = [keys[0]]
    then: dict[str, Any] = {"properties": {keys[1]: _moved(body, prefix)}}
    if options.get("required"):
        then["required"] = [keys[1]]
    return {"if": condition, "then": then}


def _moved(part: Any, prefix: str) -> Any:
    """Copy a part of a component's schema, its references turned to where its definitions now stand."""
    if isinstance(part, dict):
        return {
            key: _LOCAL + prefix + value.removeprefix(_LOCAL)
            if key == "$ref" and isinstance(value, str) and value.startswith(_LOCAL)
            else _moved(value, prefix)
            for key, value in part.items()
        }
    return [_moved(item, prefix) for item in part] if isinstance(part, list) else part
