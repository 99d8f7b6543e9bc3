"""Kills runs at random moments and resumes them, and checks that nothing is lost, doubled or left behind.

``python tests/end_to_end/crash.py --kills 100 --seed 1`` goes through loops of every pattern. It exits with 0, or
prints what is wrong, with the seed and all that led to it, and exits with 1. The seed fixes the aims; the clock
decides where they hit.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from crash_chase import Chase, Model, undisturbed
from crash_lab import Lab, Wrong
from crash_specs import VARIANTS


def kill_runs(lab: Lab, kills: int, names: list[str], stop_at: float) -> None:
    """Chase runs of one variant after the other, until so many kills have struck.

    Args:
        lab: Where they run.
        kills: How many kills, shared out evenly.
        names: The variants.
        stop_at: When the last run may begin, by ``time.monotonic()``.

    Raises:
        Wrong: Something was lost, doubled or left behind, or there was not enough time.
    """
    lab.set_up()
    models: dict[str, Model] = {}
    struck = dict.fromkeys(names, 0)
    while lab.kills < kills or 0 in struck.values():
        for place, name in enumerate(names):
            share = math.ceil((kills - lab.kills) / (len(names) - place))
            if share <= 0 and struck[name]:
                continue
            lab.require(time.monotonic() < stop_at, f"time is up after {lab.kills} of {kills} kills")
            began = time.monotonic()
            if name not in models:
                models[name] = undisturbed(lab, VARIANTS[name])
            chase = Chase(lab, VARIANTS[name], models[name], max(share, 1))
            chase.run()
            struck[name] += chase.kills
            print(
                f"{name:20} {chase.run_id}: {time.monotonic() - began:.1f} s, {chase.figures()}", flush=True
            )
    damage = lab.damage()
    lab.require(not damage, "; ".join(damage))
    print("kills: " + ", ".join(f"{name} {count}" for name, count in struck.items()))


def main() -> int:
    """Read the command line, do it, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many kills must strike")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--storage", choices=["sqlite", "jsonl"], default="sqlite")
    usual = ",".join(name for name, variant in VARIANTS.items() if not variant.serviced)
    parser.add_argument("--variants", default=usual, help="which loops, as a,b,c; default: all but calls")
    parser.add_argument("--seconds", type=float, default=210.0, help="after which no more runs are begun")
    options = parser.parse_args()
    names = options.variants.split(",")
    if unknown := set(names) - VARIANTS.keys():
        parser.error(f"no such variants: {unknown}; there are {', '.join(VARIANTS)}")
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="loopengt-crash-"))
    lab = Lab(folder, options.storage, random.Random(options.seed))
    try:
        kill_runs(lab, options.kills, names, began + options.seconds)
    except Exception as error:
        why = str(error) if isinstance(error, Wrong) else traceback.format_exc()
        told = "\n".join([*lab.diary[-60:], f"WRONG: {why}"])
        again = f"--kills {options.kills} --seed {options.seed} --storage {options.storage}"
        again += f" --variants {options.variants}"
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
