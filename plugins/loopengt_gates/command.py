"""The gate kind ``command``: a program that the engine runs in the workspace, and what it must say."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from loopengt.processes import ProgramResult, base_environment, keep_whole, missing_program, run_program
from loopengt.searching import PatternError, found_in
from loopengt_gates.tests_ran import JUnitReport, count_in_closing_line
from loopengt_gates.text import failure_extract, tail
from loopengt_hookspecs.gates import GateVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.gates import GateRequest
    from loopengt_hookspecs.models import VerificationGate

__all__ = ["CommandGate", "CommandGates"]

_NO_TESTS = 5
"""Exit code of pytest when it has collected no tests."""


class CommandGates:
    """Makes gates that run a program."""

    def bind(self, gate: VerificationGate, project: Path) -> CommandGate:
        """Make the gate."""
        return CommandGate(gate, project)


class CommandGate:
    """Passes when the program ends with exit code 0 in time, ran enough tests and printed what it must.

    It runs in the step's workspace, with a short allow-list of our environment and LOOPENGT_RUN_ID,
    LOOPENGT_STEP, LOOPENGT_ATTEMPT, LOOPENGT_IDEMPOTENCY_KEY, LOOPENGT_GATE and LOOPENGT_WORKSPACE, and reads
    nothing from standard input. ``output_pattern`` is searched in standard output and error, shortened to a
    megabyte each. ``min_tests`` counts the tests that passed or failed; a count that cannot be read fails.

    Args:
        gate: The gate as declared.
        project: The project folder, in which ``missing`` looks for programs given by a relative path.
    """

    pure = False
    checks_workspace = True

    def __init__(self, gate: VerificationGate, project: Path) -> None:
        self._gate = gate
        self._command: list[str] | str = gate.command or ""
        self._project = project

    def plan(self) -> str:
        """The command line."""
        return self._shown()

    def missing(self) -> list[MissingRequirement]:
        """The program, when it is not there."""
        missing = self._missing(self._project)
        return [missing] if missing is not None else []

    async def check(self, request: GateRequest) -> GateVerdict:
        """Run the program.

        Raises:
            MissingRequirement: The program is not there.
            AgentError: It cannot be started.
        """
        cwd = request.workspace
        missing = self._missing(cwd)
        if missing is not None:
            raise missing
        report = JUnitReport.of(self._command, cwd)
        result = await run_program(
            self._command,
            cwd=cwd,
            env=self._environment(request),
            timeout=self._gate.timeout_seconds,
        )
        output = _both(result)
        proof = await self._proof(result, output, request)
        complaints = [complaint] if (complaint := self._ending(result)) else []
        if not complaints:
            complaints += self._few_tests(result, report, proof)
            complaints += await self._no_match(output, cwd, proof)
        if not complaints:
            return GateVerdict(True, proof=proof)
        extract = failure_extract(output) or "It printed nothing."
        return GateVerdict(False, f"{' '.join(complaints)}\n{extract}", proof)

    def _environment(self, request: GateRequest) -> dict[str, str]:
        return base_environment() | {
            "LOOPENGT_RUN_ID": request.run_id,
            "LOOPENGT_STEP": request.step,
            "LOOPENGT_ATTEMPT": str(request.attempt),
            "LOOPENGT_IDEMPOTENCY_KEY": request.idempotency_key,
            "LOOPENGT_GATE": self._gate.name,
            "LOOPENGT_WORKSPACE": str(request.workspace),
        }

    def _missing(self, cwd: Path) -> MissingRequirement | None:
        return missing_program(
            self._command, cwd=cwd, env=base_environment(), needed_by=f"gate {self._gate.name!r}"
        )

    async def _proof(self, result: ProgramResult, output: str, request: GateRequest) -> dict[str, Any]:
        proof: dict[str, Any] = {
            "command": self._command,
            "exit_code": result.exit_code,
            "duration_seconds": round(result.duration_seconds, 3),
            "output_tail": tail(output),
        }
        if result.timed_out:
            proof["timed_out"] = True
        for name, stream in (("stdout", result.out), ("stderr", result.err)):
            kept = await keep_whole(stream, request.put_blob)
            if kept is not None:
                proof[f"{name}_truncated"] = kept
        return proof

    def _ending(self, result: ProgramResult) -> str:
        if result.timed_out:
            return f"{self._shown()} took more than {self._gate.timeout_seconds:g} seconds and was ended."
        if result.exit_code != 0:
            hint = " (pytest has found no tests)" if self._is_pytest_without_tests(result) else ""
            return f"{self._shown()} ended with {result.ending}{hint}."
        return ""

    def _is_pytest_without_tests(self, result: ProgramResult) -> bool:
        return result.exit_code == _NO_TESTS and "pytest" in self._shown()

    def _few_tests(
        self, result: ProgramResult, report: JUnitReport | None, proof: dict[str, Any]
    ) -> list[str]:
        needed = self._gate.min_tests
        if not needed:
            return []
        count = report.count() if report is not None else count_in_closing_line(result.out.text)
        proof["tests"] = count
        if count is None:
            source = (
                f"{report.path}, which the command has not written or which is no JUnit report"
                if report is not None
                else "the output, which has no closing line of pytest (-qq hides it; try --junitxml=FILE)"
            )
            return [f"{self._shown()} succeeded, but how many tests ran cannot be read from {source}."]
        if count < needed:
            tests = "1 test" if count == 1 else f"{count} tests"
            rule = f"at least {needed} must (skipped, deselected and expected failures do not count)"
            return [f"{self._shown()} succeeded, but only {tests} ran and {rule}."]
        return []

    async def _no_match(self, output: str, cwd: Path, proof: dict[str, Any]) -> list[str]:
        pattern = self._gate.output_pattern
        if pattern is None:
            return []
        try:
            proof["pattern_found"] = await found_in(pattern, output, cwd)
        except PatternError as error:
            proof["pattern_found"] = None
            return [f"Whether the output matches {pattern!r} is unknown: {error}."]
        if proof["pattern_found"]:
            return []
        return [f"{self._shown()} succeeded, but its output does not match {pattern!r}."]

    def _shown(self) -> str:
        text = self._command if isinstance(self._command, str) else shlex.join(self._command)
        line = text.strip().replace("\n", "\\n")
        return line if len(line) <= 200 else f"{line[:200]}…"


def _both(result: ProgramResult) -> str:
    return "\n".join(text for text in (result.out.text.rstrip(), result.err.text.rstrip()) if text)
