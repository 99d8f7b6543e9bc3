"""The gate kind ``loop_spec``: the step's output must be a sound loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loopengt import Kernel, SpecError, UsageError
from loopengt_cli_design.proposals.checking import SPEC, check_files, unchecked
from loopengt_cli_design.proposals.text import data_of, to_yaml
from loopengt_hookspecs.gates import GateVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.gates import GateRequest
    from loopengt_hookspecs.models import VerificationGate
    from loopengt_hookspecs.registration import PluginContext

__all__ = ["LoopSpecGate", "LoopSpecGates"]

_READ: Final = frozenset({"name", "description", "kind", "timeout_seconds", "on_failure", "metadata"})
_MOST_PROBLEMS: Final = 30
_LONGEST: Final = 20_000
"""Characters of a proposal that are shown to whoever has to mend it."""


class LoopSpecGates:
    """Makes gates that check loops.

    Args:
        kernel: The project.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @classmethod
    def from_context(cls, context: PluginContext) -> LoopSpecGates:
        """Make it for the project of a kernel."""
        known = context.components
        return cls(known if isinstance(known, Kernel) else Kernel(context.project))

    def bind(self, gate: VerificationGate, project: Path) -> LoopSpecGate:
        """Make the gate.

        Raises:
            UsageError: It declares what this kind does not read, and what would be ignored in silence.
        """
        said = gate.model_dump(exclude_defaults=True, by_alias=True).keys()
        unread = sorted(said - _READ)
        if unread:
            raise UsageError(
                f"the gate {gate.name!r} of kind loop_spec does not read {', '.join(unread)}",
                remedy="Take it out of the gate.",
            )
        return LoopSpecGate(self._kernel)


class LoopSpecGate:
    """Passes when the output, data or a text of YAML or JSON, is a loop that is sound and checks its work.

    Args:
        kernel: The project in which the loop would run.
    """

    pure = True

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def plan(self) -> str:
        """What is checked."""
        return "validate the output as a loop of this project"

    def missing(self) -> list[MissingRequirement]:
        """Nothing: what a loop is checked by is all here."""
        return []

    async def check(self, request: GateRequest) -> GateVerdict:
        """Check the output."""
        output = request.result.output
        try:
            text = to_yaml(data_of(output))
        except ValueError as error:
            return _failed([f"{SPEC}:1:1: {error}"], "")
        except SpecError as error:
            return _failed(list(map(str, error.problems)), str(output))
        checked = check_files(self._kernel, {SPEC: text})
        if checked.loaded is None:
            return _failed(checked.problems, text)
        weak = unchecked(checked.loaded.spec)
        if weak:
            return _failed([f"{SPEC}:1:1: {weak}"], text)
        spec = checked.loaded.spec
        return GateVerdict(True, proof={"loop": spec.name, "pattern": spec.pattern, "steps": len(spec.steps)})


def _failed(problems: Any, text: str) -> GateVerdict:
    listed = list(problems)[:_MOST_PROBLEMS]
    more = len(problems) - len(listed)
    lines = [*listed, *([f"and {more} more"] if more > 0 else [])]
    said = "The proposed loop is not sound (file:line:column):\n" + "\n".join(f"- {line}" for line in lines)
    if text:
        numbered = "\n".join(f"{number:4} {line}" for number, line in enumerate(text.splitlines(), 1))
        said += f"\n\nThe proposal as YAML, with the numbers of its lines:\n{numbered[:_LONGEST]}"
    return GateVerdict(False, said, {"violations": listed})
