"""What the server's tools return, so that a client knows the shape of every result."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = [
    "Evaluation",
    "LoopInfo",
    "LoopList",
    "LoopWritten",
    "OpenTask",
    "Question",
    "RunList",
    "RunRecord",
    "RunState",
    "SpecProblem",
    "StepInfo",
    "TemplateInfo",
    "TemplateList",
    "TracePage",
    "Validation",
]


class StepInfo(BaseModel):
    """One step of a run."""

    name: str
    status: str = Field(description="pending, running, completed, failed, skipped or retrying.")
    attempts: int = 0
    error: str | None = Field(default=None, description="What went wrong, cut to a line.")


class Question(BaseModel):
    """What a run asks a person. Only a person may decide it."""

    number: int = Field(description="Give it to `approve` as `question`.")
    kind: str = Field(description="gate or tool: approve or reject; input: answer with text; unknown_outcome: "
                      "say to `resume_loop` what became of the step.")  # fmt: skip
    text: str
    step: str = ""
    gate: str = ""
    tool: str = ""
    arguments: Any = Field(default=None, description="Of a tool call: what it would be called with.")
    choices: list[str] = Field(default_factory=list, description="Of kind input: the answers to choose from.")
    answer_schema: dict[str, Any] | None = Field(
        default=None,
        description="Of kind input: the JSON Schema that the answer, as JSON text, must satisfy.",
    )
    expires_at: str | None = Field(default=None, description="Until when an answer counts, UTC.")


class OpenTask(BaseModel):
    """A step that waits for the model of a client."""

    task_id: str
    step: str
    prompt: str = Field(description="Its beginning; `next_task` gives the whole.")
    uri: str


class RunState(BaseModel):
    """Where a run stands, and what to do next."""

    run_id: str
    loop: str
    status: str = Field(description="pending, running, paused, completed, failed, cancelled, or crashed: "
                        "it was running, and nobody drives it any more.")  # fmt: skip
    reason: str | None = Field(
        default=None,
        description="Why it ended or paused, such as goal_met, exhausted, blocked, approval_required; null: it runs.",
    )
    detail: str = ""
    next: str = Field(default="", description="What to call next.")
    driven_by: str = Field(default="", description="this server, another process, or empty: nobody.")
    now: str = Field(
        default="",
        description="What happened last, where this server drives it; it may not be in the journal yet.",
    )
    turn: int = 0
    steps: list[StepInfo] = Field(default_factory=list)
    questions: list[Question] = Field(default_factory=list)
    tasks: list[OpenTask] = Field(
        default_factory=list,
        description="Steps that wait for you, the model of the client: take them up with next_task.",
    )
    output: Any = Field(
        default=None, description="Output of the step that completed last; long texts are cut."
    )
    workspace: str | None = Field(default=None, description="Folder that the run works in.")
    tokens: int = 0
    cost_usd: float = 0.0
    unknown_costs: int = Field(
        default=0, description="Calls whose cost nobody knows; cost_usd is without them."
    )
    elapsed_seconds: float = Field(default=0.0, description="Seconds driven, pauses left out.")
    started_at: str = ""
    completed_at: str | None = None


class RunRecord(BaseModel):
    """A run in a list."""

    run_id: str
    loop: str
    status: str
    reason: str | None = None
    turn: int = 0
    started_at: str = ""
    completed_at: str | None = None
    tokens: int = 0
    cost_usd: float = 0.0


class RunList(BaseModel):
    """Runs, newest first."""

    runs: list[RunRecord]
    more: bool = Field(default=False, description="Whether there are older ones: raise `limit`.")


class TracePage(BaseModel):
    """A part of what a run did, in order."""

    run_id: str
    status: str
    events: list[dict[str, Any]]
    next_cursor: str | None = Field(
        description="Give it as `cursor` for what follows; null: the run has come to rest, and this was all."
    )
    more: bool = Field(description="Whether events follow now; false with a next_cursor: the run goes on.")


class Evaluation(BaseModel):
    """The figures of a run, computed from its journal."""

    run_id: str
    loop: str
    run_status: str
    reason: str | None = None
    total_turns: int = 0
    total_steps: int = 0
    completed_steps: int = 0
    failed_steps: int = 0
    success_rate: float = Field(default=0.0, description="Share of the steps that were completed, 0 to 1.")
    total_duration: float = Field(
        default=0.0, description="Seconds from the run's start to its end, or to now."
    )
    driven_seconds: float = Field(default=0.0, description="Seconds driven, pauses left out.")
    gates_passed: int = 0
    gates_failed: int = 0
    retries: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    unknown_costs: int = 0
    metrics: dict[str, float | int | str | None] = Field(
        default_factory=dict,
        description="Those that were asked for; null: the run does not say, or it failed.",
    )


class Verdict(BaseModel):
    """What one judge says of a run."""

    judge: str
    score: float = Field(description="0 to 1.")
    passed: bool
    threshold: float | None = Field(default=None, description="Lowest score that passes.")
    reasoning: str = ""
    criteria: dict[str, float] = Field(default_factory=dict, description="Scores by criterion, 0 to 1.")
    cost_usd: float | None = Field(default=None, description="US dollars; null: nobody knows.")


class Judgement(BaseModel):
    """What judges say of a run."""

    run_id: str
    loop: str
    passed: bool = Field(description="Whether every judge gave a verdict, and a good one.")
    verdicts: list[Verdict] = Field(default_factory=list)
    failures: dict[str, str] = Field(
        default_factory=dict, description="Why judges came to no verdict, by name; they have no score."
    )
    recorded: bool = Field(default=False, description="Whether the verdicts stand in the run's journal.")


class SpecProblem(BaseModel):
    """One thing that is wrong with a loop."""

    file: str
    line: int = Field(description="From 1.")
    column: int = Field(description="From 1.")
    message: str
    hint: str = Field(default="", description="What to write instead.")


class Validation(BaseModel):
    """Whether a loop is sound."""

    valid: bool
    name: str = ""
    problems: list[SpecProblem] = Field(default_factory=list)
    executes: list[str] = Field(
        default_factory=list,
        description="What it would execute beyond models and people, such as commands; these need consent.",
    )
    needs_consent: bool = Field(
        default=False, description="Whether a person has to allow it before it is run."
    )
    next: str = ""


class LoopWritten(BaseModel):
    """A loop that was written into the project."""

    loop: str = Field(description="Give it to `run_loop`: its path in the project.")
    name: str
    uri: str
    files: list[str] = Field(description="Every file that was written, relative to the project.")
    executes: list[str] = Field(default_factory=list)
    needs_consent: bool = False
    next: str = ""


class LoopInfo(BaseModel):
    """A loop of the project."""

    loop: str = Field(description="Its path in the project, as `run_loop` takes it.")
    name: str
    description: str = ""
    uri: str


class LoopList(BaseModel):
    """The loops of the project."""

    loops: list[LoopInfo]


class TemplateInfo(BaseModel):
    """A template to make a loop from."""

    name: str
    summary: str
    variables: list[dict[str, Any]] = Field(
        default_factory=list, description="What `create_loop` takes as `variables`, each with its default."
    )


class TemplateList(BaseModel):
    """The templates."""

    templates: list[TemplateInfo]
