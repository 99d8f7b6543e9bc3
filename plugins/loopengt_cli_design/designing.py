"""Decides who makes a design: a template that was asked for, the architect, or the rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from loopengt.display import one_line
from loopengt.errors import LoopengtError, StorageError, UsageError
from loopengt_cli_design.designs import Design, by_rules, by_template, designed
from loopengt_cli_design.detecting import Worker, find_worker, find_workers
from loopengt_cli_design.proposals import ask_architect

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_design.rules import Situation
    from loopengt_hookspecs.engines import RunResult

__all__ = ["Made", "NotDesigned", "make_design"]


@dataclass(frozen=True, slots=True)
class Made:
    """A design, and who made it."""

    design: Design
    workers: list[Worker]
    """The providers that this machine can use."""
    by_model: bool = False


class NotDesigned(LoopengtError):
    """The architect has come to no loop; ``exit_code`` is that of its run."""

    def __init__(self, message: str, *, remedy: str, exit_code: int) -> None:
        super().__init__(message, remedy=remedy)
        self.exit_code = exit_code


def make_design(
    kernel: Kernel,
    situation: Situation,
    template: str | None,
    provider: str | None,
    *,
    may_ask_model: bool,
    say: Callable[[str], object],
) -> Made:
    """Make a design; nothing is written yet.

    Args:
        kernel: The project.
        situation: Goal and project.
        template: The template that was asked for; None: none was.
        provider: Who is to design it; None: whoever can.
        may_ask_model: Whether what a model proposes would be looked at, or was agreed to beforehand.
        say: Told what goes on.

    Raises:
        UsageError: The template or the provider cannot be used.
        NotDesigned: The provider that was asked for has come to no loop.
        StorageError: The architect's run cannot be recorded.
    """
    workers = find_workers(kernel)
    if template is not None:
        return Made(by_template(kernel, situation, template, workers), workers)
    if provider is not None and provider != "auto":
        return Made(_by_named(kernel, situation, provider, may_ask_model, say), workers, by_model=True)
    worker = _default(kernel, workers)
    if worker is None or not may_ask_model:
        if provider is not None:
            raise (
                _nobody_looks()
                if worker is not None
                else UsageError(
                    "auto: no provider of the order can be used on this machine",
                    remedy="loopengt doctor says why",
                )
            )
        say(_by_rules_since(worker))
        return Made(by_rules(kernel, situation, workers), workers)
    try:
        return Made(_by_architect(kernel, situation, worker, say), workers, by_model=True)
    except StorageError:
        raise
    except LoopengtError as error:
        if provider is not None or (isinstance(error, NotDesigned) and error.exit_code == 130):
            raise
        say(f"{worker.provider} has designed nothing: {one_line(error.message, 400)}")
        if error.remedy:
            say(f"  {one_line(error.remedy, 200)}")
        say("A template is chosen by rules instead.")
        return Made(by_rules(kernel, situation, workers), workers)


def _by_named(
    kernel: Kernel, situation: Situation, provider: str, may_ask: bool, say: Callable[[str], object]
) -> Design:
    kernel.component("agents", provider)  # its error names the nearest
    if not may_ask:
        raise _nobody_looks()
    worker = find_worker(kernel, provider) or Worker(provider, "other")
    return _by_architect(kernel, situation, worker, say)


def _nobody_looks() -> UsageError:
    return UsageError(
        "there is no terminal on which somebody could look at what a model proposes",
        remedy="Add --yes to have it written all the same; writing it executes nothing.",
    )


def _default(kernel: Kernel, workers: list[Worker]) -> Worker | None:
    """The provider of ``[defaults]`` where it can be used, else the first of all."""
    named = kernel.setting("defaults", "provider")
    found = find_worker(kernel, named) if named and named != "auto" else None
    return found or next(iter(workers), None)


def _by_rules_since(worker: Worker | None) -> str:
    if worker is None:
        return (
            "No coding CLI and no key of a model can be used here: a template is chosen and filled by plain rules, "
            "without a model."
        )
    return (
        f"A template is chosen and filled by plain rules: {worker.provider} could design the loop, but there is no "
        "terminal to look at its proposal; --yes has it asked and its loop written."
    )


def _by_architect(
    kernel: Kernel, situation: Situation, worker: Worker, say: Callable[[str], object]
) -> Design:
    model = f" (model {worker.model})" if worker.model else ""
    say(f"{worker.provider}{model} designs the loop, in a run of its own; three laps at most.")
    answer = ask_architect(kernel, worker, situation.goal, situation.findings)
    if not answer.text:
        raise _not_designed(answer.result)
    how = f"Designed by {worker.provider}{model} in the run {answer.result.run_id}, and checked by loopengt."
    files = {"loop.yaml": answer.text}
    made = designed(kernel, files, how, answer.why, [])
    return replace(made, notes=())


def _not_designed(result: RunResult) -> NotDesigned:
    detail = f": {one_line(result.end.detail, 300)}" if result.end.detail else ""
    return NotDesigned(
        f"the architect's run ended as {result.end.reason.value}{detail}",
        remedy=f"See what it was asked and answered: loopengt trace {result.run_id}",
        exit_code=result.end.reason.exit_code,
    )
