"""Recorded runs for pages, made of journal events as the engine writes them."""

from __future__ import annotations

from typing import Any, TypeAlias

from loopengt.journal import Fold, Tracer
from loopengt_hookspecs.models import Event, LoopState, TraceEvent

Recorded: TypeAlias = tuple[LoopState, list[TraceEvent]]

RUN = "20250101-120000-abcdef"
START = 1_735_732_800.0
DIFF = "--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,2 @@\n-total = a - b\n+total = a + b\n print(total)\n"


class Journal:
    """Writes the events of a run, with a clock of its own.

    Args:
        run_id: The run.
        **header: Data of its ``loop.start`` event.
    """

    def __init__(self, run_id: str = RUN, **header: Any) -> None:
        self.run_id = run_id
        self.now = 0.0
        self.events: list[Event] = []
        self._laps: dict[str, int] = {}
        self.turn = 0
        base = {"run_id": run_id, "loop": "demo", "pattern": "repeat", "goal": "Make it work.", "spec": "0" * 64,
                "steps": ["work"], "context": {}, "workspace": {"path": "/somewhere", "kind": "copy"}}  # fmt: skip
        self.add("loop.start", None, 0, **(base | header))

    def add(self, kind: str, step: str | None = None, after: float = 0.1, /, **data: Any) -> None:
        """Write an event some seconds after the one before."""
        self.now += after
        self.events.append(Event(len(self.events) + 1, kind, START + self.now, step, data))

    def begin(self, step: str, agent: str = "worker", attempt: int = 1, **data: Any) -> dict[str, Any]:
        """Begin an attempt, and return what its end says."""
        if attempt == 1:
            self.turn += 1
            self._laps[step] = self._laps.get(step, 0) + 1
        where = {"turn": self.turn, "occurrence": self._laps[step], "attempt": attempt}
        self.add("step.start", step, agent=agent, **where, **data)
        self.add(
            "agent.invoke", step, provider="command", model="m-1", prompt=f"Do {step}, attempt {attempt}."
        )
        return where

    def answer(
        self, step: str, output: Any, attempt: int = 1, seconds: float = 2.0, tokens: int = 1_200
    ) -> None:
        """Let the agent answer."""
        usage = {"prompt_tokens": tokens - tokens // 5, "completion_tokens": tokens // 5}
        self.add("agent.response", step, seconds, attempt=attempt, output=output, duration=seconds,
                 token_usage=usage, cost_usd=tokens / 100_000)  # fmt: skip

    def gate(
        self, step: str, passed: bool, gate: str = "tests", attempt: int = 1, text: str = "2 failed"
    ) -> None:
        """Check a gate."""
        proof = {"command": ["pytest"], "exit_code": 0 if passed else 1, "output_tail": text}
        more = {} if passed else {"feedback": text}
        kind = "gate.pass" if passed else "gate.fail"
        self.add(
            kind, step, 0.5, gate=gate, kind="command", attempt=attempt, duration=0.5, proof=proof, **more
        )

    def tool(
        self, step: str, number: int, name: str, given: Any, output: Any = "done", error: str = ""
    ) -> None:
        """Call a tool."""
        call = {"attempt": 1, "call": f"tool {number}", "tool": name, "tool_type": "builtin"}
        self.add("tool.call", step, input=given, **call)
        if error:
            self.add("tool.error", step, 0.3, error=error, duration=0.3, **call)
        else:
            self.add("tool.result", step, 0.3, output=output, duration=0.3, **call)

    def lap(
        self, step: str, output: Any, passed: bool = True, text: str = "2 failed in 1s", **facts: Any
    ) -> None:
        """Write a whole execution with one gate."""
        where = self.begin(step)
        self.answer(step, output, **facts)
        self.gate(step, passed, text=text)
        self.add("step.complete", step, **where)

    def done(
        self, kind: str = "loop.complete", reason: str = "goal_met", detail: str = "all is well"
    ) -> None:
        """End the run."""
        self.add(kind, None, reason=reason, detail=detail)

    def record(self, *children: Journal) -> Recorded:
        """Fold and convert the events; those of child runs stand behind the event that began their step."""
        fold = Fold()
        fold.apply_all(self.events)
        by_id = {child.run_id: child for child in children}
        return fold.snapshot(), self._trace(by_id)

    def _trace(self, children: dict[str, Journal]) -> list[TraceEvent]:
        tracer, found = Tracer(self.run_id), []
        for event in self.events:
            found.append(tracer.convert(event))
            child = children.pop(str(event.data.get("run")), None) if event.type == "step.start" else None
            if child is not None:
                found += child._trace(children)
        return found


def rich() -> Recorded:
    """A run with everything: failures, retries, calls, a child run, questions, pauses, budgets, scores, a handoff."""
    run = Journal(loop="ship-it", pattern="evaluator_optimizer", steps=["plan", "code", "review", "deploy", "announce"],
                  goal="The release is built, reviewed and on its way.\nNobody is woken at night.")  # fmt: skip
    where = run.begin("plan", "architect")
    run.add("model.request", "plan", attempt=1, call="model 1", messages=2, tools=3)
    response = {"text": "First the parser, then the rest.", "model": "m-large"}
    run.add("model.response", "plan", 1.8, attempt=1, call="model 1", response=response,
            token_usage={"prompt_tokens": 900, "completion_tokens": 300}, cost_usd=0.012, duration=1.8)  # fmt: skip
    run.answer("plan", {"steps": ["parser", "writer"], "risk": 0.2}, seconds=0.3)
    run.add("step.complete", "plan", **where)
    for lap in (1, 2):
        where = run.begin("code", "coder")
        edit = {
            "path": "src/app.py",
            "old_text": "total = a - b\n",
            "new_text": "total = a + b\nlog(total)\n",
        }
        run.tool("code", 1, "read_file", {"path": "src/app.py"}, "total = a - b\n" * 30)
        run.tool("code", 2, "edit_file", edit)
        if lap == 1:
            run.tool(
                "code",
                3,
                "write_file",
                {"path": "/etc/passwd", "content": "x"},
                error="outside of the workspace",
            )
        run.answer("code", f"Changed one file.\n\n{DIFF}", seconds=4.0, tokens=4_800)
        run.gate(
            "code",
            lap == 2,
            text="FAILED tests/test_app.py::test_total - assert 1 == 3\n= 1 failed, 6 passed in 0.4s =",
        )
        if lap == 1:
            run.add("step.retry", "code", attempt=2, reason="gate", delay=1.5, feedback="test_total fails")
            run.add("step.start", "code", 1.5, **(where | {"attempt": 2}), agent="coder")
            run.add(
                "agent.invoke",
                "code",
                provider="command",
                model="m-1",
                prompt="Again.\n\nWhat failed: test_total",
            )
            run.answer("code", "The sign was wrong.", attempt=2, seconds=3.0, tokens=3_100)
            run.gate("code", True, attempt=2, text="7 passed")
            where["attempt"] = 2
        run.add("step.complete", "code", **where)
        child = "" if lap == 2 else f"{RUN}.0badcafe"
        where = run.begin("review", "critic", **({"run": child} if child else {}))
        run.answer(
            "review",
            {"findings": [] if lap == 2 else ["no log"], "passed": lap == 2},
            seconds=5.0,
            tokens=2_000,
        )
        score = 0.55 if lap == 1 else 0.9
        run.add("judge.score", "review", judge="quality", score=score, passed=lap == 2, threshold=0.8, attempt=1,
                gate="good-enough", reasoning="It does what it says. " * (4 if lap == 2 else 14), spread=0.05,
                scores=[score - 0.05, score, score + 0.05], criteria={"correct": score, "clear": 0.8})  # fmt: skip
        run.gate("review", lap == 2, gate="good-enough", text="score 0.55 is below 0.8")
        run.add("step.complete", "review", **where)
        if lap == 1:
            run.add(
                "handoff",
                "review",
                from_agent="critic",
                to_agent="coder",
                protocol="direct",
                payload={"log": True},
            )
            run.add("budget.exceeded", None, budget="max_tokens of the run", used=12_300, limit=12_000)
            run.add("loop.error", None, reason="exhausted", detail="max_tokens of the run")
            run.add("budget.add", None, 3_600.0, added={"tokens": 20_000})
            run.add("loop.resume", None, elapsed=30.0, turn=3, tokens=12_300, cost_usd=0.1)
    where = run.begin("deploy", "porter")
    run.answer("deploy", "Ready.", tokens=300)
    run.add(
        "approval.request",
        "deploy",
        id="q1",
        kind="gate",
        gate="sign-off",
        attempt=1,
        question="Deploy to production?",
    )
    run.add("loop.pause", None, reason="approval_required", detail="1 question")
    answer = {"id": "q1", "kind": "gate", "gate": "sign-off", "decision": "approved", "by": "kim"}
    run.add("approval.decision", "deploy", 50_000.0, comment="go ahead", **answer)
    run.add("loop.resume", None, elapsed=60.0, turn=6, tokens=20_000, cost_usd=0.2)
    run.gate("deploy", True, gate="sign-off", text="")
    run.add("step.complete", "deploy", **where)
    run.done()
    run.add("judge.score", None, 600.0, judge="goal_achievement", score=0.93, passed=True, threshold=0.8,
            reasoning="The goal is met.", evaluation="e-1")  # fmt: skip
    child = Journal(f"{RUN}.0badcafe", loop="look-closely", pattern="sequential", steps=["read", "judge"],
                    parent=RUN, parent_step="review")  # fmt: skip
    child.now = 15.0
    for step in ("read", "judge"):
        child.lap(step, f"{step} is done", seconds=1.5, tokens=800)
    child.done()
    return run.record(child)


def long(executions: int = 2_000) -> Recorded:
    """A run of many laps, five events each, of which every seventh fails its gate."""
    run = Journal(goal="Many laps.")
    for lap in range(executions):
        failed = lap % 7 == 3
        run.lap(
            "work",
            f"Lap {lap} is done, with some words about it.",
            not failed,
            f"{lap} failed",
            seconds=0.5 + lap % 5,
        )
    run.done("loop.error", "exhausted", "max_turns: 2,000 turns were taken")
    return run.record()
