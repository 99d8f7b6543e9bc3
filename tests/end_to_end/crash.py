"""Kills runs at random moments and resumes them, and checks that nothing is lost, doubled or left behind.

``python tests/end_to_end/crash.py --kills 100 --seed 1`` exits with 0, or prints what is wrong, with the seed
and all that led to it, and exits with 1. The seed fixes the aims; the clock decides where they hit.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from crash_evidence import Look, Watch, essence, processes_of, story
from crash_lab import Lab, Wrong
from crash_loops import TURNS, VARIANTS

_MOST_STARTS = 200
"""Commands after which a run that does not end counts as hanging."""


class Chase:
    """One run, killed and resumed until it ends.

    Args:
        lab: Where it runs.
        variant: Its loop.
        expected: An undisturbed run of the same loop.
    """

    def __init__(self, lab: Lab, variant: str, expected: Look) -> None:
        self._lab = lab
        self._variant = variant
        self._expected = expected
        self._watch = Watch()
        self._run_id = ""
        self.kills = 0
        self.questions = 0

    def run(self) -> str:
        """Drive the run to its end and return its id.

        Raises:
            Wrong: Something was lost, doubled or left behind.
        """
        command: list[str] | None = ["run", f"{self._variant}.yaml", "--quiet"]
        for _ in range(_MOST_STARTS):
            command = self._command(*command)
            if command is None:
                self._judge_end()
                return self._run_id
        raise Wrong(f"the run did not end within {_MOST_STARTS} commands")

    def _command(self, *command: str) -> list[str] | None:
        """Run a command until it ends or is killed; return the next one, or None at the run's end."""
        lab = self._lab
        process, killed = lab.drive(self._variant, self._turns_left(), self._run_id, *command)
        self._watch.drivers.append(process.pid)
        self.kills += killed
        self._run_id = self._run_id or lab.new_run()
        if not self._run_id:
            lab.require(killed, f"exit code {process.returncode} without a run")
            return list(command)
        look = lab.look(self._run_id)
        wrong = self._watch.add(look, lab.lines(self._run_id))
        lab.note(f"  {look.turns_done()} of {TURNS} turns are done; {len(look.events)} events")
        lab.require(not wrong, "; ".join(wrong))
        if killed:
            return ["resume", self._run_id if lab.rng.random() < 0.8 else "latest", "--quiet"]
        if process.returncode == 4 and look.question():
            return self._answer(look.question())
        lab.require(process.returncode == 0, f"exit code {process.returncode}")
        return None

    def _answer(self, attempt: str) -> list[str]:
        """Find out whether the effect in question happened, as a person would."""
        self.questions += 1
        left = processes_of([self._run_id])
        self._lab.require(not left, f"{len(left)} processes still run, and a person is asked about {attempt}")
        lines = self._lab.lines(self._run_id)
        done = any(line.kind == "effect" and line.attempt == attempt for line in lines)
        return ["resume", self._run_id, "--quiet", "--unknown-outcome", "done" if done else "retry"]

    def _turns_left(self) -> int:
        return TURNS - (self._watch.looks[-1].turns_done() if self._watch.looks else 0)

    def _judge_end(self) -> None:
        look, expected, lab = self._watch.looks[-1], self._expected, self._lab
        lab.require(look.fold.status.value == "completed", f"the run ended {look.fold.status.value}")
        lab.require(look.turns_done() == TURNS, f"{look.turns_done()} of {TURNS} turns were done")
        pairs = itertools.zip_longest(story(look), story(expected))
        differ = [pair for pair in pairs if pair[0] != pair[1]]
        lab.require(not differ, f"the journal differs from that of an undisturbed run: {differ[:1]}")
        lab.require(essence(look) == essence(expected), "the final state is not that of an undisturbed run")
        left = processes_of([self._run_id])
        lab.require(not left, f"{len(left)} processes of the run are left behind")


def kill_runs(lab: Lab, kills: int) -> None:
    """Chase runs, one after the other, until so many kills have struck.

    Raises:
        Wrong: Something was lost, doubled or left behind, or there was not enough time.
    """
    lab.set_up()
    expected = {variant: lab.undisturbed(variant) for variant in VARIANTS}
    for number in range(kills):
        if lab.kills_left <= 0 or lab.late:
            break
        variant = VARIANTS[number % len(VARIANTS)]
        began = time.monotonic()
        chase = Chase(lab, variant, expected[variant])
        run_id = chase.run()
        seconds = time.monotonic() - began
        figures = f"{chase.kills} kills, {chase.questions} questions, {seconds:.1f} s"
        print(f"{run_id} {variant}: {figures}", flush=True)
    damage = lab.damage()
    lab.require(not damage, "; ".join(damage))
    lab.require(lab.kills_left <= 0, f"time is up after {lab.kills} of {kills} kills")


def main() -> int:
    """Read the command line, do it, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many kills must strike")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--storage", choices=["sqlite", "jsonl"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=170.0, help="after which no more kills come")
    options = parser.parse_args()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="loopengt-crash-"))
    lab = Lab(folder, options.storage, random.Random(options.seed), options.kills, began + options.seconds)
    try:
        kill_runs(lab, options.kills)
    except Exception as error:
        why = str(error) if isinstance(error, Wrong) else traceback.format_exc()
        told = "\n".join([*lab.diary[-60:], f"WRONG: {why}"])
        again = f"--kills {options.kills} --seed {options.seed} --storage {options.storage}"
        print(f"{told}\nEverything is kept in {folder}. Again: python {sys.argv[0]} {again}")
        return 1
    finally:
        lab.kill_leftovers()
    shutil.rmtree(folder)
    figures = f"seed {options.seed}, {options.storage}, {time.monotonic() - began:.0f} s"
    print(f"{lab.kills} kills, {figures}: nothing lost, doubled or left behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
