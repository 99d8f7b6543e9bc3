"""Calls tools in a folder as the engine would, without an engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.json_schema import JsonSchema
from loopengt.testing import loop_spec, make_kernel
from loopengt_hookspecs.models import LoopSpec, ToolSpec
from loopengt_hookspecs.tools import BoundTool, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Bench:
    """A workspace, a folder beside it, and tools that are called there."""

    workspace: Path
    outside: Path
    blobs: dict[str, bytes] = field(default_factory=dict)

    def bind(self, name: str, tool_type: str = "builtin", **fields: Any) -> BoundTool:
        """Bind a declared tool by its registered type."""
        kernel = make_kernel(self.workspace)
        spec = ToolSpec.model_validate({"name": name, "tool_type": tool_type, **fields})
        bound: BoundTool = kernel.get("tool_types", tool_type).bind(
            spec, self.workspace, LoopSpec.model_validate(loop_spec())
        )
        return bound

    async def call(self, name: str, options: dict[str, Any] | None = None, **arguments: Any) -> Any:
        """Call a builtin tool once, with arguments that fit its schema."""
        return await self.calling(self.bind(name, options=options or {}), **arguments)

    async def calling(self, tool: BoundTool, **arguments: Any) -> Any:
        """Call a bound tool once."""
        (offer,) = await tool.offers(self.workspace)
        wrong = JsonSchema(offer.input_schema).violations(arguments) if offer.input_schema else []
        assert not wrong, wrong
        return await tool.call(self.made(offer.name, arguments))

    def made(self, name: str, arguments: dict[str, Any]) -> ToolCall:
        """Make the call that a tool gets."""
        return ToolCall(
            name=name,
            arguments=arguments,
            workspace=self.workspace,
            run_id="run-1",
            step="work",
            idempotency_key="run-1/work/1/1/c1",
            ask=self.nobody,
            put_blob=self.put_blob,
        )

    async def nobody(self, question: Any) -> Any:
        """No tool of these tests asks anyone."""
        raise AssertionError(question)

    async def put_blob(self, data: bytes) -> str:
        """Keep bytes by their digest."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    def write(self, name: str, text: str | bytes) -> Path:
        """Put a file into the workspace."""
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty workspace, and a folder with a secret beside it."""
    workspace, outside = tmp_path / "workspace", tmp_path / "outside"
    workspace.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text("hunter2\n")
    return Bench(workspace, outside)


@pytest.fixture
def contents(bench: Bench) -> Callable[[], dict[str, bytes]]:
    """Reads every file of the workspace and beside it."""

    def read() -> dict[str, bytes]:
        root = bench.workspace.parent
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    return read
