"""Writes how two runs differ, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.display import dollars, duration, first_line, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["comparison_lines"]

_MOST_DIFF = 60
_MOST_SAME = 10
_LONGEST = 200


def comparison_lines(found: dict[str, Any], *, everything: bool = False) -> Iterator[str]:
    """Yield the lines.

    Args:
        found: What ``compare`` returned.
        everything: Show all lines of the differences, and all steps that are the same.
    """
    for side in ("a", "b"):
        yield _run(side, found["runs"][side])
    yield from _change(found["runs"]["a"], found["runs"]["b"])
    yield ""
    yield from _texts("spec", found["spec"], everything)
    yield ""
    yield from _steps(found["steps"], everything)
    first = found["first_divergence"]
    yield ""
    if first is None:
        yield "first divergence: none"
    else:
        where = f"{visible(first['step'])}#{first['occurrence']}"
        yield f"first divergence: {where}: {', '.join(first['changes'])}"
    yield from _texts("output", found["output"], everything)
    if found["end"]["same"]:
        yield f"end: the same: {_end(found['end']['a'])}"
    else:
        yield f"end: a {_end(found['end']['a'])}"
        yield f"     b {_end(found['end']['b'])}"


def _run(side: str, run: dict[str, Any]) -> str:
    facts = [
        f"{run['turns']} turn{'' if run['turns'] == 1 else 's'}",
        duration(run["seconds"], fine=True),
        f"{run['tokens']:,} tokens",
        dollars(run["cost_usd"], run["unknown_costs"]),
    ]
    damaged = "" if run["readable"] else "  (its journal is damaged)"
    reason = visible(run["end"]["reason"] or run["status"])
    return f"{side}  {visible(run['loop'])}  {visible(run['run_id'])}  {reason}  {' · '.join(facts)}{damaged}"


def _change(one: dict[str, Any], other: dict[str, Any]) -> Iterator[str]:
    facts = _signed(
        other["seconds"] - one["seconds"],
        other["tokens"] - one["tokens"],
        other["cost_usd"] - one["cost_usd"],
    )
    yield f"   b - a: {' · '.join(facts)}" if facts else "   b - a: nothing"


def _signed(seconds: float | None, tokens: int | None, cost: float | None) -> list[str]:
    facts = []
    if seconds:
        facts.append(f"{'-' if seconds < 0 else '+'}{duration(abs(seconds), fine=True)}")
    if tokens:
        facts.append(f"{tokens:+,} tokens")
    if cost and abs(cost) >= 0.00005:
        facts.append(f"{'-' if cost < 0 else '+'}${abs(cost):.4f}")
    return facts


def _end(end: dict[str, Any]) -> str:
    reason = visible(end["reason"] or "not ended")
    return f"{reason}: {first_line(end['detail'], _LONGEST)}" if end["detail"] else reason


def _texts(name: str, found: dict[str, Any], everything: bool) -> Iterator[str]:
    if found["same"] is None:
        yield f"{name}: {found['unknown']}"
        return
    if found["same"]:
        yield f"{name}: the same"
        return
    yield f"{name}: differs" + ("" if found["diff"] else ", in secrets, which are not shown")
    shown = found["diff"] if everything else found["diff"][:_MOST_DIFF]
    if "from_line" in found:
        yield f"  from line {found['from_line']:,} on"
    for line in shown:
        yield f"  {visible(line[: 5 * _LONGEST] if everything else line[:_LONGEST], keep=chr(9))}"
    left = len(found["diff"]) - len(shown)
    if left:
        yield f"  … {left:,} more lines: --all"
    if "lines_left_out" in found:
        yield f"  … {found['lines_left_out']:,} lines behind that are not compared"


def _steps(pairs: list[dict[str, Any]], everything: bool) -> Iterator[str]:
    same = sum(not pair["changes"] for pair in pairs)
    left_out = 0
    shown: list[tuple[str, str, str, list[str]]] = []
    for pair in pairs:
        if not pair["changes"] and not everything and same > _MOST_SAME:
            left_out += 1
            continue
        name = f"{visible(pair['step'])}#{pair['occurrence']}"
        shown.append((name, _side(pair["a"]), _side(pair["b"]), list(_details(pair))))
    widths = [max([len(line[column]) for line in shown], default=0) for column in range(2)]
    yield f"{'steps'.ljust(widths[0])}  {'a'.ljust(widths[1])}  b".rstrip()
    for name, one, other, details in shown:
        yield f"{name.ljust(widths[0])}  {one.ljust(widths[1])}  {other}"
        for detail in details:
            yield f"    {detail}"
    if left_out:
        yield f"{left_out:,} steps are the same: --all shows them"


def _side(row: dict[str, Any] | None) -> str:
    if row is None:
        return "-"
    facts = [row["status"]]
    if row["attempts"] > 1:
        facts.append(f"{row['attempts']} attempts")
    if row["seconds"] is not None:
        facts.append(duration(row["seconds"], fine=True))
    if row["tokens"]:
        facts.append(f"{row['tokens']:,} tokens")
    return " · ".join(facts)


def _details(pair: dict[str, Any]) -> Iterator[str]:
    one, other = pair["a"], pair["b"]
    if one is None or other is None:
        return
    for gate in pair["gates_changed"]:
        verdicts = [_verdict(row["gates"].get(gate)) for row in (one, other)]
        yield f"gate {visible(gate)}: {verdicts[0]} -> {verdicts[1]}"
    told = [change for change in pair["changes"] if change in ("prompt", "output")]
    if told:
        yield f"other {' and '.join(told)}"
    facts = _signed(*(pair["difference"][unit] for unit in ("seconds", "tokens", "cost_usd")))
    if facts and pair["changes"]:
        yield f"b - a: {' · '.join(facts)}"


def _verdict(passed: bool | None) -> str:
    return "not checked" if passed is None else "pass" if passed else "FAIL"
