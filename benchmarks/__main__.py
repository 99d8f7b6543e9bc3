"""The command line of the benchmarks: ``python -m benchmarks [NAME...]``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.cases import CASES, Case
from benchmarks.machine import describe_machine, load
from benchmarks.runner import ROOT, run_cases

__all__ = ["main"]

_NAMES = {case.name: case for case in CASES}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return 0; 1 when something could not be measured."""
    options = _parser().parse_args(arguments)
    cases = _chosen(options.names)
    options.folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "command": _command(options),
        "runs": options.runs,
        "quick": options.quick,
        "load_before": load(),
    }
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.folder) as folder:
        machine = describe_machine(Path(folder))
        outcomes = run_cases(
            cases, runs=options.runs, quick=options.quick, folder=Path(folder), progress=_tell
        )
    settings["load_after"] = load()
    found = json.dumps(report.record(machine, settings, outcomes), indent=2, ensure_ascii=False) + "\n"
    if options.json == "-":
        sys.stdout.write(found)
    else:
        sys.stdout.write(report.table(outcomes))
    if options.json not in (None, "-"):
        Path(options.json).write_text(found, encoding="utf-8")
    if options.readme:
        report.rewrite(options.readme_file, report.markdown(machine, settings, outcomes))
    return 1 if any(outcome.error for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(_NAMES)}; default: all"
    )
    parser.add_argument(
        "--runs", type=_positive, default=5, help="fresh processes for each measurement, default 5"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="also write all figures here; -: print them, not the table"
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: shows that it works, measures nothing"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / "build",
        help="where databases are made and removed, on a real disk; default: build/ in the checkout",
    )
    parser.add_argument("--readme", action="store_true", help="write the figures into the README")
    parser.add_argument(
        "--readme-file", type=Path, default=ROOT / "benchmarks" / "README.md", help="which README"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _chosen(names: list[str]) -> list[Case]:
    unknown = [name for name in names if name not in _NAMES]
    if unknown:
        _parser().error(f"there is no measurement {unknown[0]!r}; there are {', '.join(_NAMES)}")
    return [case for case in CASES if not names or case.name in names]


def _command(options: argparse.Namespace) -> str:
    """The command as one would type it again, without folders and files."""
    switches = [f"--runs {options.runs}"] if options.runs != 5 else []
    switches += [f"--{name}" for name in ("quick", "readme") if getattr(options, name)]
    return " ".join(["python -m benchmarks", *options.names, *switches])


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
