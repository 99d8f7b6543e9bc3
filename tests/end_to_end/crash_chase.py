"""One run of ``crash.py``: killed, answered and resumed until it ends, and judged then."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crash_agents import TOKENS
from crash_evidence import Look, Watch, call_of, essence, processes_of, story
from crash_lab import Aim, Lab, Pace, Wrong
from crash_loops import REJECTED, Variant

if TYPE_CHECKING:
    import subprocess

__all__ = ["Chase", "Model", "undisturbed"]

_MOST_STARTS = 200
"""Commands after which a run that does not end counts as hanging."""
_PEEK = 0.05
"""Seconds between looks at what a run asks that is driven."""


@dataclass
class Model:
    """How a variant's runs are when nobody disturbs them."""

    look: Look
    pace: Pace


class Chase:
    """One run.

    Args:
        lab: Where it runs.
        variant: Its loop.
        model: An undisturbed run of the same loop; None: this is going to be one.
        kills: How many kills may strike it.
    """

    def __init__(self, lab: Lab, variant: Variant, model: Model | None, kills: int) -> None:
        self._lab = lab
        self._variant = variant
        self._model = model
        self._kills_left = kills
        self._watch = Watch(variant.width)
        self._clerk: _Clerk | None = None
        self.run_id = ""
        self.commands = 0
        self.kills = 0
        self.questions = 0
        """How often a person was asked for the outcome of a step."""
        self.answers = 0
        """How many approvals and rejections were given."""
        self.added = 0
        """How often something was added to the budget."""

    @property
    def look(self) -> Look:
        """The latest look."""
        return self._watch.looks[-1]

    def run(self) -> None:
        """Drive the run to its end.

        Raises:
            Wrong: Something was lost, doubled or left behind.
        """
        command: list[str] | None = ["run", f"{self._variant.name}.yaml", "--quiet"]
        for _ in range(_MOST_STARTS):
            command = self._command(command)
            if command is None:
                self._judge_end()
                return
        raise Wrong(f"the run did not end within {_MOST_STARTS} commands")

    def figures(self) -> str:
        """Say what was done."""
        told = {"kills": self.kills, "commands": self.commands, "outcomes asked": self.questions}
        told |= {"answers": self.answers, "budgets raised": self.added}
        return ", ".join(f"{count} {what}" for what, count in told.items() if count)

    # -- one command ------------------------------------------------------------------------------------------

    def _command(self, command: list[str]) -> list[str] | None:
        """Run a command until it ends or is killed; return the next one, or None at the run's end."""
        lab, short = self._lab, command[0] in ("approve", "reject") and "--resume" not in command
        if self._variant.waits and not short:
            command = [*command, "--wait"]
            self._clerk = _Clerk(lab, self.run_id)
        aim, left, began = self._aim(short), self._turns_left(), time.monotonic()
        process, killed = lab.drive(command, aim, self.run_id, self._clerk)
        if self._model is not None and not (killed or short or self._clerk):
            self._model.pace.learn(time.monotonic() - began, left)
        self._watch.drivers.append(process.pid)
        self.commands += 1
        self.kills += killed
        self._kills_left -= killed
        answered = self._clerk.finish() if self._clerk is not None else []
        if self._clerk is not None and not self.run_id:
            self.run_id = self._clerk.run_id
        self._clerk = None
        self.run_id = self.run_id or lab.new_run()
        if not self.run_id:
            lab.require(killed, f"exit code {process.returncode} without a run")
            return [each for each in command if each != "--wait"]
        self._take_look()
        self.answers += len(answered)
        lost = [name for name in answered if name not in self._decisions()]
        lab.require(not lost, f"answers were acknowledged, but are not durable: {lost}")
        return self._next(command, process, killed)

    def _aim(self, short: bool) -> Aim | None:
        if self._model is None or self._kills_left <= 0:
            return None
        clerk, rng = self._clerk, self._lab.rng
        if clerk is not None and rng.random() < 0.5:
            count, pause = rng.randint(1, 3), rng.uniform(0, 0.02)
            return Aim(f"{pause:.4f} s after answer {count}", lambda: clerk.has_answered(count, pause))
        return self._lab.aim(self._model.pace, self._turns_left(), short=short)

    def _turns_left(self) -> int:
        turns = self._model.pace.turns if self._model is not None else 0
        return max(turns - (self.look.turns_done() if self._watch.looks else 0), 0)

    def _take_look(self) -> None:
        drivers = self._watch.drivers
        look = self._lab.look(self.run_id, drivers=drivers)
        wrong = self._watch.add(look, self._lab.lines(self.run_id, drivers))
        self._lab.note(f"  {look.turns_done()} turns are done; {look.size} events")
        self._lab.require(not wrong, "; ".join(wrong))

    def _decisions(self) -> dict[str, Any]:
        return self.look.main.fold.decisions

    def _next(self, command: list[str], process: subprocess.Popen[bytes], killed: bool) -> list[str] | None:
        """Decide as a person would who looks at the run."""
        code, short = process.returncode, command[0] in ("approve", "reject") and "--resume" not in command
        gates, end = self.look.questions("gate"), self.look.main.fold.end
        lost, calls = self.look.questions("unknown_outcome"), self.look.questions("tool")
        if end is not None and end.reason.value == "exhausted" and (killed or code == 3):
            self.added += 1
            more = f"tokens={6 * TOKENS}" if "token" in end.detail else "turns=12"
            return ["resume", self.run_id, "--quiet", "--add-budget", more]
        if killed and not (gates and self._lab.rng.random() < 0.5):
            return ["resume", self.run_id if self._lab.rng.random() < 0.8 else "latest", "--quiet"]
        if lost and (killed or code == 4):
            return self._find_out(lost)
        if calls and (killed or code == 4):
            return self._permit(calls[0])
        if gates and (killed or code == 4):
            self.answers += 1
            go_on = not self._variant.waits and self._lab.rng.random() < 0.3
            return [*_answer(self.run_id, gates[0]), *(["--resume"] if go_on else [])]
        self._lab.require(code == 0, f"exit code {code}")
        return ["resume", self.run_id, "--quiet"] if short else None

    def _find_out(self, lost: list[dict[str, Any]]) -> list[str]:
        """Find out whether the effect in question happened."""
        self.questions += 1
        left = processes_of([self.run_id])
        self._lab.require(not left, f"{len(left)} processes still run, and a person is asked about {lost}")
        attempts = {question["id"].removeprefix(self.run_id).removeprefix("/") for question in lost}
        effects = {line.attempt for line in self._lab.lines(self.run_id) if line.kind == "effect"}
        done = "done" if attempts & effects else "retry"
        return ["resume", self.run_id, "--quiet", "--unknown-outcome", done]

    def _permit(self, question: dict[str, Any]) -> list[str]:
        """Have a call made again, of which nobody knows whether it was made, unless its effect happened."""
        self.questions += 1
        call = call_of(question["id"].partition(" again")[0].replace(" ", "_"))
        lines = self._lab.lines(self.run_id)
        word = "reject" if any((line.kind, line.attempt) == ("sent", call) for line in lines) else "approve"
        return [word, self.run_id, "--step", question["step"]]

    # -- the end ----------------------------------------------------------------------------------------------

    def _judge_end(self) -> None:
        look, lab = self.look, self._lab
        status = look.main.fold.status.value
        lab.require(status == "completed", f"the run ended {status}")
        left = processes_of([self.run_id])
        lab.require(not left, f"{len(left)} processes of the run are left behind")
        self._judge_checkpoints()
        if self._model is None:
            return
        expected, ordered = self._model.look, self._variant.ordered
        done, turns = look.turns_done(), expected.turns_done()
        lab.require(done == turns, f"{done} of {turns} turns were done")
        pairs = itertools.zip_longest(story(look, ordered), story(expected, ordered))
        differ = [pair for pair in pairs if pair[0] != pair[1]]
        lab.require(not differ, f"the journal differs from that of an undisturbed run: {differ[:1]}")
        states = essence(look, ordered), essence(expected, ordered)
        lab.require(states[0] == states[1], f"the final state is not that of an undisturbed run: {states}")

    def _judge_checkpoints(self) -> None:
        """Each checkpoint has kept just the files of the steps that were done by then."""
        made: set[str] = set()
        for event, attempt in self.look.attempts():
            if event.type == "step.complete":
                step, occurrence, _ = attempt.rsplit("/", 2)
                made.add(f"made/{step}.{occurrence}")
            elif event.type == "checkpoint.save" and "tree" in event.data:
                listed = self._lab.git("ls-tree", "-r", "--name-only", event.data["tree"], "made/")
                kept = set(listed.split())
                self._lab.require(
                    kept == made, f"checkpoint {event.data['checkpoint_id']} has {kept}, not {made}"
                )


