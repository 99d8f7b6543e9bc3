"""What docs/judges.md shows works, and it names every judge and every option."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from loopengt.judging import bind_judge
from loopengt.testing import ScriptedAgent, loop_spec
from loopengt_hookspecs.models import JudgeSpec

if TYPE_CHECKING:
    from .conftest import Bench

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "judges.md").read_text(encoding="utf-8")
SHOWN = [yaml.safe_load(block) for block in re.findall(r"(?s)```yaml\n(.*?)```", PAGE)]
COMMON = {"of", "expected", "against"}
"""Options that the page tells of for all judges together."""


@pytest.mark.parametrize("shown", SHOWN, ids=[str(number) for number in range(len(SHOWN))])
def test_what_is_shown_is_sound(shown: Any, bench: Bench) -> None:
    """Each loop, each list of gates and each judge on the page is accepted as it stands."""
    kernel = bench.kernel()
    if isinstance(shown, dict) and "kind" in shown:
        assert bind_judge(kernel, JudgeSpec.model_validate(shown), bench.project).spec.label == shown["name"]
        return
    spec = shown if isinstance(shown, dict) else loop_spec(policy={"verification_gates": shown})
    (bench.project / "loop.json").write_text(json.dumps(spec))
    loaded = kernel.load_spec(bench.project / "loop.json").spec
    kernel.engine().check(loaded)


async def test_the_python_that_is_shown_runs(bench: Bench) -> None:
    """The function on the page scores an output."""
    [code] = re.findall(r"(?s)```python\n(.*?)```", PAGE)
    names: dict[str, Any] = {}
    exec(compile(code, "judges.md", "exec"), names)
    assert await names["judge"](bench.kernel(), "Paris", "Paris") == (1.0, "")


def test_the_page_names_every_judge_and_option(bench: Bench) -> None:
    """No built-in judge, and none of its options, is left out."""
    bench.agent = ScriptedAgent()
    kernel = bench.kernel()
    for component in kernel.components:
        if component.kind != "judges":
            continue
        assert f"| `{component.name}` |" in PAGE
        model = kernel.get("judges", component.name).options
        for name, field in model.model_fields.items():
            option = field.alias or name
            assert option in COMMON or f"`{option}" in PAGE, (component.name, option)
            assert field.description, (component.name, option)
