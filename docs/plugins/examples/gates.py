"""A gate: the output must not be longer than the declaration allows."""

from pathlib import Path

from loopengt import UsageError
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.gates import GateKind, GateRequest, GateVerdict
from loopengt_hookspecs.models import VerificationGate
from loopengt_hookspecs.registration import Register


class Brief:
    """Makes the gates of one kind; ``metadata`` of a gate is free for the kind."""

    def bind(self, gate: VerificationGate, project: Path) -> "BriefGate":
        most = gate.metadata.get("most_words", 100)
        if type(most) is not int or most < 1:
            raise UsageError(f"the gate {gate.name!r} allows {most!r} words", remedy="write a number from 1")
        return BriefGate(most)


class BriefGate:
    pure = True  # a check has no effect and costs nothing

    def __init__(self, most: int) -> None:
        self._most = most

    def plan(self) -> str:
        return f"at most {self._most} words"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def check(self, request: GateRequest) -> GateVerdict:
        words = len(str(request.result.output).split())
        told = "" if words <= self._most else f"It has {words} words; write at most {self._most}."
        return GateVerdict(words <= self._most, told, proof={"words": words})


@hookimpl
def loopengt_register_gates(register: Register[GateKind]) -> None:
    register("brief", Brief, summary="The output has few words")
