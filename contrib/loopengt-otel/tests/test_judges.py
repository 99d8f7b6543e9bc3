"""What judges say, as events of the conventions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from loopengt import hookimpl
from loopengt.evaluating import evaluate
from loopengt.testing import loop_spec
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import JudgeSpec

from .receivers import Answer, attributes, events

if TYPE_CHECKING:
    from .lab import Lab
    from .receivers import GrpcReceiver, HttpReceiver, Receiver

EVENT = "gen_ai.evaluation.result"


class Polite:
    """A judge that looks for a word, or asks an agent whether it is there."""

    options = None
    asks = True

    def bind(self, spec: Any, project: Any) -> Polite:
        """Serve every declaration."""
        return self

    def plan(self) -> str:
        """Say what it does."""
        return "look for please"

    def missing(self) -> list[Any]:
        """Nothing."""
        return []

    async def judge(self, request: Any) -> JudgeVerdict:
        """Look, and have an agent say why."""
        why = await request.ask("REASONING asked for")
        found = "please" in str(request.output)
        return JudgeVerdict(0.9 if found else 0.25, f"REASONING {why}", criteria={"tone": 0.5})


def polite(lab: Lab) -> dict[str, Any]:
    """A loop that a judge checks, in a lab that has the judge."""

    @hookimpl
    def loopengt_register_judges(register: Any) -> None:
        register("polite", Polite(), summary="Looks for please")

    lab.plugins.append(("polite", SimpleNamespace(loopengt_register_judges=loopengt_register_judges)))
    agents = [{"name": "worker", "config": {"provider": "scripted"}}]
    gate = {"name": "manners", "kind": "judge", "judge": {"kind": "polite", "agent": "worker"}}
    step = {"name": "work", "verification_gates": ["manners"]}
    return loop_spec(step, agents=agents, policy={"verification_gates": [gate]})


async def judged(lab: Lab, receiver: Receiver, **options: Any) -> str:
    """Drive a run whose first attempt the judge refuses."""
    spec = polite(lab)
    answers = iter(["do it", "because", "do it please", "because"])
    lab.agent.script("work", *[lambda _: next(answers)] * 2)
    lab.agent.script("work gate manners 1", *[lambda _: next(answers)] * 2)
    result = await lab.to(receiver, **options).run(spec)
    assert result.end.reason.value == "goal_met"
    return str(result.run_id)


async def test_a_score_is_told_on_the_attempt_that_was_judged(lab: Lab, http: HttpReceiver) -> None:
    """A judge's score is a span event and a log event of the attempt, by the names of the conventions."""
    run_id = await judged(lab, http)
    sentence = await lab.export(run_id)

    first, second = http.named("invoke_agent worker")
    [refused], [accepted] = events(first, EVENT), events(second, EVENT)
    assert refused["gen_ai.evaluation.name"] == "polite"
    assert refused["gen_ai.evaluation.score.value"] == 0.25
    assert (refused["gen_ai.evaluation.score.label"], refused["loopengt.gate.name"]) == ("fail", "manners")
    assert (accepted["gen_ai.evaluation.score.label"], accepted["loopengt.judge.criteria.tone"]) == (
        "pass",
        0.5,
    )
    assert "gen_ai.evaluation.explanation" not in refused
    assert [log.event_name for log in http.logs] == [EVENT, EVENT]
    assert {log.span_id for log in http.logs} == {first.span_id, second.span_id}
    assert http.logs[0].trace_id == first.trace_id
    assert "and 2 log events" in sentence


async def test_what_a_judge_asks_stands_below_its_gate(lab: Lab, http: HttpReceiver) -> None:
    """Requests that a judge makes are below the gate's span, not the agent's."""
    await lab.export(await judged(lab, http))

    assert http.tree()[2:6] == [
        "    invoke_agent worker",
        "    gate manners",
        "      chat",
        "    invoke_agent worker",
    ]
    gate = attributes(http.named("gate manners")[0])
    assert (gate["loopengt.gate.kind"], gate["openinference.span.kind"]) == ("judge", "EVALUATOR")


async def test_reasons_are_content(lab: Lab, http: HttpReceiver) -> None:
    """Why a judge says so is sent only with content."""
    run_id = await judged(lab, http)
    await lab.export(run_id)
    sent = [*http.batches, *http.log_batches]
    assert not any(b"REASONING" in batch.SerializeToString() for batch in sent)

    http.batches.clear()
    lab.to(http, content=True)
    await lab.export(run_id)
    assert "REASONING" in str(
        events(http.named("invoke_agent worker")[0], EVENT)[0]["gen_ai.evaluation.explanation"]
    )


async def test_log_events_say_which_they_are(lab: Lab, http: HttpReceiver) -> None:
    """A log event sent again has the same ``log.record.uid``, by which receivers drop it; two verdicts have two."""
    run_id = await judged(lab, http)
    await lab.export(run_id)
    await lab.export(run_id)

    uids = [attributes(log)["log.record.uid"] for log in http.logs]
    assert uids[:2] == uids[2:]
    assert len(set(uids)) == 2


async def test_a_receiver_without_logs_is_no_error(lab: Lab, http: HttpReceiver) -> None:
    """Where only traces are taken, as by Phoenix, the spans arrive, and the sentence says what is missing."""
    http.logs_answer = Answer(404, b"no such page")
    sentence = await lab.export(await judged(lab, http))

    assert http.spans
    assert "It takes no log events" in sentence


async def test_logs_can_be_switched_off(lab: Lab, http: HttpReceiver) -> None:
    """With ``logs = false`` no log event is sent."""
    await lab.export(await judged(lab, http, logs=False))

    assert {signal for signal, _, _ in http.requests} == {"traces"}


async def test_grpc_takes_logs_too(lab: Lab, grpc_receiver: GrpcReceiver) -> None:
    """Scores are log events over gRPC, too."""
    await lab.export(await judged(lab, grpc_receiver))

    assert [log.event_name for log in grpc_receiver.logs] == [EVENT, EVENT]
    assert len(grpc_receiver.spans) == 8


async def test_an_evaluation_after_the_run_has_a_span(lab: Lab, http: HttpReceiver) -> None:
    """A verdict made after the end is told on the run, and has a span of its own; the other spans stay."""
    lab.observed = True
    spec = polite(lab)
    spec["steps"][0].pop("verification_gates")
    lab.agent.script("work", "please")
    result = await lab.to(http).run(spec)
    before = set(http.spans)
    http.batches.clear()
    async with lab.kernel.storage() as storage:
        lab.agent.script("judge", "because")
        judge = JudgeSpec(kind="polite", agent="worker")
        found = await evaluate(lab.kernel, storage, result.run_id, judges=[judge])
    await lab.export(result.run_id)

    assert not found.errors
    run = http.named("invoke_workflow demo")[0]
    [told] = events(run, EVENT)
    assert told["gen_ai.evaluation.score.label"] == "pass"
    [span] = [span for span_id, span in http.spans.items() if span_id not in before]
    assert (span.name, span.parent_span_id) == ("judge polite", run.span_id)
    assert attributes(span)["loopengt.evaluation.id"]
