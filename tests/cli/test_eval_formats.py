"""The commands ``eval import`` and ``eval export``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from .conftest import Bench

DATA = Path(__file__).parents[1] / "plugins/evals/formats/data"

DATASET = """
name: my
cases:
- name: one
  inputs: {country: France}
  expected_output: Paris
  metadata: {difficulty: easy}
  evaluators: [{Contains: {value: par, case_sensitive: false}}]
- name: two
  inputs: {country: Italy}
  expected_output: Rome
evaluators: [{IsInstance: str}, EqualsExpected, {HasMatchingSpan: {name_equals: x}}]
"""

LOOP = """
name: capitals
goal: Name the capital.
agents: [{name: a, config: {provider: python, extra: {function: "ag:answer", cost: free}}}]
steps: [{name: answer, agent: a, prompt_template: "Capital of {country}?"}]
context: {country: Spain}
"""

AGENT = "def answer(request):\n    return {'France': 'Paris', 'Italy': 'Milan'}[request.context['country']]\n"


@pytest.fixture
def project(bench: Bench) -> Bench:
    """A project with a loop whose agent knows one of two capitals, and a dataset of pydantic-evals."""
    (bench.project / ".loopengt").mkdir(exist_ok=True)
    bench.write("loop.yaml", LOOP)
    bench.write("ag.py", AGENT)
    bench.write("dataset.yaml", DATASET)
    return bench


@pytest.mark.slow
def test_from_a_dataset_to_results_that_inspect_shows(project: Bench) -> None:
    """What is imported runs as a suite; its results become a log, and its cases a dataset and tests again."""
    done = project.run("eval", "import", "dataset.yaml", "-o", "evals.yaml", "--loop", "loop.yaml")
    assert done.returncode == 0, done.stderr
    assert "2 cases with 4 judges from pydantic-evals: evals.yaml" in done.stderr
    assert (
        "- the evaluator HasMatchingSpan was left out: there is no judge that does the same (all cases)"
        in done.stderr
    )
    ran = project.run("eval", "suite", "evals.yaml", "--repeat", "2", "--json")
    assert ran.returncode == 3, ran.stderr
    done = project.run("eval", "export", "latest", "--to", "inspect")
    assert done.returncode == 0, done.stderr
    log = json.loads(done.stdout)
    assert [(one["id"], one["epoch"], one["output"]["completion"]) for one in log["samples"]] == [
        ("one", 1, "Paris"), ("one", 2, "Paris"), ("two", 1, "Milan"), ("two", 2, "Milan")
    ]  # fmt: skip
    assert [one["scores"]["success"]["value"] for one in log["samples"]] == ["C", "C", "I", "I"]
    assert log["samples"][2]["scores"]["exact"]["value"] == 0
    assert "'Rome' is expected" in log["samples"][2]["scores"]["exact"]["explanation"]
    assert [one["target"] for one in log["samples"]] == ["Paris", "Paris", "Rome", "Rome"]
    dataset = yaml.safe_load(project.run("eval", "export", "latest", "--to", "pydantic-evals").stdout)
    assert [case["expected_output"] for case in dataset["cases"]] == ["Paris", "Rome"]
    assert dataset["evaluators"] == [{"IsInstance": "str"}]
    assert dataset["cases"][0]["evaluators"] == [
        "EqualsExpected", {"Contains": {"value": "par", "case_sensitive": False, "as_strings": True}}
    ]  # fmt: skip
    done = project.run("eval", "export", "evals.yaml", "--to", "promptfoo", "-o", "tests.yaml")
    assert (
        "- the judge json_schema (json_schema) was left out: no assertion does the same (one, two)"
        in done.stderr
    )
    tests = yaml.safe_load((project.project / "tests.yaml").read_text())
    assert tests[0] == {
        "description": "one",
        "vars": {"country": "France"},
        "metadata": {"difficulty": "easy"},
        "assert": [{"type": "equals", "value": "Paris"}, {"type": "icontains", "value": "par"}],
    }
    back = project.run("eval", "import", "tests.yaml")
    assert [case["id"] for case in yaml.safe_load(back.stdout)] == ["one", "two"]


@pytest.mark.slow
def test_cases_without_a_loop_are_a_file_for_a_suite(project: Bench) -> None:
    """A file of cases has the judges of all of them in each, and a suite that names it runs."""
    assert project.run("eval", "import", "dataset.yaml", "-o", "cases.yaml").returncode == 0
    project.write("evals.yaml", "name: s\nloop: loop.yaml\ncases: cases.yaml\n")
    found = json.loads(project.run("eval", "suite", "evals.yaml", "--json").stdout)
    assert json.dumps(found).count("json_schema") > 0
    assert project.run("eval", "import", "evals.yaml").stderr.startswith(
        "Error: evals.yaml is an evals.yaml already"
    )


@pytest.mark.slow
def test_a_file_that_is_there_is_kept(project: Bench) -> None:
    """Neither command writes over a file without --force."""
    project.write("out.yaml", "mine")
    for words in (("import", "dataset.yaml"), ("export", "evals.yaml", "--to", "promptfoo")):
        done = project.run("eval", *words, "-o", "out.yaml")
        assert done.returncode == 2
        assert "out.yaml is there already" in done.stderr
    assert (project.project / "out.yaml").read_text() == "mine"
    assert project.run("eval", "import", "dataset.yaml", "-o", "out.yaml", "--force").returncode == 0


def test_a_log_of_inspect(project: Bench) -> None:
    """Samples become cases, epochs the repetition, scorers judges; what is lost is said."""
    done = project.run("eval", "import", str(DATA / "inspect.json"), "--loop", "loop.yaml")
    suite = yaml.safe_load(done.stdout)
    assert (suite["name"], suite["repeat"]) == ("t", 2)
    assert [case["id"] for case in suite["cases"]] == ["a", "2", "3"]
    assert suite["cases"][0] == {
        "id": "a", "inputs": {"input": "What is 1+1?"}, "expected": "2", "metadata": {"k": 1}
    }  # fmt: skip
    assert [(judge["kind"], judge["name"]) for judge in suite["judges"]] == [
        ("contains", "match"), ("contains", "includes")
    ]  # fmt: skip
    assert "its setup was left out" in done.stderr


@pytest.mark.slow
def test_many_cases_are_a_file_of_lines(project: Bench) -> None:
    """A log of 1,000 samples with large events is read, and its cases are written as a suite reads them."""
    log = json.loads((DATA / "inspect.json").read_text())
    one = log["samples"][0] | {"store": {"x": "y" * 3000}, "metadata": {"long": "z" * 5000}}
    log["samples"] = [one | {"id": f"s{number}"} for number in range(1000)]
    project.write("log.json", json.dumps(log))
    done = project.run("eval", "import", "log.json", "-o", "cases.jsonl")
    assert done.returncode == 0, done.stderr
    project.write("evals.yaml", "name: s\nloop: loop.yaml\ncases: cases.jsonl\n")
    there = yaml.load(
        project.run("eval", "export", "evals.yaml", "--to", "promptfoo").stdout, yaml.CSafeLoader
    )
    assert (len(there), there[-1]["description"]) == (1000, "s999")
    as_yaml = project.run("eval", "import", "log.json", "-o", "cases.yaml")
    assert "larger than what a suite reads as YAML: take -o cases.jsonl" in as_yaml.stderr
    both = project.run("eval", "import", "log.json", "-o", "x.jsonl", "--loop", "loop.yaml")
    assert both.returncode == 2


@pytest.mark.parametrize(
    ("name", "text", "words", "said"),
    [
        ("x.yaml", "hello: 1\n", (), "it cannot be told of which format x.yaml is"),
        ("x.yaml", "hello: 1\n", ("--format", "inspect"), "x.yaml:1:1: not a file of inspect"),
        ("x.yaml", "cases: 3\n", ("--format", "pydantic-evals"), "not a file of pydantic-evals"),
        ("x.yaml", "tests: []\n", (), "not a file of promptfoo: there are no tests"),
        ("x.yaml", "a: [\n", (), "x.yaml:"),
        ("x.jsonl", "{broken\n", (), "x.jsonl:1:1: line 1 of x.jsonl is not JSON"),
        ("x.json", '{"a":\n1,,}', (), "x.json:2:3: not valid JSON"),
        ("x.json", "[" * 100_000, (), "x.json:1:1: it is nested too deeply"),
        ("x.csv", "a,b\n1\n", (), "has not as many cells as there are columns"),
        ("x.eval", "no zip", (), "x.eval:"),
    ],
)
def test_files_that_are_no_cases(
    project: Bench, name: str, text: str, words: tuple[str, ...], said: str
) -> None:
    """A file that cannot be read is told with the place, and nothing is written."""
    project.write(name, text)
    done = project.run("eval", "import", name, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.yaml", "--to", "promptfoo"), "there is no evaluation 'none.yaml'"),
        (("dataset.yaml", "--to", "inspect"), "dataset.yaml is no evaluation"),
        (("latest", "--to", "inspect"), "there are no evaluations yet"),
        (("dataset.yaml", "--to", "promptfoo"), "dataset.yaml:"),
    ],
)
def test_what_cannot_be_exported(project: Bench, words: tuple[str, ...], said: str) -> None:
    """It is told what is missing."""
    done = project.run("eval", "export", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.slow
def test_hostile_texts_and_secrets(project: Bench) -> None:
    """Names with escapes end up neither on the terminal nor as keys; secrets do not leave with an export."""
    secret = "sk-" + "a1B2c3D4" * 6
    cases = [{"name": "\x1b[2J\u202ered", "inputs": {"k": "\x1b[31m"}, "evaluators": ["Evil\x1b[2J"]}]
    project.write("d.json", json.dumps({"cases": cases}))
    done = project.run("eval", "import", "d.json", "-o", "cases.yaml")
    assert done.returncode == 0
    assert "\x1b" not in done.stderr and "\u202e" not in done.stderr
    assert yaml.safe_load((project.project / "cases.yaml").read_text())[0]["inputs"] == {"k": "\x1b[31m"}
    project.write("evals.yaml", json.dumps({
        "name": "s", "loop": "loop.yaml", "judges": ["exact"],
        "cases": [{"id": "x", "inputs": {"country": "France"}, "expected": secret}],
    }))  # fmt: skip
    for form in ("promptfoo", "pydantic-evals"):
        assert secret not in project.run("eval", "export", "evals.yaml", "--to", form).stdout
    project.run("eval", "suite", "evals.yaml")
    log = project.run("eval", "export", "latest", "--to", "inspect").stdout
    assert secret not in log and json.loads(log)["samples"]
