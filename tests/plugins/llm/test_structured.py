"""Answers that have to fit an output_schema, in each of the ways in which a model can be asked for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt_hookspecs.agents import AgentError
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import AgentRole

from .kit import Bench, KeptCalls, ScriptedModels, calling, role_of

SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number", "maximum": 1}},
    "required": ["score"],
    "additionalProperties": False,
}
WORDS = {"type": "array", "items": {"$ref": "#/$defs/word"}, "$defs": {"word": {"enum": ["yes", "no"]}}}


def role(schema: dict[str, Any] = SCORE, **extra: Any) -> AgentRole:
    """A role whose answers have to fit a schema."""
    return role_of({"extra": extra}, output_schema=schema)


async def test_a_model_that_knows_schemas_is_given_one(bench: Bench) -> None:
    """In mode native the schema goes along with the request, and the output is the data."""
    models = ScriptedModels(['{"score": 0.5}'])
    reply = await bench.ask(models, role())
    assert reply.output == {"score": 0.5}
    (request,) = models.requests
    assert (request.output_schema, request.tools) == (SCORE, [])


async def test_another_model_answers_by_a_tool(bench: Bench) -> None:
    """Without native schemas the answer is the input of a tool, which the model has to call in the end."""
    models = ScriptedModels([calling(("final_result", {"score": 1}))], native=False)
    reply = await bench.ask(models, role())
    assert (reply.output, reply.metadata["requests"]) == ({"score": 1}, 1)
    (request,) = models.requests
    (offer,) = request.tools
    assert (offer.name, offer.input_schema, request.tool_choice) == ("final_result", SCORE, "required")
    assert request.output_schema is None


async def test_a_prompt_can_hold_the_schema(bench: Bench) -> None:
    """In mode prompt the schema stands below the system prompt, and the answer is read from a fence, too."""
    models = ScriptedModels(['Here you are:\n```json\n{"score": 0.25}\n```\nGood luck!'])
    reply = await bench.ask(models, role(output_mode="prompt"), system_prompt="Judge.")
    assert reply.output == {"score": 0.25}
    (request,) = models.requests
    assert request.messages[0].text.startswith("Judge.\n\nAnswer with one JSON object")
    assert json.dumps(SCORE) in request.messages[0].text
    assert (request.output_schema, request.tools) == (None, [])


@pytest.mark.parametrize(("mode", "native"), [("tool", True), ("native", False)])
async def test_the_mode_can_be_chosen(bench: Bench, mode: str, native: bool) -> None:
    """What the spec asks for goes before what the model is known for."""
    answers: list[Any] = [calling(("final_result", {"score": 0})) if mode == "tool" else '{"score": 0}']
    models = ScriptedModels(answers, native=native)
    assert (await bench.ask(models, role(output_mode=mode))).output == {"score": 0}
    assert bool(models.requests[0].output_schema) == (mode == "native")


@pytest.mark.parametrize("mode", ["native", "prompt"])
async def test_a_wrong_text_is_sent_back(bench: Bench, mode: str) -> None:
    """The model is told what is wrong, and the next answer that fits is the output."""
    models = ScriptedModels(["no JSON", '{"score": 2}', '{"score": 1}'])
    assert (await bench.ask(models, role(output_mode=mode))).output == {"score": 1}
    first, second = (request.messages[-1] for request in models.requests[1:])
    assert (first.role, "it is not JSON" in first.text) == ("user", True)
    assert "$.score: 2 is greater than the maximum of 1" in second.text


async def test_a_wrong_final_call_is_sent_back(bench: Bench) -> None:
    """In mode tool the violations are the tool's result, and a text is answered by naming the tool."""
    script: list[Any] = [
        calling(("final_result", {"score": "high"})),
        "It is 1.",
        calling(("final_result", {"score": 1})),
    ]
    models = ScriptedModels(script, native=False)
    assert (await bench.ask(models, role())).output == {"score": 1}
    first, second = (request.messages[-1] for request in models.requests[1:])
    assert (first.role, first.is_error, first.call_id) == ("tool", True, "call-1")
    assert '$.score: "high" is not of type "number"' in first.text
    assert (second.role, "by calling final_result" in second.text) == ("user", True)


async def test_a_fitting_text_is_taken_where_a_call_was_wanted(bench: Bench) -> None:
    """A model that gives the right JSON as text has answered."""
    assert (await bench.ask(ScriptedModels(['{"score": 1}'], native=False), role())).output == {"score": 1}


