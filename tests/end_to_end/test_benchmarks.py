"""Runs the benchmarks as one would, at tiny sizes: the shape of what they report, never the timings."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NAMES = [
    "w1",
    "w2",
    "w2-normal",
    "disk",
    "w4",
    "w4d",
    "fan-out",
    "growth",
    "replay",
    "resume",
    "resume-paused",
    "resume-laps",
    "resume-long",
    "trace",
    "memories",
    "requests",
    "agents",
    "calls",
    "spawn",
    "suites",
    "startup",
]
README = "# Title\n\nKept.\n\n<!-- figures: begin -->\nOld.\n<!-- figures: end -->\n\nKept, too.\n"


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m benchmarks`` in the checkout."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def figures(result: dict[str, Any]) -> dict[str, list[float]]:
    """Return the values of each measure of a result by its name."""
    return {measure["name"]: measure["values"] for measure in result["measures"]}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_measurement_works_and_is_reported(tmp_path: Path) -> None:
    """All measurements run, and the JSON, the table and the README's section agree on what was found."""
    file, readme = tmp_path / "figures.json", tmp_path / "README.md"
    readme.write_text(README, encoding="utf-8")
    options = ["--quick", "--runs", "1", "--json", str(file), "--folder", str(tmp_path / "work")]
    done = benchmarks(*options, "--readme", "--readme-file", str(readme))
    assert done.returncode == 0, done.stdout + done.stderr

    text = file.read_text(encoding="utf-8")
    found = json.loads(text)
    assert list(found) == ["machine", "settings", "results"]
    assert {"python", "sqlite", "cores", "kernel", "file_system", "packages"} <= set(found["machine"])
    assert found["settings"]["command"] == "python -m benchmarks --runs 1 --quick --readme"
    assert [result["name"] for result in found["results"]] == NAMES
    for result in found["results"]:
        check_result(result, processes=3 if result["name"] == "startup" else 1)
        assert result["title"] in done.stdout
    assert str(tmp_path) not in text
    assert str(ROOT) not in text
    assert not list((tmp_path / "work").iterdir())

    head, section = readme.read_text(encoding="utf-8").split("<!-- figures: begin -->")
    section, tail = section.split("<!-- figures: end -->")
    assert (head, tail) == ("# Title\n\nKept.\n\n", "\n\nKept, too.\n")
    assert "Old." not in section
    for result in found["results"]:
        assert all(f"\n| {measure['label']} |" in section for measure in result["measures"])


def check_result(result: dict[str, Any], processes: int) -> None:
    """Check one measurement: complete, positive, in order, judged by its median."""
    assert result["error"] is None
    assert result["measures"]
    for measure in result["measures"]:
        assert len(measure["values"]) == processes
        assert all(math.isfinite(value) and value > 0 for value in measure["values"])
        assert measure["min"] == min(measure["values"])
        assert measure["max"] == max(measure["values"])
        assert measure["min"] <= measure["median"] <= measure["max"]
        assert measure["met"] == (None if measure["aim"] is None else measure["median"] <= measure["aim"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ratios_are_made_pair_by_pair(tmp_path: Path) -> None:
    """A ratio is the quotient of two figures of one process, not of two medians."""
    done = benchmarks("w1", "--quick", "--runs", "3", "--json", "-", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    check_result(result, processes=3)
    values = figures(result)
    assert values["ratio_await"] == pytest.approx(
        [ours / limit for ours, limit in zip(values["engine"], values["await_loop"], strict=True)]
    )


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    """A mistyped name ends with exit code 2 and the list of names, before anything is measured."""
    done = benchmarks("w9")
    assert done.returncode == 2
    assert f"there is no measurement 'w9'; there are {', '.join(NAMES)}" in done.stderr
    assert done.stdout == ""


def test_a_readme_that_cannot_take_the_figures_is_refused_first(tmp_path: Path) -> None:
    """A file without the two markers ends with exit code 2 before measuring, and stays as it is."""
    readme = tmp_path / "README.md"
    readme.write_text("No markers.\n", encoding="utf-8")
    done = benchmarks("w1", "--quick", "--readme", "--readme-file", str(readme))
    assert done.returncode == 2
    assert "<!-- figures: begin -->" in done.stderr
    assert readme.read_text(encoding="utf-8") == "No markers.\n"
