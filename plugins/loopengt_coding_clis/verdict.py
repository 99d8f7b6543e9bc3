"""Decides whether a turn was good, and says what was wrong with one that was not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from loopengt_coding_clis.limits import is_limit, reset_seconds, seconds_until
from loopengt_coding_clis.report import NOTHING
from loopengt_hookspecs.agents import AgentError, RateLimited

if TYPE_CHECKING:
    from loopengt.processes import ProgramResult
    from loopengt_coding_clis.dialect import Dialect
    from loopengt_coding_clis.report import Report

__all__ = ["LIMIT_KINDS", "Ending", "judge"]

LIMIT_KINDS = ("RateLimited", "QuotaExceeded")
"""Kinds of the errors after which another CLI takes over."""

_TAIL = 2_000
_LOGIN = re.compile(
    r"not logged in|please (?:run /?login|log ?in|sign in)|/login|invalid api key|unauthori[sz]ed|authentication"
    r"|no api key|api key (?:is )?(?:missing|not set|required)",
    re.IGNORECASE,
)
_LOST = re.compile(
    r"no conversation found|session (?:id )?\S* ?(?:was )?not found|no (?:saved )?session|invalid session"
    r"|no rollout found|conversation \S* ?not found|thread \S* ?not found",
    re.IGNORECASE,
)
_TRUST = re.compile(r"\btrust(?:ed)?\b", re.IGNORECASE)
_SUBTYPES = {
    "error_max_turns": "MaxTurns",
    "error_max_budget_usd": "BudgetExceeded",
    "error_max_structured_output_retries": "InvalidOutput",
}


class Ending(NamedTuple):
    """How a CLI's program ended."""

    agent: str
    """The agent's name, for messages."""
    program: ProgramResult
    ended_by: str
    """As ``Watch.ended_by`` has it."""
    idle_seconds: float | None
    resumed: bool
    """Whether the turn went on with a session."""


def judge(dialect: Dialect, report: Report, ending: Ending) -> None:
    """Return if the turn was good: exit code 0, its closing event seen, no error told, and an answer.

    A program that was ended because it did not exit after its result counts as one that exited with 0.

    Raises:
        RateLimited: The service takes nothing more until a time that was told.
        AgentError: By ``kind``: ``QuotaExceeded`` (the same, and no time was told), ``IdleTimeout``, ``MaxTurns``,
            ``BudgetExceeded``, ``InvalidInput``, ``SessionLost``, ``LoginRequired``, ``ApiError``, ``ReportedError``,
            ``ExitCode``, ``NoResult``, ``EmptyOutput``.
    """
    if ending.ended_by == "idle" and not report.ended:
        raise _error(
            dialect,
            report,
            ending,
            f"wrote nothing for {ending.idle_seconds:g} seconds and was ended",
            "Raise idle_seconds in config.extra, if it works that long in silence.",
            "IdleTimeout",
            ("TimeoutError", "OSError"),
        )
    exited_well = ending.program.exit_code == 0 or (
        report.ended and ending.ended_by in ("overstayed", "idle")
    )
    if report.failed or not exited_well:
        raise _failure(dialect, report, ending, exited_well=exited_well)
    if not report.ended:
        raise _error(dialect, report, ending, "ended without telling its result", "", "NoResult")
    if not report.result.strip() and report.structured is NOTHING:
        remedy = (
            "It may have been denied a permission: see permissions in config.extra; or ask it for an answer."
        )
        raise _error(dialect, report, ending, "ended well but with an empty answer", remedy, "EmptyOutput")


def _failure(dialect: Dialect, report: Report, ending: Ending, *, exited_well: bool) -> AgentError:
    code, stderr = ending.program.exit_code, _tail(ending.program.err.text)
    # Standard error is full of warnings: it counts where the CLI gives no reason of its own.
    told = report.error or stderr
    if report.limited or (report.failed and report.resets_at is not None) or is_limit(told):
        return _limit(dialect, report, ending, told)
    words = f"{report.error}\n{stderr}"
    what = (
        f"reports an error: {_tail(report.error)}" if report.failed else f"ended with {ending.program.ending}"
    )
    subtype = str(report.facts.get("subtype", ""))
    if subtype in _SUBTYPES or (not exited_well and code in dialect.exit_codes):
        kind = _SUBTYPES.get(subtype) or dialect.exit_codes[code]
        return _error(
            dialect, report, ending, what, "Raise the limit that it names, or mend its input.", kind
        )
    if ending.resumed and _LOST.search(words):
        remedy = "Set session: fresh for the step, or resume where the session was kept."
        return _error(dialect, report, ending, what, remedy, "SessionLost", starts_over=True)
    if _LOGIN.search(words):
        remedy = f"Log in once with {dialect.programs[0]}, or set {dialect.keys[0]}."
        return _error(dialect, report, ending, what, remedy, "LoginRequired")
    if report.status >= 500:
        return _error(
            dialect, report, ending, what, "Resume the run later.", "ApiError", ("ConnectionError", "OSError")
        )
    remedy = "Mend what it reports, then resume the run."
    if _TRUST.search(words):
        remedy = "If it does not trust the folder: set trust_workspace: true in config.extra."
    return _error(dialect, report, ending, what, remedy, "ReportedError" if report.failed else "ExitCode")


def _limit(dialect: Dialect, report: Report, ending: Ending, words: str) -> AgentError:
    wait = report.resets_in
    if wait is None and report.resets_at is not None:
        wait = seconds_until(report.resets_at)
    if wait is None:
        wait = reset_seconds(words)
    said = _tail(words.strip())
    if wait is None:
        return _error(
            dialect,
            report,
            ending,
            f"has reached a limit and does not say until when: {said}",
            "Resume the run later, or name other CLIs in failover.",
            "QuotaExceeded",
        )
    error = RateLimited(
        f"agent {ending.agent!r}: {dialect.name} has reached a limit: {said}",
        remedy=f"It takes requests again in {wait:.0f} seconds; other CLIs can be named in failover.",
        retry_after=wait,
    )
    return _spent(error, report)


def _error(
    dialect: Dialect,
    report: Report,
    ending: Ending,
    what: str,
    remedy: str,
    kind: str,
    kinds: tuple[str, ...] = (),
    *,
    starts_over: bool = False,
) -> AgentError:
    stderr = _tail(ending.program.err.text)
    said = f"\n{stderr}" if stderr and stderr not in what else ""
    error = AgentError(
        f"agent {ending.agent!r}: {dialect.name} {what}{said}",
        remedy=remedy,
        kind=kind,
        kinds=kinds,
        starts_over=starts_over,
    )
    return _spent(error, report)


def _spent(error: AgentError, report: Report) -> AgentError:
    error.token_usage = dict(report.usage) or None
    error.cost_usd = report.cost_usd
    return error


def _tail(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"
