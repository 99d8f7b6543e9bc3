"""The command ``graph``: loops and runs as Mermaid, DOT and SVG, in which no name is more than a label."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from loopengt.cli import cli
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop
from loopengt_cli_design.graphs import graph_of_run, graph_of_spec, to_dot, to_mermaid
from loopengt_cli_design.recorded import read_events_of
from loopengt_hookspecs.models import LoopSpec

from .design_kit import alone, read_mermaid

if TYPE_CHECKING:
    from ..conftest import Site

EXAMPLES = Path(__file__).parents[2] / "examples"
HOSTILE = (
    '"] --> evil["x',
    "end",
    "a\\",
    'a\\" b',
    "`b` <script>alert(1)</script>",
    "1. - # ; %% click n1",
    "&quot; #quot; {{x}} $(rm)",
    "日本語 🎉 ümläut",
)


def spec_of(*steps: Any, **fields: Any) -> LoopSpec:
    """Make a loop of the model."""
    return LoopSpec.model_validate(loop_spec(*steps, **fields))


def drawn(spec: LoopSpec, **loops: LoopSpec) -> tuple[dict[str, str], set[tuple[str, str, str]]]:
    """Return a loop's labels, and its edges between first lines of labels."""
    by_file = {f"{name}.yaml": loop for name, loop in loops.items()}
    nodes, edges = read_mermaid(to_mermaid(graph_of_spec(spec, by_file)))
    first = {node: label.split("\n")[0] for node, label in nodes.items()}
    return nodes, {(first[source], first[target], label) for source, target, label in edges}


GATE = {"verification_gates": [{"name": "ok", "condition": "output == 1"}]}


def test_each_pattern_has_its_arrows() -> None:
    """What comes after what is drawn as each pattern does it."""
    gated = {"name": "a", "verification_gates": ["ok"]}
    _, edges = drawn(spec_of("a", "b"))
    assert edges == {("demo", "a", ""), ("a", "b", ""), ("b", "end", "")}
    _, edges = drawn(spec_of(gated, pattern="repeat", policy=GATE))
    assert ("gate ok", "a", "next lap, with what failed") in edges
    assert ("gate ok", "end", "every gate of the lap passed") in edges
    _, edges = drawn(spec_of("a", "b", "c", pattern="supervisor_worker"))
    assert {("a", "b", "sends"), ("b", "a", "reports"), ("a", "end", "done")} <= edges
    _, edges = drawn(spec_of("judge", "mend", pattern="evaluator_optimizer"))
    assert {("judge", "mend", "not yet: improve"), ("mend", "judge", "judge again")} <= edges
    needs = {"dependencies": ["a", {"step_name": "b", "condition": "output.x > 1"}]}
    _, edges = drawn(spec_of("a", "b", {"name": "c", **needs}, pattern="parallel_fan_out"))
    assert {("demo", "a", ""), ("demo", "b", ""), ("a", "c", ""), ("b", "c", "if output.x > 1")} <= edges
    assert ("a", "end", "") not in edges
    _, edges = drawn(spec_of("a", "b", pattern="handoff"))
    assert ("a", "b", "hands over") in edges
    broadcast = {"protocol": "broadcast", "supervisor": "b"}
    _, edges = drawn(spec_of("a", "b", pattern="handoff", handoff=broadcast))
    assert {("demo", "b", ""), ("b", "a", "hands over")} <= edges
    _, edges = drawn(spec_of("a", "b", pattern="flows:mine"))
    assert ("demo", "b", "as the pattern decides") in edges


def test_gates_show_what_follows_their_failure() -> None:
    """A gate leads back to its step, or to the failed run, as its on_failure says."""
    gates = [
        {"name": "again", "kind": "command", "command": ["make", "test"]},
        {"name": "stop", "condition": "output", "on_failure": "abort"},
    ]
    step = {"name": "a", "verification_gates": ["again", "stop"]}
    nodes, edges = drawn(spec_of(step, policy={"verification_gates": gates}))
    assert {"gate again\nmake test", "gate stop\noutput"} <= set(nodes.values())
    assert {
        ("gate again", "a", "fails: again, told why"),
        ("gate stop", "run ends blocked", "fails"),
        ("gate stop", "end", "passes"),
    } <= edges


