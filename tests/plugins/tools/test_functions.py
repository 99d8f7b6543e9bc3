"""The tool type ``function``: schemas from type hints, arguments made what the hints say, results made JSON."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopengt.redaction import Redactor
from loopengt_hookspecs.errors import AgentError, MissingRequirement, UsageError
from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import BoundTool, ToolError

Bench = Any

HEAD = """
from __future__ import annotations
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from typing_extensions import TypedDict
from pydantic import BaseModel, Field
if TYPE_CHECKING:
    from loopengt_hookspecs.tools import ToolCall
    from nowhere import Unknown

class Colour(Enum):
    RED = "red"
@dataclass
class Point:
    x: int
    y: int = 0
class Person(BaseModel):
    name: str
    born: date | None = None
class Found(TypedDict):
    lines: list[int]
"""


def tool_of(bench: Bench, source: str, function: str = "do", **fields: Any) -> BoundTool:
    """Write tools.py and bind one of its functions."""
    bench.write("my_tools.py", HEAD + source)
    bound: BoundTool = bench.bind("do_it", "function", function_ref=f"my_tools:{function}", **fields)
    return bound


async def test_the_schema_comes_from_the_hints(bench: Bench) -> None:
    """Types, defaults, descriptions and limits of the parameters are in the schema, and no titles but models' own."""
    tool = tool_of(
        bench,
        "def do(city: Annotated[str, Field(description='Where')], days: int = 3, unit: Literal['c', 'f'] = 'c',\n"
        "       *, schema: float = Field(0.5, ge=0, description='A name of pydantic'), free=None) -> str:\n"
        '    """Tell the\n    weather.\n\n    More.\n    """\n    return f"{city} {days} {unit} {schema} {free}"',
    )
    (offer,) = await tool.offers(bench.workspace)
    assert offer.description == "Tell the weather."
    assert (offer.source, offer.effects, offer.output_schema) == ("my_tools:do", Effects.IDEMPOTENT, None)
    assert offer.input_schema == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "city": {"description": "Where", "type": "string"},
            "days": {"default": 3, "type": "integer"},
            "unit": {"default": "c", "enum": ["c", "f"], "type": "string"},
            "schema": {"default": 0.5, "description": "A name of pydantic", "minimum": 0, "type": "number"},
            "free": {"default": None},
        },
        "required": ["city"],
    }
    assert await bench.calling(tool, city="Rome") == "Rome 3 c 0.5 None"
    with pytest.raises(ToolError, match="days"):
        await tool.call(bench.made("do_it", {"city": "Rome", "days": "x"}))
    assert await bench.calling(tool, city="Rome", days=1, schema=2, free=[1]) == "Rome 1 c 2.0 [1]"


async def test_arguments_become_what_the_hints_say(bench: Bench) -> None:
    """Models, dataclasses, enums, dates, sets, tuples and paths arrive as such, not as JSON."""
    tool = tool_of(
        bench,
        "def do(p: Person, at: Point, c: Colour, day: date, s: set[int], t: tuple[int, str], path: Path):\n"
        "    return [type(v).__name__ for v in (p, p.born, at, c, day, s, t)] + [at.y, path.name]",
    )
    said = await bench.calling(
        tool,
        p={"name": "A", "born": "2000-01-02"},
        at={"x": 1},
        c="red",
        day="2026-01-31",
        s=[1, 2],
        t=[1, "a"],
        path="a/b",
    )
    assert said == ["Person", "date", "Point", "Colour", "date", "set", "tuple", 0, "b"]


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("def do(): return Person(name='A')", {"name": "A", "born": None}),
        (
            "def do() -> Person: return Person(name='A', born=date(2000, 1, 2))",
            {"name": "A", "born": "2000-01-02"},
        ),
        ("def do() -> list[Point]: return [Point(1)]", [{"x": 1, "y": 0}]),
        ("def do() -> Any: return {Colour.RED: {1}, 2: Path('a')}", {"red": [1], "2": "a"}),
        ("def do() -> Unknown: return 1", 1),
        ("def do() -> Found: return {'lines': [1]}", {"lines": [1]}),
        ("def do() -> int: return 'a lie'", "a lie"),
        ("async def do() -> Point: return Point(1)", {"x": 1, "y": 0}),
        ("async def later(): return 1\ndef do(): return later()", 1),
        ("class Do:\n  async def __call__(self) -> int: return 1\ndo = Do()", 1),
        (
            "from functools import partial\ndef add(a: int, b: int): return a + b\ndo = partial(add, 1, b=2)",
            3,
        ),
        ("def do(): pass", None),
    ],
)
async def test_results_become_json(bench: Bench, source: str, result: Any) -> None:
    """Sync and async functions, callable objects and partials return what JSON holds, also against their hints."""
    assert await bench.calling(tool_of(bench, source)) == result


