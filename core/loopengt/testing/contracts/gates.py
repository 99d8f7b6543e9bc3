"""The suite that every kind of gate passes; its author subclasses it in a test module.

::

    from loopengt.testing import GateContract

    class TestShort(GateContract):
        declaration = {"metadata": {"most": 5}}
        good = ["short"]
        bad = ["far too long"]

        def make(self, folder):
            return Short()
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import (
    Contract,
    guarded,
    quick,
    require,
    requirements,
    rule,
    skip,
    snapshot,
    still,
    whole_line,
)
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.data import HOSTILE, fault_in
from loopengt.testing.contracts.requests import keep_blob, no_agent
from loopengt_hookspecs.gates import GateRequest, GateVerdict, Question

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.gates import Gate, GateKind
    from loopengt_hookspecs.models import VerificationGate

__all__ = ["GateContract"]


class GateContract(Contract):
    """Every rule of ``loopengt_hookspecs.gates.GateKind`` as a test; override ``make(self, folder) -> GateKind``."""

    declaration: ClassVar[Mapping[str, Any]] = {}
    """Keys of the gate in a spec, beside ``name`` and ``kind``."""
    slow_declaration: ClassVar[Mapping[str, Any] | None] = None
    """Keys of a gate whose check takes longer than 5 seconds; None: as ``declaration``."""
    good: ClassVar[Sequence[Any]] = ()
    """Outputs that pass."""
    bad: ClassVar[Sequence[Any]] = ()
    """Outputs that do not pass."""

    def prepare(self, workspace: Path) -> None:
        """Put into the workspace what the checks need."""

    @rule
    def test_plan_and_missing_do_nothing(self, kind: GateKind, folder: Path) -> None:
        """``bind``, ``plan`` and ``missing`` are quick, touch nothing, and answer in the promised form."""
        with still("bind or plan", folder), quick("bind and plan"), guarded("plan()"):
            gate = self._bound(kind, folder)
            plan = gate.plan()
        with still("missing()", folder, looking=True), quick("missing()"), guarded("missing()"):
            missing = gate.missing()
        whole_line(plan, "plan()")
        requirements(missing, "missing()")

    @rule
    def test_it_says_whether_it_is_pure(self, kind: GateKind, folder: Path) -> None:
        """``pure`` is a bool, and so is ``checks_workspace`` where there is one."""
        gate = self._bound(kind, folder)
        for name in ("pure", "checks_workspace"):
            value = getattr(gate, name, False if name == "checks_workspace" else None)
            require(isinstance(value, bool), f"{name} is {value!r}", "Make it True or False.")

    @rule
    async def test_good_passes_and_bad_does_not(self, kind: GateKind, folder: Path) -> None:
        """Every good output passes, no bad one does, and of a bad one there is feedback for the next attempt."""
        if not (self.good or self.bad):
            skip("give the suite good = [...] and bad = [...]")
        gate = self._bound(kind, folder)
        for outputs, wanted in ((self.good, True), (self.bad, False)):
            for output in outputs:
                with guarded(f"checking {output!r:.80}"):
                    verdict = await gate.check(self._request(folder, output))
                _check(verdict, output)
                passed = verdict.passed
                require(
                    passed is wanted,
                    f"{output!r:.80} {'passed' if passed else 'did not pass'}",
                    "Mend the gate.",
                )
                if not wanted:
                    said = bool(verdict.feedback.strip())
                    require(
                        said,
                        f"there is no feedback on {output!r:.80}",
                        "Say what the next attempt must change.",
                    )

    @rule
    async def test_hostile_outputs_give_a_verdict_or_an_error(self, kind: GateKind, folder: Path) -> None:
        """Whatever the output is, there is a sound verdict or an exception, which counts as not passed."""
        gate = self._bound(kind, folder)
        for output in HOSTILE:
            try:
                verdict = await gate.check(self._request(folder, output))
            except Exception as exc:
                require(
                    bool(str(exc)),
                    f"{type(exc).__name__} on {output!r:.80} says nothing",
                    "Give it a message.",
                )
            else:
                _check(verdict, output)

    @rule
    async def test_a_result_that_failed_does_not_pass_by_accident(self, kind: GateKind, folder: Path) -> None:
        """A result without an output gives a verdict or an exception, and no other kind of value."""
        from loopengt_hookspecs.models import StepResult

        request = self._request(folder, None)
        request.result = StepResult(output=None, error="the agent failed")
        gate = self._bound(kind, folder)
        try:
            verdict = await gate.check(request)
        except Exception:
            return
        _check(verdict, None)

    @rule
    async def test_the_request_stays_as_it_is(self, kind: GateKind, folder: Path) -> None:
        """A check changes neither the result nor the context."""
        gate = self._bound(kind, folder)
        for output in (*self.good, *self.bad, {"list": [3, 1, 2], "text": " x "}):
            request = self._request(folder, copy.deepcopy(output))
            await _silently(gate, request)
            same = request.result.output == output and dict(request.context) == {"topic": ["a"]}
            require(same, f"checking {output!r:.80} changed the request", "Copy what you change.")

    @rule
    async def test_a_pure_gate_is_pure(self, kind: GateKind, folder: Path) -> None:
        """Where ``pure`` is true, a check touches nothing, and the same result gives the same verdict."""
        gate = self._bound(kind, folder)
        if not gate.pure:
            skip("pure is False")
        for output in (*self.good, *self.bad, "some text"):
            first = await _said(gate, self._request(folder, output))
            with still("check() of a gate that says it is pure", folder):
                again = await _said(gate, self._request(folder, output))
            require(
                first == again,
                f"{output!r:.80} gave {first}, then {again}",
                "Say pure = False, or make it so.",
            )

    @rule
    async def test_checks_may_run_at_once(self, kind: GateKind, folder: Path) -> None:
        """Several checks at the same time give the verdicts that they give one by one."""
        gate = self._bound(kind, folder)
        outputs = [*self.good, *self.bad, "some text"]
        alone = [(await _said(gate, self._request(folder, output)))[0] for output in outputs]
        together = await asyncio.gather(*(_said(gate, self._request(folder, output)) for output in outputs))
        said = [passed for passed, _ in together]
        require(alone == said, f"one by one {alone}, at once {said}", "Keep nothing of a check on the gate.")

    @rule
    async def test_it_is_cancelled_in_time(self, kind: GateKind, folder: Path) -> None:
        """Cancelled, a check ends within seconds, lets ``CancelledError`` pass, and ends what it has started."""
        gate = self._bound(kind, folder, self.slow_declaration)
        output = next(iter((*self.good, "some text")))

        async def go() -> None:
            await gate.check(self._request(folder, output))

        await cancelled_in_time(go(), "the check")

    @rule
    def test_binding_leaves_the_project_alone(self, kind: GateKind, folder: Path) -> None:
        """Two gates of one kind are two, and binding them changes nothing of the declaration."""
        declared = self._declared()
        before = declared.model_copy(deep=True)
        files = snapshot(folder)
        with guarded("bind()"):
            kind.bind(declared, folder)
            kind.bind(declared, folder)
        require(declared == before, "bind() changed the declaration", "Copy what you change.")
        require(snapshot(folder) == files, "bind() changed the project's files", "Leave them as they are.")

    # Inside

    def _declared(self, keys: Mapping[str, Any] | None = None) -> VerificationGate:
        from loopengt_hookspecs.models import VerificationGate

        given = self.declaration if keys is None else keys
        return VerificationGate.model_validate(
            {"name": "gate", "kind": "under_test", **copy.deepcopy(dict(given))}
        )

    def _bound(self, kind: GateKind, folder: Path, keys: Mapping[str, Any] | None = None) -> Gate:
        with guarded("bind()", remedy="Give the suite a declaration that can be bound."):
            return kind.bind(self._declared(keys), folder)

    def _request(self, folder: Path, output: Any) -> GateRequest:
        from loopengt_hookspecs.models import StepResult

        self.prepare(folder)
        result = StepResult(output=output)
        return GateRequest(
            run_id="run-1",
            step="work",
            attempt=1,
            result=result,
            workspace=folder,
            idempotency_key="run-1/work/1/1",
            scope=lambda: {
                "output": output,
                "result": {"output": output},
                "steps": {},
                "context": {},
                "run": {},
            },
            put_blob=keep_blob,
            goal="Do it well.",
            context={"topic": ["a"]},
            invoke=no_agent,
        )


async def _silently(gate: Gate, request: GateRequest) -> None:
    await _said(gate, request)


async def _said(gate: Gate, request: GateRequest) -> tuple[bool, str]:
    try:
        verdict = await gate.check(request)
    except Exception as exc:
        return False, type(exc).__name__
    return verdict.passed, verdict.feedback


def _check(verdict: Any, output: Any) -> None:
    of = f"on {output!r:.80}"
    kind = type(verdict).__name__
    require(isinstance(verdict, GateVerdict), f"the verdict {of} is a Python {kind}", "Return a GateVerdict.")
    passed = verdict.passed
    require(isinstance(passed, bool), f"passed {of} is {passed!r}", "Make it True or False: bool(…).")
    require(isinstance(verdict.feedback, str), f"the feedback {of} is {verdict.feedback!r}", "Make it text.")
    fault = fault_in(verdict.proof, "the proof")
    require(not fault and isinstance(verdict.proof, dict), f"{fault} {of}", "Put JSON data there.")
    asked = verdict.question
    sound = asked is None or isinstance(asked, Question)
    require(sound, f"the question {of} is {asked!r}", "Make it a Question, or None.")