@pytest.mark.parametrize("mode", ["native", "tool", "prompt"])
@pytest.mark.parametrize("corrections", [0, 1])
async def test_corrections_come_to_an_end(bench: Bench, mode: str, corrections: int) -> None:
    """After so many corrections the attempt fails, and another one begins afresh."""
    wrong: Any = calling(("final_result", {})) if mode == "tool" else "{}"
    models = ScriptedModels([wrong] * 5)
    with pytest.raises(AgentError, match='"score" is a required property') as caught:
        await bench.ask(models, role(output_mode=mode, max_output_corrections=corrections))
    assert (caught.value.kind, caught.value.starts_over) == ("OutputError", True)
    assert len(models.requests) == corrections + 1


async def test_the_final_tool_has_a_name_of_its_own(bench: Bench) -> None:
    """A tool of the loop that is called final_result stays what it is."""
    calls = KeptCalls({"final_result": lambda given: "theirs"})
    script = [calling(("final_result", {})), calling(("final_result_2", {"score": 0}))]
    assert (await bench.ask(ScriptedModels(script, native=False), role(), calls)).output == {"score": 0}
    assert calls.called == [("final_result", {}, "call-1")]


async def test_work_asked_for_beside_the_answer_is_done(bench: Bench) -> None:
    """Tools called in the same breath as the final one are called before the answer counts."""
    calls = KeptCalls({"save": lambda given: "saved"})
    script = [calling(("final_result", {"score": 0}), ("save", {}))]
    assert (await bench.ask(ScriptedModels(script, native=False), role(), calls)).output == {"score": 0}
    assert [name for name, *_ in calls.called] == ["save"]


async def test_an_answer_beside_a_failure_does_not_count(bench: Bench) -> None:
    """When a tool called beside the final one fails, the model sees that and answers again, which is no correction."""
    script = [calling(("final_result", {"score": 0}), ("lost", {})), calling(("final_result", {"score": 1}))]
    models = ScriptedModels(script, native=False)
    reply = await bench.ask(models, role(max_output_corrections=0), KeptCalls())
    assert reply.output == {"score": 1}
    told = {
        message.call_id: message.text for message in models.requests[1].messages if message.role == "tool"
    }
    assert "another tool has failed" in told["call-1"]
    assert "there is no tool 'lost'" in told["call-2"]


@pytest.mark.parametrize(
    ("schema", "said", "output"),
    [
        (WORDS, {"result": ["yes", "no"]}, ["yes", "no"]),
        (WORDS, ["no"], ["no"]),
        ({"enum": ["good", "bad"]}, {"result": "bad"}, "bad"),
        ({"type": ["integer", "null"]}, {"result": None}, None),
        (
            {"properties": {"result": {"type": "string"}}, "required": ["result"]},
            {"result": "x"},
            {"result": "x"},
        ),
    ],
)
@pytest.mark.parametrize("mode", ["native", "tool", "prompt"])
async def test_answers_that_are_no_objects(
    bench: Bench, schema: Any, said: Any, output: Any, mode: str
) -> None:
    """A schema of a list or a word is put into that of an object, and taken out again; no other is."""
    script: list[Any] = [calling(("final_result", said)) if mode == "tool" else json.dumps(said)]
    models = ScriptedModels(script)
    assert (await bench.ask(models, role(schema, output_mode=mode))).output == output


async def test_a_word_may_stand_alone(bench: Bench) -> None:
    """Where a word is wanted, a model that says just that has answered."""
    models = ScriptedModels(["good\n"])
    assert (await bench.ask(models, role({"enum": ["good", "bad"]}, output_mode="prompt"))).output == "good"


async def test_references_survive_the_wrapping(bench: Bench) -> None:
    """What a schema's references point to is found in the schema that the model is given."""
    tree = {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#"}}]}
    models = ScriptedModels(["[]", '{"result": []}'])
    await bench.ask(models, role(tree))
    await bench.ask(models, role(WORDS))
    shown = [request.output_schema or {} for request in models.requests]
    assert shown[0]["properties"]["result"]["anyOf"][1]["items"] == {"$ref": "#/properties/result"}
    assert shown[1]["$defs"] == WORDS["$defs"]
    assert shown[1]["properties"]["result"] == {"type": "array", "items": {"$ref": "#/$defs/word"}}
    assert all(schema["type"] == "object" for schema in shown)


async def test_a_schema_that_cannot_be_used_is_named(bench: Bench) -> None:
    """A schema that is none is an error of the spec, that names the agent."""
    with pytest.raises(UsageError, match="output_schema of agent 'writer' cannot be used"):
        await bench.ask(ScriptedModels([]), role({"type": "objekt"}))