class _Clerk:
    """Answers, in other processes, what a run asks that is driven."""

    def __init__(self, lab: Lab, run_id: str) -> None:
        self._lab = lab
        self.run_id = run_id
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = ""
        self._answered: dict[str, float] = {}
        """When each question was answered."""
        self._next = 0.0

    def __call__(self) -> None:
        """Look after the run, if it is time to."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _PEEK
        if self._process is None:
            self._look()
        elif self._process.poll() is not None:
            self._close(self._process.returncode)

    def has_answered(self, count: int, pause: float) -> bool:
        """Whether so many answers have been given, the last of them some time ago."""
        moments = sorted(self._answered.values())
        return len(moments) >= count and time.monotonic() >= moments[count - 1] + pause

    def finish(self) -> list[str]:
        """Wait for the answer that is under way, and return which questions were answered."""
        if self._process is not None:
            self._close(self._process.wait(60))
        return list(self._answered)

    def _look(self) -> None:
        self.run_id = self.run_id or self._lab.new_run(live=True)
        if not self.run_id:
            return
        asked = self._lab.look(self.run_id, live=True).questions("gate")
        asked = [question for question in asked if question["id"] not in self._answered]
        if asked:
            self._asked = asked[0]["id"]
            self._process = self._lab.start(*_answer(self.run_id, asked[0]))

    def _close(self, code: int) -> None:
        self._lab.require(code == 0, f"the answer to {self._asked} ended with {code}")
        self._answered[self._asked] = time.monotonic()
        self._process = None


def _answer(run_id: str, question: dict[str, Any]) -> list[str]:
    """Return the command with which a person answers."""
    no = question["attempt"] == 1 and question["step"].endswith("x")
    words = ["reject", run_id, "--comment", REJECTED] if no else ["approve", run_id]
    return [*words, "--gate", question["gate"], "--step", question["step"]]


def undisturbed(lab: Lab, variant: Variant) -> Model:
    """Run a loop without a kill and take its time."""
    lines, began = len(lab.lines()), time.time()
    chase = Chase(lab, variant, None, 0)
    chase.run()
    seconds = time.time() - began
    lab.require(len(lab.lines()) > lines, "an undisturbed run has executed nothing")
    first = chase.look.main.fold.started_at - began
    return Model(chase.look, Pace(first, max(seconds - first, 0.1), chase.look.turns_done()))