async def test_the_schema_of_the_result_is_that_of_an_object(bench: Bench) -> None:
    """A model, dataclass or typed dict as return hint is offered as output schema, another hint is not."""
    schemas = []
    for number, hint in enumerate(
        ("Person", "Point", "Found", "dict[str, int]", "list[int]", "str", "None", "Any")
    ):
        bench.write(f"returns{number}.py", f"{HEAD}\ndef do() -> {hint}: ...")
        tool = bench.bind("do_it", "function", function_ref=f"returns{number}:do")
        (offer,) = await tool.offers(bench.workspace)
        schemas.append(offer.output_schema and sorted(offer.output_schema.get("properties", {"any": 0})))
    assert schemas == [["born", "name"], ["x", "y"], ["lines"], ["any"], None, None, None, None]
    tool = tool_of(
        bench, "def do() -> Point: ...", return_schema={"type": "string"}, schema_def={"type": "object"}
    )
    (offer,) = await tool.offers(bench.workspace)
    assert (offer.input_schema, offer.output_schema) == ({"type": "object"}, {"type": "string"})


@pytest.mark.parametrize(
    "source",
    ["def do(n: int, c: ToolCall)", "def do(tool_call, n: int)", "async def do(n: int, *, c: ToolCall)"],
)
async def test_the_call_itself_can_be_had(bench: Bench, source: str) -> None:
    """A parameter that is typed ToolCall, or named tool_call, gets the call and is not in the schema."""
    name = "tool_call" if "tool_call" in source else "c"
    tool = tool_of(bench, f"{source}:\n  return [n, {name}.workspace.name, {name}.idempotency_key]")
    (offer,) = await tool.offers(bench.workspace)
    assert list(offer.input_schema["properties"]) == ["n"]
    assert await bench.calling(tool, n=1) == [1, "workspace", "run-1/work/1/1/c1"]


async def test_other_shapes_of_parameters(bench: Bench) -> None:
    """Positional-only ones are filled, ** takes what else there is, * nothing."""
    tool = tool_of(bench, "def do(a, b=2, /, *rest, c, d=object, **more): return [a, b, rest, c, more]")
    assert await bench.calling(tool, a=1, c=3, e=4) == [1, 2, [], 3, {"e": 4}]


async def test_arguments_that_do_not_fit_are_told_to_the_model(bench: Bench) -> None:
    """With a schema of the spec's own, the hints still decide; every problem is named."""
    tool = tool_of(bench, "def do(n: int, at: Point): ...", schema_def={"type": "object"})
    with pytest.raises(ToolError) as caught:
        await bench.calling(tool, n="x", at={"z": 1}, other=1)
    lines = str(caught.value).split("\n")
    assert lines[0] == "the arguments of 'do_it' do not fit:"
    assert [line.split(":")[0] for line in lines[1:]] == ["- n", "- at.x", "- at.z", "- other"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def do(x: Unknown): ...", "the type hint of x in my_tools:do cannot be read"),
        ("class Odd: pass\ndef do(x: Odd): ...", "a parameter of my_tools:do cannot be filled from JSON"),
        ("def do(x: type[int] | Path, y: memoryview): ...", "cannot be filled from JSON"),
        ("def other(): ...", "my_tools has no do"),
        ("do = 3", "is not a function"),
        ("import nowhere_at_all\ndef do(): ...", "importing my_tools failed"),
        ("raise SystemExit(3)", "importing my_tools raised SystemExit"),
    ],
)
async def test_a_function_that_cannot_be_a_tool_is_an_error(bench: Bench, source: str, said: str) -> None:
    """What cannot be imported, or filled from JSON, is said when the tool is offered, with tool and function."""
    with pytest.raises(AgentError, match=said):
        await tool_of(bench, source).offers(bench.workspace)


@pytest.mark.parametrize(
    "returned", ["object()", "float('nan')", "[lambda: 1]", "b'\\xff'", "(a := [], a.append(a))[0]"]
)
async def test_a_result_that_is_no_json_is_an_error(bench: Bench, returned: str) -> None:
    """What JSON cannot hold is named, not written down as something else."""
    with pytest.raises(ToolError, match="that is no JSON data"):
        await bench.calling(tool_of(bench, f"def do(): return {returned}"))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def do(): raise KeyError('k')", "KeyError"),
        ("def do(): raise SystemExit(1)", "SystemExit"),
        ("def do(): raise StopIteration", "StopIteration"),
        ("async def do(): raise SystemExit(1)", "SystemExit"),
    ],
)
async def test_what_a_function_raises_is_an_error_of_the_tool(bench: Bench, source: str, kind: str) -> None:
    """Neither an exit nor an exception that a coroutine cannot raise gets any further than the call."""
    with pytest.raises(AgentError, match=f"my_tools:do raised {kind}") as caught:
        await bench.calling(tool_of(bench, source))
    assert caught.value.kind == kind


