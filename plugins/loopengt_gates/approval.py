"""The gate kind ``approval``: a person says whether the work may go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.gates import GateVerdict, Question
from loopengt_hookspecs.models import OnTimeout

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.gates import GateRequest
    from loopengt_hookspecs.models import VerificationGate

__all__ = ["ApprovalGate", "ApprovalGates"]


class ApprovalGates:
    """Makes gates that ask a person."""

    def bind(self, gate: VerificationGate, project: Path) -> ApprovalGate:
        """Take the question from the gate's description, and its time limit where one is declared."""
        timeout = gate.timeout_seconds if "timeout_seconds" in gate.model_fields_set else None
        text = " ".join(gate.description.split())
        return ApprovalGate(gate.name, text, timeout, approve_on_timeout=gate.on_timeout is OnTimeout.APPROVE)


class ApprovalGate:
    """Asks a person; the engine waits for the answer, which is the verdict.

    Args:
        name: Name of the gate.
        text: What is asked; empty: a question that names step and gate.
        timeout: Seconds to wait for an answer; None: for ever.
        approve_on_timeout: Whether no answer in that time approves.
    """

    pure = False  # what the agent did must be durable before anybody is asked about it

    def __init__(self, name: str, text: str, timeout: float | None, *, approve_on_timeout: bool) -> None:
        self._name = name
        self._text = text
        self._timeout = timeout
        self._approve_on_timeout = approve_on_timeout

    def plan(self) -> str:
        """The question, and what follows when nobody answers."""
        asks = f"ask a person: {self._text}" if self._text else "ask a person for approval"
        if self._timeout is None:
            return asks
        otherwise = "approved" if self._approve_on_timeout else "rejected"
        return f"{asks} ({otherwise} after {self._timeout:g} seconds without an answer)"

    def missing(self) -> list[MissingRequirement]:
        """Nothing: the person may answer from anywhere, later."""
        return []

    async def check(self, request: GateRequest) -> GateVerdict:
        """Ask."""
        text = self._text or f"Is the work of step {request.step!r} approved? (gate {self._name!r})"
        question = Question(text, self._timeout, approve_on_timeout=self._approve_on_timeout)
        return GateVerdict(False, question=question)