def test_a_loop_below_stands_in_a_box() -> None:
    """The loop that a step runs is drawn inside of a subgraph, and so is the one below that."""
    inner, outer = spec_of("deep"), spec_of({"name": "down", "loop": "c.yaml"})
    spec = spec_of({"name": "top", "loop": "b.yaml", "for_each": "context.x"})
    text = to_mermaid(graph_of_spec(spec, {"b.yaml": outer, "c.yaml": inner}))
    nodes, _ = read_mermaid(text)
    assert {"top\nloop b.yaml\nfor each of context.x", "deep\nagent worker (scripted)"} <= set(nodes.values())
    assert text.index("subgraph") < text.index('["c#46;yaml"]' if "c#46;" in text else '["c.yaml"]')
    assert to_dot(graph_of_spec(spec, {"b.yaml": outer, "c.yaml": inner})).count("subgraph cluster_") == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_labels(name: str) -> None:
    """Whatever a loop, step, agent or gate is called, the drawing has the same nodes and edges, and shows the name."""
    gates = [{"name": name, "condition": "output"}]
    agents = [{"name": name, "config": {"provider": "scripted"}}]
    step = {"name": name, "verification_gates": [name], "dependencies": []}
    spec = spec_of(step, name=name, agents=agents, policy={"verification_gates": gates})
    graph = graph_of_spec(spec)
    nodes, edges = read_mermaid(to_mermaid(graph))
    assert (len(nodes), len(edges)) == (4, 4)
    assert f"{name}\npattern sequential" in nodes.values()
    dot = to_dot(graph)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", dot)
    assert "evil" not in bare
    assert bare.count("->") == 4
    assert bare.count("{") == bare.count("}") == 1


def run_graph(project: Path, agent: ScriptedAgent, spec: dict[str, Any]) -> tuple[list[str], list[Any]]:
    """Run a loop and draw its run."""
    kernel = make_kernel(project, agents=agent, storage="sqlite")
    (project / ".loopengt").mkdir(exist_ok=True)

    async def both() -> Any:
        result = await run_loop(kernel, spec)
        return await read_events_of(kernel, result.run_id)

    recorded = asyncio.run(both())
    assert recorded.damage == ""
    graph = graph_of_run(recorded.events)
    assert to_dot(graph).startswith("digraph ")
    nodes, edges = read_mermaid(to_mermaid(graph))
    labels = {node: label.split("\n")[0] for node, label in nodes.items()}
    return list(nodes.values()), [(labels[source], labels[target], label) for source, target, label in edges]


def test_a_run_shows_the_path_it_took(tmp_path: Path) -> None:
    """Laps, verdicts with their proof, and the end stand in the order in which they came."""
    agent = ScriptedAgent(steps={"a": [0, 1]})
    step = {"name": "a", "verification_gates": ["ok"]}
    nodes, edges = run_graph(tmp_path, agent, loop_spec(step, pattern="repeat", policy=GATE))
    assert edges == [
        ("turn 1: a (lap 1)", "ok: FAIL", ""),
        ("turn 2: a (lap 2)", "ok: pass", ""),
        ("demo", "turn 1: a (lap 1)", ""),
        ("ok: FAIL", "turn 2: a (lap 2)", ""),
        ("ok: pass", "goal_met", ""),
    ]
    assert any(re.fullmatch(r"turn 1: a \(lap 1\)\nagent worker\ncompleted, [\d.]+s", node) for node in nodes)


def test_a_run_shows_attempts_failures_and_skips(tmp_path: Path) -> None:
    """A step that took two attempts says so, and a skipped one why."""
    agent = ScriptedAgent(steps={"a": [0, 1]})
    steps = (
        {"name": "a", "verification_gates": ["ok"]},
        {"name": "b", "dependencies": [{"step_name": "a", "condition": "output == 7"}]},
    )
    nodes, _ = run_graph(tmp_path, agent, loop_spec(*steps, policy=GATE))
    assert any(", 2 attempts" in node for node in nodes)
    assert sum(node.startswith("ok: ") for node in nodes) == 1
    assert any(node.startswith("turn") is True and "\nskipped" in node for node in nodes)


def test_a_run_side_by_side_and_a_handoff(tmp_path: Path) -> None:
    """Steps that ran at the same time have the same step before them, and a handoff is written on its arrow."""
    join = {"name": "c", "dependencies": ["a", "b"]}
    began = {"a": asyncio.Event(), "b": asyncio.Event()}

    async def both(request: Any) -> int:
        began[request.step].set()
        await asyncio.gather(*(event.wait() for event in began.values()))
        return 1

    agent = ScriptedAgent(steps={"a": both, "b": both, "c": [3]})
    _, edges = run_graph(tmp_path, agent, loop_spec("a", "b", join, pattern="parallel_fan_out"))
    assert {("turn 1: a", "turn 3: c", ""), ("turn 2: b", "turn 3: c", "")} <= set(edges)
    assert sum(source == "demo" for source, _, _ in edges) == 2
    agents = [{"name": name, "config": {"provider": "scripted"}} for name in ("one", "two")]
    steps = ({"name": "a", "agent": "one"}, {"name": "b", "agent": "two"})
    agent = ScriptedAgent(steps={"a": ["x"], "b": ["y"]})
    _, edges = run_graph(tmp_path, agent, loop_spec(*steps, agents=agents, pattern="handoff"))
    assert ("turn 1: a", "turn 2: b", "handoff") in edges


