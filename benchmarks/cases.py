"""The list of measurements: what each one runs, at which size, what it yields, and what is aimed at."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASES", "Case", "Measure", "Size"]

Size = dict[str, int | str]


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure of a case."""

    name: str
    """Its key among the figures that the case's function returns, when it is not a ratio."""
    label: str
    unit: str
    aim: float | None = None
    """What it should not exceed."""
    ratio: tuple[str, str] | None = None
    """Two other figures of the same process; the first is divided by the second."""


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement, repeated in fresh processes."""

    name: str
    title: str
    function: str
    """``module:function``; called with an empty folder and the size, it returns figures by name."""
    measures: tuple[Measure, ...]
    full: Size
    quick: Size
    per_run: int = 1
    """Processes for each run that is asked for; more where a process is short and its time varies."""


STEP = "µs/step"
_CPU = Measure("cpu", "loopengt, CPU time of all threads", STEP)


def _resume(name: str, title: str, loop: str, left: str, steps: int = 10_000, aim: float = 0.3) -> Case:
    return Case(
        name,
        title,
        "benchmarks.resuming:resume",
        (
            Measure("resume", "opening the storage to the first new step", "s", aim=aim),
            Measure("raw", "limit: read and decode the journal", "s"),
            Measure("ratio", "loopengt / limit", "x", ratio=("resume", "raw")),
            Measure("rate", "recorded steps replayed", "steps/s"),
            Measure("memory", "largest memory of the resuming process", "MB"),
        ),
        {"steps": steps, "loop": loop, "left": left},
        {"steps": 100, "loop": loop, "left": left},
    )


def _alone_durable(name: str, durability: str, aim: float) -> Case:
    mode = f"WAL + {durability.upper()}"
    return Case(
        name,
        f"W2: one run, durable ({mode})",
        "benchmarks.durable:alone",
        (
            Measure("engine", "loopengt", STEP),
            _CPU,
            Measure("each", f"limit: raw sqlite3 {mode}, one commit a step", STEP),
            Measure("ratio", "loopengt / limit", "x", aim=aim, ratio=("engine", "each")),
        ),
        {"steps": 3_000, "durability": durability},
        {"steps": 60, "durability": durability},
    )


CASES = (
    Case(
        "w1",
        "W1: one run, in memory",
        "benchmarks.memory:alone",
        (
            Measure("engine", "loopengt", STEP, aim=25),
            _CPU,
            Measure("await_loop", "limit: a bare await loop", STEP),
            Measure("task", "limit: a task per step", STEP),
            Measure("ratio_await", "loopengt / await loop", "x", ratio=("engine", "await_loop")),
            Measure("ratio_task", "loopengt / task per step", "x", ratio=("engine", "task")),
        ),
        {"steps": 10_000},
        {"steps": 200},
    ),
    _alone_durable("w2", "full", aim=1.5),
    _alone_durable("w2-normal", "normal", aim=3),
    Case(
        "disk",
        "Bytes on disk, storage closed",
        "benchmarks.durable:disk",
        (
            Measure("short", "whole database, short run", "bytes/step", aim=1024),
            Measure("long", "whole database, long run", "bytes/step", aim=1024),
            Measure("empty", "database without a run", "bytes"),
            Measure("short_net", "short run, empty database taken off", "bytes/step", aim=1024),
            Measure("long_net", "long run, empty database taken off", "bytes/step", aim=1024),
            Measure(
                "growth",
                "a step of the long run / of the short run",
                "x",
                aim=1.1,
                ratio=("long_net", "short_net"),
            ),
        ),
        {"short": 100, "long": 3_000},
        {"short": 20, "long": 100},
    ),
    Case(
        "w4",
        "W4: many runs at once, in memory",
        "benchmarks.memory:together",
        (
            Measure("engine", "loopengt", STEP, aim=35),
            _CPU,
            Measure("tasks", "limit: a task per run, a bare await loop in each", STEP),
            Measure("ratio", "loopengt / limit", "x", ratio=("engine", "tasks")),
        ),
        {"runs": 1_000, "steps": 10},
        {"runs": 20, "steps": 5},
    ),
    Case(
        "w4d",
        "W4D: many runs at once, durable (WAL + FULL)",
        "benchmarks.durable:together",
        (
            Measure("engine", "loopengt, every step awaits its commit", STEP, aim=70),
            _CPU,
            Measure("each", "limit: raw sqlite3, one commit a step", STEP),
            Measure("grouped", "limit: raw sqlite3, one commit for 100 steps", STEP),
            Measure("ratio_each", "loopengt / one commit a step", "x", ratio=("engine", "each")),
            Measure("ratio_grouped", "loopengt / one commit for 100", "x", ratio=("engine", "grouped")),
        ),
        {"runs": 1_000, "steps": 10},
        {"runs": 20, "steps": 5},
    ),
    Case(
        "fan-out",
        "Fan-out: all steps of one run asked for at once, in memory",
        "benchmarks.memory:fan_out",
        (
            Measure("wide", "loopengt, wide", STEP, aim=66.7),
            Measure("narrow", "loopengt, narrow", STEP),
            Measure("growth", "wide / narrow", "x", aim=1.25, ratio=("wide", "narrow")),
            Measure("items", "loopengt, one step with for_each", STEP, aim=66.7),
            Measure("rate", "steps a second, wide", "steps/s"),
            Measure("task", "limit: a task per step", STEP),
            Measure("ratio", "loopengt, wide / limit", "x", ratio=("wide", "task")),
        ),
        {"narrow": 100, "wide": 5_000},
        {"narrow": 10, "wide": 50},
    ),
    Case(
        "growth",
        "Bytes on disk of a run whose steps answer 4 KB, storage closed",
        "benchmarks.durable:growth",
        (
            Measure("database", "whole database", "MB"),
            Measure("outputs", "limit: the answers themselves", "MB"),
            Measure("ratio", "database / limit", "x", aim=1.3, ratio=("database", "outputs")),
        ),
        {"steps": 3_000},
        {"steps": 50},
    ),
    Case(
        "replay",
        "Replay: recorded steps handed to a pattern, journal in memory",
        "benchmarks.resuming:replay",
        (
            Measure("replay", "loopengt", STEP, aim=5),
            Measure("decode", "limit: decode the journal's JSON", STEP),
            Measure("ratio", "loopengt / limit", "x", ratio=("replay", "decode")),
            Measure("rate", "recorded steps a second", "steps/s"),
        ),
        {"steps": 50_000},
        {"steps": 200},
    ),
    _resume("resume", "Resume of a killed run, as many declared steps", "sequence", "killed"),
    _resume("resume-paused", "Resume of a paused run, as many declared steps", "sequence", "paused"),
    _resume("resume-laps", "Resume of a killed run, one step repeated", "laps", "killed"),
    _resume("resume-long", "Resume of a killed run, a hundred thousand laps", "laps", "killed", 100_000, 3.0),
    Case(
        "trace",
        "Traces: whole processes that write a recorded run out",
        "benchmarks.traces:trace",
        (
            Measure("tree", "loopengt trace, tree", "s", aim=0.5),
            Measure("json", "loopengt trace, json", "s", aim=0.5),
            Measure("html", "loopengt trace, html", "s", aim=2),
            Measure("memory", "largest memory of these processes", "MB"),
        ),
        {"events": 10_000, "formats": "tree json html"},
        {"events": 100, "formats": "tree json html"},
    ),
    Case(
        "memories",
        "Memory: entries of 40 words and a vector, found among many",
        "benchmarks.memories:find",
        (
            Measure("words", "search by words", "ms", aim=5),
            Measure("common", "search by one word that a quarter has", "ms"),
            Measure("vector", "search by nearness", "ms", aim=30),
            Measure("filtered", "search by nearness among a tenth, by metadata", "ms"),
            Measure("both", "search by both, merged", "ms"),
            Measure("recall", "of the ten nearest of random vectors are found", "%"),
            Measure("add", "adding, all in one transaction", "µs/entry"),
        ),
        {"entries": 50_000, "dimensions": 384},
        {"entries": 300, "dimensions": 16},
    ),
    Case(
        "requests",
        "Requests to a model: a step with one of them, in SQLite; the service in another process",
        "benchmarks.services:ask",
        (
            Measure("engine", "loopengt", "ms"),
            Measure("raw", "limit: OpenAI's own client", "ms"),
            Measure("overhead", "loopengt - limit", "ms", aim=3),
        ),
        {"requests": 400},
        {"requests": 20},
    ),
    Case(
        "agents",
        "Agents at once that ask a model, which takes 200 ms to answer",
        "benchmarks.services:together",
        (
            Measure("engine", "loopengt", "s"),
            Measure("raw", "limit: OpenAI's own client, as many at once", "s"),
            Measure("ratio", "loopengt / limit", "x", ratio=("engine", "raw")),
        ),
        {"agents": 50, "delay_ms": 200},
        {"agents": 5, "delay_ms": 20},
    ),
    Case(
        "calls",
        "Calls of a model and a tool that take no time, turn by turn in one attempt",
        "benchmarks.calls:record",
        (
            Measure("model", "a request to a model, in memory", "µs"),
            Measure("tool", "a call of a tool, in memory", "µs"),
            Measure("model_durable", "a request to a model, WAL + FULL", "µs"),
            Measure("tool_durable", "a call of a tool, WAL + FULL", "µs"),
            Measure("first", "both, in the first tenth, in memory", "µs"),
            Measure("last", "both, in the last tenth, in memory", "µs"),
            Measure("growth", "last / first", "x", aim=1.5, ratio=("last", "first")),
            Measure("bytes", "whole database", "bytes/round"),
        ),
        {"rounds": 1_000},
        {"rounds": 40},
    ),
    Case(
        "spawn",
        "Agents that are programs: a process that does nothing",
        "benchmarks.spawning:spawn",
        (
            Measure("engine", "loopengt, in SQLite", "ms"),
            Measure("raw", "limit: asyncio's subprocess", "ms"),
            Measure("overhead", "loopengt - limit", "ms", aim=5),
        ),
        {"steps": 100},
        {"steps": 10},
    ),
    Case(
        "suites",
        "Suites: trials one after the other, each judged, in SQLite",
        "benchmarks.suites:overhead",
        (
            Measure("suite", "a trial of loopengt eval suite", "ms"),
            Measure("raw", "limit: the run alone", "ms"),
            Measure("overhead", "trial - run", "ms", aim=10),
        ),
        {"cases": 300},
        {"cases": 10},
    ),
    Case(
        "startup",
        "Start-up: whole processes, bytecode compiled",
        "benchmarks.startup:start_up",
        (
            Measure("click", "limit: python -c 'import click'", "ms"),
            Measure("version", "loopengt --version", "ms"),
            Measure("ratio", "loopengt --version / limit", "x", aim=1.5, ratio=("version", "click")),
            Measure("help", "loopengt --help", "ms", aim=200),
            Measure("plugins", "loopengt plugins list", "ms", aim=200),
        ),
        {},
        {},
        per_run=3,
    ),
)
"""Every measurement, in the order in which they are run and shown."""
