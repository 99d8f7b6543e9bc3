"""The suite that every set of MCP features passes; its author subclasses it in a test module.

::

    from loopengt.testing import McpFeatureContract

    class TestNotes(McpFeatureContract):
        def make(self, folder):
            return NoteFeatures(folder)
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from loopengt.testing.contracts.base import Contract, guarded, quick, require, rule, skip, snapshot, still
from loopengt.testing.contracts.data import fault_in
from loopengt_hookspecs.errors import LoopengtError
from loopengt_hookspecs.mcp_features import McpPrompt, McpResource, McpTool

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.mcp_features import McpFeature, McpFeatures

__all__ = ["McpFeatureContract"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_IN_BRACES = re.compile(r"\{([^{}]+)\}")


class McpFeatureContract(Contract):
    """Every rule of ``loopengt_hookspecs.mcp_features`` as a test; override ``make(self, folder) -> McpFeatures``."""

    arguments: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Arguments, by the name of the feature, with which it is called; those that need none are called without."""

    needs_server: ClassVar[bool] = False
    """Whether the functions can be called within a server alone."""

    @rule
    def test_features_are_listed_at_once(self, made: McpFeatures, folder: Path) -> None:
        """``features`` is quick, touches nothing, and yields tools, resources and prompts: at least one."""
        with still("features()", folder), quick("features()"):
            features = _all(made)
        require(bool(features), "there are no features", "Return some, or do not register the set.")
        for one in features:
            known = isinstance(one, McpTool | McpResource | McpPrompt)
            require(known, f"features() yields {one!r:.80}", "Yield McpTool, McpResource or McpPrompt.")

    @rule
    def test_names_are_told_apart(self, made: McpFeatures, folder: Path) -> None:
        """Tools and prompts have names of letters, digits, ``_`` and ``-``, and no two of one kind share one."""
        seen: set[tuple[str, str]] = set()
        for one in _all(made):
            key = one.uri if isinstance(one, McpResource) else one.name
            fine = isinstance(one, McpResource) or bool(_NAME.fullmatch(one.name))
            require(fine, f"{one.name!r} is no name", "Use 1 to 64 letters, digits, _ and -.")
            pair = (type(one).__name__, key)
            require(pair not in seen, f"two features are {key!r}", "Give one of them another name.")
            seen.add(pair)

    @rule
    def test_descriptions_say_something(self, made: McpFeatures, folder: Path) -> None:
        """Every feature has a description: a model reads nothing else."""
        for one in _all(made):
            said = isinstance(one.description, str) and len(one.description.split()) > 1
            require(
                said,
                f"{one.name} is described as {one.description!r}",
                "Say what it does, and when to use it.",
            )

    @rule
    def test_annotations_can_be_resolved(self, made: McpFeatures, folder: Path) -> None:
        """Every parameter and, of a tool, the result is annotated by types that can be had at run time."""
        for one in _all(made):
            with guarded(f"the annotations of {one.name}", remedy="Import its types outside TYPE_CHECKING."):
                hints = get_type_hints(one.function)
            for name, parameter in _parameters(one).items():
                named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
                require(named, f"{one.name} takes *{name}", "Name each parameter: they become the schema.")
                require(name in hints, f"{name} of {one.name} has no annotation", "Annotate it.")
            if isinstance(one, McpTool):
                require(
                    "return" in hints,
                    f"{one.name} has no return annotation",
                    "Annotate it: it is the schema.",
                )

    @rule
    def test_uris_name_the_parameters(self, made: McpFeatures, folder: Path) -> None:
        """The names in braces of a resource's URI are the parameters of its function; prompts take texts."""
        for one in _all(made):
            if isinstance(one, McpResource):
                places, names = set(_IN_BRACES.findall(one.uri)), set(_parameters(one))
                fact = f"{one.uri} has {sorted(places)}, and its function takes {sorted(names)}"
                require(places == names and ":" in one.uri, fact, "Name the same in both.")
            elif isinstance(one, McpPrompt):
                hints = get_type_hints(one.function)
                odd = [name for name in _parameters(one) if "str" not in str(hints.get(name))]
                require(not odd, f"{odd} of the prompt {one.name} are no texts", "Annotate them as str.")

    @rule
    async def test_what_only_reads_changes_nothing(self, made: McpFeatures, folder: Path) -> None:
        """Resources, prompts and tools that say ``read_only`` change no file, and return data or say what is wrong."""
        if self.needs_server:
            skip("needs_server is True")
        for one in _all(made):
            reads = not isinstance(one, McpTool) or one.read_only
            needed = [name for name, each in _parameters(one).items() if each.default is each.empty]
            given = self.arguments.get(one.name)
            if not reads or (needed and given is None):
                continue
            before = snapshot(folder)
            result = await _called(one, dict(given or {}))
            changed = snapshot(folder) != before
            require(
                not changed,
                f"{one.name} only reads, and changed files",
                "Say read_only = False, or write nothing.",
            )
            fault = "" if isinstance(result, bytes) else fault_in(_plain(result), f"the result of {one.name}")
            require(not fault, fault, "Return text, JSON data or a pydantic model.")

    @rule
    def test_they_are_the_same_every_time(self, made: McpFeatures, folder: Path) -> None:
        """Two servers of one kernel have the same features."""
        first, again = ([(type(one), one.name) for one in _all(made)] for _ in range(2))
        require(first == again, "the features were others the second time", "Make them anew at each call.")

    @rule
    def test_hints_do_not_contradict_each_other(self, made: McpFeatures, folder: Path) -> None:
        """A tool that only reads is not destructive: clients decide by that whether to ask a person."""
        for one in _all(made):
            if isinstance(one, McpTool):
                sound = not (one.read_only and one.destructive)
                require(sound, f"{one.name} is read_only and destructive", "Say one of them.")


def _all(made: McpFeatures) -> list[McpFeature]:
    with guarded("features()"):
        return list(made.features())


def _parameters(one: McpFeature) -> Mapping[str, inspect.Parameter]:
    """Return the parameters that a client gives: those of a server's ``Context`` are filled by the server."""
    found = inspect.signature(one.function).parameters
    return {name: each for name, each in found.items() if "Context" not in str(each.annotation)}


async def _called(one: McpFeature, given: dict[str, Any]) -> Any:
    with guarded(
        f"calling {one.name}", LoopengtError, remedy="Raise a LoopengtError: its text goes to the model."
    ):
        try:
            result = (
                await one.function(**given)
                if inspect.iscoroutinefunction(one.function)
                else await asyncio.to_thread(one.function, **given)
            )
        except LoopengtError as exc:
            return str(exc)
    return result


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value
