"""Makes gates and the requests that they check."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.gates import Gate, GateRequest, GateVerdict
from loopengt_hookspecs.models import StepResult, VerificationGate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KINDS = {"command": "CommandGates", "expression": "ExpressionGates", "schema": "SchemaGates"}


@dataclass
class Bench:
    """A workspace, and gates that check work in it."""

    workspace: Path
    blobs: dict[str, bytes] = field(default_factory=dict)

    def gate(self, kind: str, **fields: Any) -> Gate:
        """Bind a gate as a run would."""
        declared = VerificationGate.model_validate({"name": "proof", "kind": kind, **fields})
        kinds = getattr(importlib.import_module(f"loopengt_gates.{kind}"), KINDS[kind])()
        gate: Gate = kinds.bind(declared, self.workspace)
        return gate

    def request(self, output: Any = None, scope: Mapping[str, Any] | None = None) -> GateRequest:
        """Make a request for one check."""
        return GateRequest(
            run_id="run-1",
            step="work",
            attempt=2,
            result=StepResult(output=output),
            workspace=self.workspace,
            idempotency_key="run-1/work/1/2",
            scope=lambda: scope if scope is not None else {"output": output},
            put_blob=self.put_blob,
        )

    async def put_blob(self, data: bytes) -> str:
        """Keep a blob by its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    async def command(self, command: list[str] | str, **fields: Any) -> GateVerdict:
        """Check once with a command gate."""
        return await self.gate("command", command=command, **fields).check(self.request())

    async def schema(self, schema: dict[str, Any], output: Any) -> GateVerdict:
        """Check an output once with a schema gate."""
        return await self.gate("schema", schema=schema).check(self.request(output))

    def write(self, name: str, text: str) -> Path:
        """Put a file into the workspace."""
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty workspace."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Bench(workspace)