def test_a_long_run_is_shortened(tmp_path: Path) -> None:
    """Of a run of 200 turns the first and last are drawn, and how many are left out between them."""
    agent = ScriptedAgent(steps={"a": lambda request: request.occurrence})
    policy = {"max_turns": 200, "verification_gates": [{"name": "ok", "condition": "output == 200"}]}
    step = {"name": "a", "verification_gates": ["ok"]}
    nodes, edges = run_graph(tmp_path, agent, loop_spec(step, pattern="repeat", policy=policy))
    assert "140 executions more" in nodes
    assert len([node for node in nodes if node.startswith("turn ")]) == 60
    assert ("140 executions more", "turn 161: a (lap 161)", "") in edges
    assert ("ok: pass", "goal_met", "") in edges


@pytest.mark.parametrize("example", sorted(path.parent.name for path in EXAMPLES.glob("*/loop.yaml")))
def test_every_example_can_be_drawn(example: str) -> None:
    """Each loop of the examples is drawn in both languages, balanced."""
    done = CliRunner().invoke(cli, ["graph", str(EXAMPLES / example)])
    assert done.exit_code == 0, done.output
    read_mermaid(done.output)
    done = CliRunner().invoke(cli, ["graph", str(EXAMPLES / example / "loop.yaml"), "--format", "dot"])
    assert done.exit_code == 0
    assert done.output.count("{") >= 1


@pytest.mark.slow
def test_files_and_formats(site: Site, tmp_path: Path) -> None:
    """-o takes the format from the suffix, may replace a drawing, and nothing else."""
    shutil.copytree(EXAMPLES / "sub-loop", tmp_path / "p")
    project = tmp_path / "p"
    for _ in range(2):
        assert alone(site, "graph", ".", "-o", "loop.gv", cwd=project).returncode == 0
    assert (project / "loop.gv").read_text().startswith("digraph ")
    before = (project / "loop.yaml").read_text()
    done = alone(site, "graph", ".", "-o", "loop.yaml", cwd=project)
    assert done.returncode == 2
    assert "loop.yaml is there and is no drawing" in done.stderr
    assert (project / "loop.yaml").read_text() == before
    assert alone(site, "graph", ".", "-o", "no/such/a.dot", cwd=project).returncode == 2
    for what in ("latest", "nothing.yaml", "20260101"):
        assert alone(site, "graph", what, cwd=project).returncode == 2


@pytest.mark.slow
def test_a_run_with_loops_below(site: Site, tmp_path: Path) -> None:
    """The child runs of a real run stand in boxes, each with its own path and end."""
    shutil.copytree(EXAMPLES / "sub-loop", tmp_path / "p")
    site.run("run", ".", "-q", cwd=tmp_path / "p")
    done = site.run("graph", "latest", cwd=tmp_path / "p")
    assert done.returncode == 0, done.stderr
    nodes, _ = read_mermaid(done.stdout)
    assert done.stdout.count("subgraph") == 3
    assert sum(label.startswith("goal_met") for label in nodes.values()) == 4


@pytest.mark.slow
def test_svg_without_graphviz_names_the_install_line(site: Site, tmp_path: Path) -> None:
    """Without Graphviz the error says what to install, and what needs nothing."""
    done = alone(site, "graph", str(EXAMPLES / "review"), "-f", "svg", cwd=tmp_path, PATH="/nonexistent")
    assert done.returncode == 1
    assert "apt install graphviz" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_svg_is_drawn_by_graphviz(site: Site, tmp_path: Path) -> None:
    """With Graphviz the drawing is an SVG, and Graphviz takes what hostile names have become."""
    program = shutil.which("dot")
    if program is None:
        pytest.skip("Graphviz is missing: apt install graphviz")
    done = site.run("graph", str(EXAMPLES / "review"), "-f", "svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<svg" in done.stdout
    for name in HOSTILE:
        text = to_dot(graph_of_spec(spec_of({"name": name}, name=name)))
        subprocess.run([program, "-Tsvg"], input=text.encode(), check=True, capture_output=True)
