"""What becomes of each part of the formats of other tools."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from loopengt import LoopengtError, SpecError
from loopengt.testing import make_kernel
from loopengt_evals.formats.assertions import parse_expected
from loopengt_evals.formats.importing import import_file

DATA = Path(__file__).parent / "data"


def read(folder: Path, data: Any, form: str = "auto", name: str = "x.json") -> Any:
    """Write data into a file, and import it."""
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return import_file(make_kernel(folder), path, form)


def evaluators(folder: Path, *each: Any, expected: Any = "x") -> tuple[list[dict[str, Any]], list[str]]:
    """Return the judges that evaluators become, and the notes."""
    case = {"name": "c", "inputs": {"a": 1}, "expected_output": expected, "evaluators": list(each)}
    found = read(folder, {"name": "n", "cases": [case]})
    return found.cases[0].get("judges", []), list(found.notes.places)


def assertions(
    folder: Path, *each: Any, variables: dict[str, Any] | None = None
) -> tuple[list[Any], list[str]]:
    """Return the judges that assertions become, and the notes."""
    found = read(folder, [{"vars": variables or {"a": 1}, "assert": list(each)}])
    return found.cases[0].get("judges", []), list(found.notes.places)


class TestPydanticEvals:
    """Datasets."""

    def test_evaluators_of_each_form(self, tmp_path: Path) -> None:
        """By name alone, with one argument, with several, and spelled out."""
        judges, notes = evaluators(
            tmp_path,
            "EqualsExpected",
            {"Equals": 3},
            {"Contains": {"value": "x", "case_sensitive": False}},
            {"name": "IsInstance", "arguments": ["dict"]},
            {"name": "MaxDuration", "arguments": {"seconds": 2.5}},
            {"MaxDuration": "PT3S"},
        )
        assert judges == [
            {"kind": "exact", "options": {"strip": False}},
            {"kind": "exact", "name": "exact-2", "options": {"strip": False, "expected": 3}},
            {"kind": "contains", "options": {"expected": "x", "ignore_case": True}},
            {"kind": "json_schema", "options": {"schema": {"type": "object"}}},
            {"kind": "expression", "name": "max_duration", "options": {"expression": "run.elapsed <= 2.5"}},
            {"kind": "expression", "name": "max_duration-2", "options": {"expression": "run.elapsed <= 3"}},
        ]
        assert notes == []

    def test_judges_that_ask(self, tmp_path: Path) -> None:
        """Rubric, model, name, input and steps come along; settings do not, and that is said."""
        judges, notes = evaluators(
            tmp_path,
            {"LLMJudge": "is polite"},
            {"LLMJudge": {
                "rubric": "is true", "model": "google-gla:gemini-2.5-pro", "include_input": True,
                "include_expected_output": True, "assertion": {"evaluation_name": "truth"},
                "model_settings": {"temperature": 0}}},
            {"LLMJudge": {"rubric": "r", "model": "mine:m"}},
            {"GEval": {"criteria": "coherent", "evaluation_steps": ["read", "judge"], "score_range": [1, 5]}},
        )  # fmt: skip
        assert [judge["name"] for judge in judges] == ["llm_judge", "truth", "llm_judge-2", "g_eval"]
        assert judges[1]["agent"] == {"provider": "google", "model": "gemini-2.5-pro"}
        assert judges[1]["options"] == {
            "criteria": [{"name": "rubric", "description": "is true"}],
            "inputs": True,
        }
        assert "agent" not in judges[2]
        assert judges[3]["options"]["instructions"] == "1. read\n2. judge"
        assert any("the model mine:m was left out" in note for note in notes)
        assert any("model_settings" in note for note in notes)
        assert any("score_range" in note for note in notes)

    def test_what_has_no_judge_is_said_for_each_case(self, tmp_path: Path) -> None:
        """Unknown evaluators, types and values are left out by name."""
        judges, notes = evaluators(
            tmp_path,
            {"IsInstance": "MyModel"},
            "Mine",
            {"MaxToolCalls": 3},
            {"Equals": None},
            {"a": 1, "b": 2},
        )
        assert judges == []
        said = " ".join(notes)
        for name in ("IsInstance", "Mine", "MaxToolCalls", "Equals"):
            assert f"the evaluator {name} was left out" in said

    def test_expected_of_some_cases_only(self, tmp_path: Path) -> None:
        """EqualsExpected says nothing of a case without expected output, as there."""
        cases = [{"inputs": 1, "expected_output": 2}, {"inputs": 3}, {"name": "1", "inputs": 4}]
        found = read(tmp_path, {"cases": cases, "evaluators": ["EqualsExpected"], "report_evaluators": ["R"]})
        assert [case["id"] for case in found.cases] == ["case-1", "case-2", "1"]
        assert [("judges" in case) for case in found.cases] == [True, False, False]
        assert [case["inputs"] for case in found.cases] == [{"input": 1}, {"input": 3}, {"input": 4}]
        assert any("the report evaluator R was left out" in note for note in found.notes.places)

    def test_names_that_are_no_ids(self, tmp_path: Path) -> None:
        """The same name twice, control characters and long names become ids, and that is said."""
        cases = [{"name": name, "inputs": {"n": 1}} for name in ("a", "a", "b\x1b\n", "x" * 300)]
        found = read(tmp_path, {"cases": cases})
        assert [case["id"] for case in found.cases] == ["a", "a-2", "b", "x" * 100]
        assert len(next(iter(found.notes.places.values()))) == 3


class TestPromptfoo:
    """Configurations and tests."""

    def test_assertions_that_have_a_judge(self, tmp_path: Path) -> None:
        """Each becomes the judge that holds the same."""
        judges, notes = assertions(
            tmp_path,
            {"type": "equals", "value": {"n": 1}},
            {"type": "not-equals", "value": "no"},
            {"type": "icontains-any", "value": ["a", "b"]},
            {"type": "not-contains", "value": "bad"},
            {"type": "contains-all", "value": ["a"], "metric": "both"},
            {"type": "regex", "value": "^a"},
            {"type": "not-regex", "value": "b$"},
            {"type": "starts-with", "value": "a.b"},
            {"type": "is-json"},
            {"type": "cost", "threshold": 0.002},
            {"type": "latency", "threshold": 1500},
            {"type": "llm-rubric", "value": "is nice", "threshold": 0.5},
        )
        assert notes == []
        by_name = {judge.get("name", judge["kind"]): judge for judge in judges}
        assert by_name["exact"]["options"] == {"strip": False, "expected": {"n": 1}}
        assert by_name["not-equals"]["options"] == {"expression": 'output != "no"'}
        assert by_name["contains"]["options"] == {"find": "any", "expected": ["a", "b"], "ignore_case": True}
        assert by_name["contains-2"]["options"] == {"find": "none", "expected": "bad"}
        assert by_name["both"]["options"] == {"expected": ["a"]}
        assert by_name["regex-2"]["options"] == {"pattern": "b$", "negate": True}
        assert by_name["starts-with"]["options"] == {"pattern": r"\Aa\.b"}
        assert by_name["cost"]["options"] == {"expression": "run.cost_usd <= 0.002"}
        assert by_name["latency"]["options"] == {"expression": "run.elapsed <= 1.5"}
        assert by_name["llm-rubric"]["threshold"] == 0.5

    def test_assertions_that_have_none_are_said(self, tmp_path: Path) -> None:
        """Code is never executed, sets of which some may fail, files and patterns of another kind are left out."""
        judges, notes = assertions(
            tmp_path,
            {"type": "javascript", "value": "output.length"},
            {"type": "not-is-json"},
            {"type": "not-contains-all", "value": ["a"]},
            {"type": "equals", "value": "file://x.txt"},
            {"type": "regex", "value": "(?<name>a)\\p{L}"},
            {"type": "assert-set", "threshold": 0.5, "assert": [{"type": "equals", "value": "a"}]},
            {"type": "assert-set", "assert": [{"type": "equals", "value": "kept", "weight": 3}]},
            {"type": "contains", "value": ""},
            "odd",
        )
        assert [judge["options"]["expected"] for judge in judges] == ["kept"]
        said = "\n".join(notes)
        wanted = (
            "javascript was", "not-is-json was", "not-contains-all was", "file://x.txt", "Python does not know",
            "some may fail", "weight of", "assertion contains was", "without a type",
        )  # fmt: skip
        for what in wanted:
            assert what in said, what

    def test_variables_in_values(self, tmp_path: Path) -> None:
        """Plain ones are put in; what is more of a template is kept as text, and said."""
        judges, notes = assertions(
            tmp_path,
            {"type": "contains", "value": "{{ city }} of {{user.name}}"},
            {"type": "contains", "value": "{{ city | upper }}"},
            variables={"city": "Rome", "user": {"name": "Ann"}},
        )
        assert [judge["options"]["expected"] for judge in judges] == ["Rome of Ann", "{{ city | upper }}"]
        assert notes == ["the template in the assertion contains was kept as text"]

    def test_a_configuration_with_defaults_files_and_lists(self, tmp_path: Path) -> None:
        """defaultTest is in each, lists in vars are combined, files beside it are read, others are not."""
        (tmp_path / "more.csv").write_text(
            "q,__expected,__expected2,__description,__metadata:tags[],__metric,__prefix\n"
            '2+2,4,"contains-any: four, 4",Sum,"a, b",right,P\nhey,Note: hi,,,,,\n'
        )
        (tmp_path / "t").mkdir()
        (tmp_path / "t/one.yaml").write_text("- vars: {q: from yaml}\n")
        config = {
            "description": "Mine",
            "prompts": ["{{q}}"],
            "evaluateOptions": {"repeat": 3},
            "defaultTest": {"vars": {"lang": "en"}, "assert": [{"type": "contains", "value": "{{lang}}"}]},
            "tests": [
                {"description": "Both", "vars": {"q": ["a", "b"]}, "provider": "x", "threshold": 0.5},
                {"vars": {"q": ["a", "b"]}, "options": {"disableVarExpansion": True, "prefix": "P"}},
                "file://more.csv",
                "file://t/*.yaml",
                "file://gen.py",
                "file://../secret.yaml",
                "file://none.yaml",
            ],
        }
        found = read(tmp_path, config)
        assert (found.name, found.repeat) == ("Mine", 3)
        assert [(case["id"], case["inputs"]["q"]) for case in found.cases] == [
            ("Both", "a"), ("case-2", "b"), ("case-3", ["a", "b"]), ("Sum", "2+2"), ("case-5", "hey"),
            ("case-6", "from yaml"),
        ]  # fmt: skip
        assert all(case["inputs"]["lang"] == "en" for case in found.cases)
        assert all(case["judges"][0]["options"]["expected"] == "en" for case in found.cases)
        assert [judge["options"]["expected"] for judge in found.cases[3]["judges"][1:]] == [
            "4",
            ["four", "4"],
        ]
        assert found.cases[3]["metadata"] == {"tags": ["a", "b"]}
        assert found.cases[4]["judges"][1]["options"]["expected"] == "Note: hi"
        said = "\n".join(found.notes.places)
        for what in ("prompts were", "gen.py were", "secret.yaml were", "there is no such file", "provider was",
                     "the test's threshold", "options.prefix", "__prefix", "each combination"):  # fmt: skip
            assert what in said, what

    def test_too_many_combinations_are_cut(self, tmp_path: Path) -> None:
        """A test cannot blow up to more than a thousand cases, and that is said."""
        found = read(tmp_path, [{"vars": {name: list(range(20)) for name in "abcd"}}])
        assert len(found.cases) == 1000
        assert "combinations beyond 1,000 were left out" in found.notes.places

    @pytest.mark.parametrize(
        ("cell", "parsed"),
        [
            ("Paris", {"type": "equals", "value": "Paris"}),
            ("contains: Paris", {"type": "contains", "value": "Paris"}),
            ("similar(0.7):x", {"type": "similar", "value": "x", "threshold": 0.7}),
            ("not-icontains-any: a, b", {"type": "not-icontains-any", "value": ["a", "b"]}),
            ("grade: is nice", {"type": "llm-rubric", "value": "is nice"}),
            ("fn: output > 1", {"type": "javascript", "value": "output > 1"}),
            ("is-json", {"type": "is-json"}),
            ("Note: this", {"type": "equals", "value": "Note: this"}),
        ],
    )
    def test_cells_of_expected(self, cell: str, parsed: dict[str, Any]) -> None:
        """A known type before a colon is one, all else is text."""
        assert parse_expected(cell) == parsed


class TestInspect:
    """Logs."""

    def test_a_packed_log_is_the_same_as_its_json(self, tmp_path: Path) -> None:
        """A .eval file, packed with deflate as older ones are, gives the same cases."""
        log = json.loads((DATA / "inspect.json").read_text())
        with zipfile.ZipFile(tmp_path / "old.eval", "w", zipfile.ZIP_DEFLATED) as archive:
            samples = log.pop("samples")
            archive.writestr("header.json", json.dumps(log))
            for sample in samples:
                archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
        kernel = make_kernel(tmp_path)
        packed = import_file(kernel, tmp_path / "old.eval", "auto")
        plain = import_file(kernel, DATA / "inspect.json", "auto")
        assert (packed.cases, packed.judges) == (plain.cases, plain.judges)
        assert packed.cases[1]["inputs"]["input"][0] == {"role": "system", "content": "be short"}
        assert packed.cases[1]["expected"] == ["Paris", "paris"]

    def test_a_log_packed_with_zstandard(self, tmp_path: Path) -> None:
        """Which is how Inspect writes them now; the fixture was written by it."""
        pytest.importorskip("zstandard", reason="pip install zstandard")
        kernel = make_kernel(tmp_path)
        packed = import_file(kernel, DATA / "inspect.eval", "auto")
        assert packed.cases == import_file(kernel, DATA / "inspect.json", "auto").cases

    def test_without_the_package_it_says_how_to_get_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The error names the package, and the command that makes JSON of it."""
        monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
        with pytest.raises(LoopengtError, match="takes the package zstandard") as caught:
            import_file(make_kernel(tmp_path), DATA / "inspect.eval", "auto")
        assert "inspect log convert" in caught.value.remedy

    @pytest.mark.parametrize(
        "damage", [lambda raw: raw[:3000], lambda raw: raw[:1500] + b"\0" * 9 + raw[1509:]]
    )
    def test_damaged_archives(self, tmp_path: Path, damage: Any) -> None:
        """A cut or overwritten archive is an error with the file's name, and no traceback."""
        pytest.importorskip("zstandard", reason="pip install zstandard")
        (tmp_path / "x.eval").write_bytes(damage((DATA / "inspect.eval").read_bytes()))
        with pytest.raises(SpecError, match=r"x\.eval"):
            import_file(make_kernel(tmp_path), tmp_path / "x.eval", "auto")

    def test_scorers_choices_and_pictures(self, tmp_path: Path) -> None:
        """Those with a judge become one; what has none, and what is no text, is said."""
        log = json.loads((DATA / "inspect.json").read_text())
        names = ["exact", "inspect_ai/model_graded_qa", "mine", "includes"]
        log["eval"]["scorers"] = [{"name": name, "options": {"ignore_case": False}} for name in names]
        log["samples"] = [{
            "id": 1, "epoch": 1, "target": "A", "choices": ["x", "y"], "files": ["f"], "metadata": {},
            "input": [{"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image", "image": "…"}]}],
        }]  # fmt: skip
        found = read(tmp_path, log)
        assert [judge.get("name", judge["kind"]) for judge in found.judges] == [
            "exact",
            "model_graded_qa",
            "includes",
        ]
        assert "ignore_case" not in found.judges[2].get("options", {})
        assert found.cases == [
            {"id": "1", "inputs": {"input": "see", "choices": ["x", "y"]}, "expected": "A"}
        ]
        said = "\n".join(found.notes.places)
        for what in ("the scorer mine was left out", "what is no text", "its files was left out"):
            assert what in said, what


def test_judges_that_no_plugin_has_are_left_out(tmp_path: Path) -> None:
    """What could not be loaded is not written."""
    shutil.copy(DATA / "inspect.json", tmp_path / "x.json")
    without = make_kernel(tmp_path, config={"plugins": {"disabled": ["judges"]}})
    found = import_file(without, tmp_path / "x.json", "auto")
    assert found.judges == []
    assert any("no loaded plugin has it" in note for note in found.notes.places)
