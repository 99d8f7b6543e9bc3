"""Registers the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.metrics import Metric
    from loopengt_hookspecs.registration import Register

_METRICS = {
    "run_status": ("steps:RunStatusMetric", "Where the run stands"),
    "total_turns": ("steps:TotalTurns", "Turns of the run"),
    "total_steps": ("steps:TotalSteps", "Steps of the run, items of for_each included"),
    "completed_steps": ("steps:CompletedSteps", "Steps that were completed"),
    "failed_steps": ("steps:FailedSteps", "Steps that failed"),
    "success_rate": ("steps:SuccessRate", "Share of the steps that were completed"),
    "retries": ("attempts:Retries", "Attempts made anew after an error or a gate"),
    "gate_pass_rate": ("attempts:GatePassRate", "Share of the gates' verdicts that passed"),
    "tool_calls": ("attempts:ToolCalls", "Calls of tools"),
    "model_requests": ("attempts:ModelRequests", "Requests to models, failed ones included"),
    "tokens": ("usage:Tokens", "Tokens, child runs included"),
    "cost_usd": ("usage:CostUsd", "What is known of the cost, child runs included"),
    "unknown_costs": ("usage:UnknownCosts", "Calls whose cost nobody knows"),
    "total_duration": ("times:TotalDuration", "Seconds from the run's start to its end"),
    "driven_seconds": ("times:DrivenSeconds", "Seconds that the run was driven, pauses left out"),
    "time_to_goal": ("times:TimeToGoal", "Seconds driven until the goal was met"),
    "step_latency_p50": ("latency:StepLatencyP50", "Median seconds of a step's execution"),
    "step_latency_p95": ("latency:StepLatencyP95", "Seconds that 95 % of the executions stay within"),
}


@hookimpl
def loopengt_register_metrics(register: Register[Metric]) -> None:
    """Register the built-in metrics."""
    for name, (where, summary) in _METRICS.items():
        register(name, f"loopengt_metrics.{where}", summary=summary)