async def test_a_tools_own_error_and_others_of_async_functions_pass(bench: Bench) -> None:
    """A ToolError arrives as it was raised; so does whatever an async function raises, which may be the engine's."""
    bench.write(
        "errors.py",
        "from loopengt_hookspecs.tools import ToolError\ndef do(): raise ToolError('no such city')",
    )
    with pytest.raises(ToolError, match=r"^no such city$"):
        await bench.calling(bench.bind("do_it", "function", function_ref="errors:do"))
    with pytest.raises(KeyError):
        await bench.calling(tool_of(bench, "async def do(): raise KeyError('k')"))


async def test_a_sync_function_holds_nobody_up(bench: Bench) -> None:
    """Two calls that wait for each other both end; one that is cancelled returns at once."""
    tool = tool_of(
        bench,
        "import threading\nboth, free = threading.Barrier(2, timeout=10), threading.Event()\n"
        "def do(wait: bool = True): both.wait() if wait else free.wait(30)",
    )
    await asyncio.gather(bench.calling(tool), bench.calling(tool))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await bench.calling(tool, wait=False)
    sys.modules["my_tools"].free.set()


# -- secrets and declarations ----------------------------------------------------------


async def test_the_secret_is_handed_over_and_kept_out_of_sight(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parameter auth gets the variable's value, is not in the schema, and redactors know the value."""
    monkeypatch.setenv("WEATHER", "s3cr3t-of-the-tool")
    tool = tool_of(
        bench,
        "def do(n: int, auth: str): return [n, len(auth)]",
        auth={"method": "bearer", "env_var": "WEATHER"},
    )
    (offer,) = await tool.offers(bench.workspace)
    assert list(offer.input_schema["properties"]) == ["n"]
    assert await bench.calling(tool, n=1) == [1, 18]
    assert "s3cr3t" not in Redactor([]).text("it is s3cr3t-of-the-tool")
    with pytest.raises(ToolError, match="auth"):
        await tool.call(bench.made("do_it", {"n": 1, "auth": "mine"}))


async def test_a_variable_that_is_not_set_is_missing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named before the run and at the call; so is a module that is nowhere, and a secret nobody declared."""
    monkeypatch.delenv("WEATHER", raising=False)
    tool = tool_of(bench, "def do(): ...", auth={"method": "api_key", "env_var": "WEATHER"})
    (missing,) = tool.missing()
    assert (missing.message, missing.remedy) == (
        "tool 'do_it' needs the environment variable WEATHER",
        "export WEATHER=...",
    )
    with pytest.raises(MissingRequirement, match="WEATHER"):
        await bench.calling(tool)
    nowhere = bench.bind("do_it", "function", function_ref="nowhere.tools.do")
    assert [error.message.partition(", but")[0] for error in nowhere.missing()] == [
        "tool 'do_it' calls nowhere.tools.do"
    ]
    bench.write("wants.py", "def do(auth): ...\ndef may(auth=None): return auth")
    with pytest.raises(MissingRequirement, match="needs a secret as auth"):
        await bench.bind("do_it", "function", function_ref="wants:do").offers(bench.workspace)
    assert await bench.calling(bench.bind("do_it", "function", function_ref="wants:may")) is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"function_ref": "../x.py"}, "function_ref of tool 'do_it': .* is not the dotted path"),
        ({"function_ref": "a:b", "auth": {"method": "oauth"}}, "names no environment variable"),
        ({"function_ref": "a:b", "auth": {"env_var": "X", "header_name": "X-Key"}}, "is sent no header"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(bench: Bench, fields: dict[str, Any], said: str) -> None:
    """A path that is none, and an auth that a function cannot be given, are errors before any run."""
    with pytest.raises(UsageError, match=said):
        bench.bind("do_it", "function", **fields)


def test_binding_imports_nothing(bench: Bench) -> None:
    """The module is imported when the tool is first offered, not when the loop is loaded."""
    bench.write("bursts.py", "raise RuntimeError('imported')")
    tool = bench.bind("do_it", "function", function_ref="bursts:do")
    assert tool.plan() == "call bursts:do in this process" and tool.missing() == []
    assert "bursts" not in sys.modules


async def test_the_example_in_the_documentation_works(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function and the declarations in docs/tools.md can be copied as they are."""
    monkeypatch.setenv("WEATHER_KEY", "w-123456789")
    page = (Path(__file__).parents[3] / "docs" / "tools.md").read_text(encoding="utf-8")
    declared = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])["tools"]
    bench.write("my_tools.py", page.split("```python\n")[1].split("```")[0])
    tools = [bench.bind(**tool) for tool in declared]
    offers = [(await tool.offers(bench.workspace))[0] for tool in tools]
    assert [offer.name for offer in offers] == ["read_file", "edit_file", "run_command", "weather"]
    assert sorted(offers[-1].input_schema["properties"]) == ["city", "unit"]
    assert await bench.calling(tools[-1], city="Rome") == {"city": "Rome", "degrees": 20.0}
    with pytest.raises(ToolError, match="no such city"):
        await bench.calling(tools[-1], city="Atlantis")
