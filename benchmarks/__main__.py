"""The command line of the benchmarks: ``python -m benchmarks [NAME...]``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.cases import CASES, Case
from benchmarks.machine import describe_machine, load
from benchmarks.runner import ROOT, Outcome, run_cases

__all__ = ["main"]

_NAMES = {case.name: case for case in CASES}
_RUNS = 5


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, and return 0; 1 when something could not be measured."""
    parser = _parser()
    options = parser.parse_args(arguments)
    cases = _chosen(parser, options.names)
    if options.readme:
        _check_readme(parser, options.readme_file)
    settings: dict[str, Any] = {
        "command": _command(options),
        "runs": options.runs,
        "quick": options.quick,
        "load_before": load(),
    }
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=options.folder) as name:
        folder = Path(name)
        machine = describe_machine(folder)
        outcomes = run_cases(cases, runs=options.runs, quick=options.quick, folder=folder, progress=_tell)
    settings["load_after"] = load()
    return _show(options, machine, settings, outcomes)


def _show(
    options: argparse.Namespace, machine: dict[str, Any], settings: dict[str, Any], outcomes: list[Outcome]
) -> int:
    found = json.dumps(report.record(machine, settings, outcomes), indent=2, ensure_ascii=False)
    sys.stdout.write(f"{found}\n" if options.json == "-" else report.table(outcomes))
    if options.json not in (None, "-"):
        Path(options.json).write_text(f"{found}\n", encoding="utf-8")
    if any(outcome.error for outcome in outcomes):
        _tell("Something could not be measured, as said above; the README is left as it is.")
        return 1
    if options.readme:
        readme: Path = options.readme_file
        section = report.markdown(machine, settings, outcomes)
        text = report.replace_section(readme.read_text(encoding="utf-8"), section)
        readme.write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="Measure what loopengt costs, beside what is physically possible."
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(_NAMES)}; default: all")
    add("--runs", type=_positive, default=_RUNS, help=f"fresh processes for each, default {_RUNS}")
    add("--json", metavar="FILE", help="write all figures here, too; -: print them in place of the table")
    add("--quick", action="store_true", help="tiny sizes: shows that everything works, measures nothing")
    add(
        "--folder",
        type=Path,
        default=ROOT / "build",
        help="where databases are made and removed again, on a real disk; default: build/ in the checkout",
    )
    add("--readme", action="store_true", help="write the figures into benchmarks/README.md")
    add(
        "--readme-file",
        type=Path,
        default=ROOT / "benchmarks" / "README.md",
        metavar="FILE",
        help="write them into this file instead; it has the README's two markers",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _chosen(parser: argparse.ArgumentParser, names: list[str]) -> list[Case]:
    for name in names:
        if name not in _NAMES:
            parser.error(f"there is no measurement {name!r}; there are {', '.join(_NAMES)}")
    return [case for case in CASES if not names or case.name in names]


def _check_readme(parser: argparse.ArgumentParser, readme: Path) -> None:
    """Refuse a file that cannot take the figures now, not after minutes of measuring."""
    try:
        report.replace_section(readme.read_text(encoding="utf-8"), "")
    except (OSError, ValueError) as exc:
        parser.error(f"the figures cannot be written into {readme}: {exc}")


def _command(options: argparse.Namespace) -> str:
    """The command as one would type it again, without folders and files."""
    switches = [f"--runs {options.runs}"] if options.runs != _RUNS else []
    switches += [f"--{name}" for name in ("quick", "readme") if getattr(options, name)]
    return " ".join(["python -m benchmarks", *options.names, *switches])


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
