"""Specs as a kernel loads them: plugins' names are known, their options checked, defaults filled in."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict

from loopengt import ConfigError, Kernel, SpecError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """
name: shortest
goal: show what a kernel knows
pattern: PATTERN
agents:
  - name: silent
  - name: outspoken
    config: {provider: echo, model: mine, extra: {EXTRA}}
steps:
  - name: only
    agent: outspoken
stop_conditions:
  - condition_type: never
policy:
  verification_gates:
    - {name: check, kind: tidy, condition: "true"}
"""


class EchoOptions(BaseModel):
    """Options of the provider ``echo``."""

    model_config = ConfigDict(extra="forbid")
    loud: bool = False


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel with one component of each kind that a spec can name."""
    return make_kernel(tmp_path)


def make_kernel(project: Path, **defaults: str) -> Kernel:
    """Make it, with a ``[defaults]`` section."""
    targets: dict[str, dict[str, Any]] = {
        "agents": {
            "echo": SimpleNamespace(options=EchoOptions),
            "openai": SimpleNamespace(options=None),
            "plain": SimpleNamespace(options=None),
        },
        "patterns": {"straight": object()},
        "gates": {"tidy": object()},
        "tool_types": {"clock": object()},
        "stop_conditions": {"never": SimpleNamespace(bind=lambda condition, spec: None)},
    }

    def hook(kind: str) -> Any:
        def call(register: Any) -> None:
            for name, target in targets[kind].items():
                register(name, target, summary=f"The {name}")

        return hookimpl(call)

    plugin = SimpleNamespace(**{f"loopengt_register_{kind}": hook(kind) for kind in targets})
    return Kernel(project, plugins=[("mine", plugin)], config={"defaults": defaults}, environ={})


def write_spec(folder: Path, pattern: str = "straight", extra: str = "loud: yes") -> Path:
    """Write the spec and return its path."""
    file = folder / "loop.yaml"
    file.write_text(SPEC.replace("PATTERN", pattern).replace("EXTRA", extra))
    return file


def test_a_spec_may_name_what_plugins_register(kernel: Kernel, tmp_path: Path) -> None:
    """Pattern, provider, gate kind and stop condition are found; a folder stands for its loop.yaml."""
    file = write_spec(tmp_path)
    loaded = kernel.load_spec(file)
    assert loaded.spec.pattern == "straight"
    assert kernel.load_spec(tmp_path).digest == loaded.digest


def test_an_unknown_name_is_a_problem_with_the_nearest(kernel: Kernel, tmp_path: Path) -> None:
    """The names that are suggested are the registered ones."""
    with pytest.raises(SpecError, match=r"loop\.yaml:4:10: .*'strait'.*'straight'"):
        kernel.load_spec(write_spec(tmp_path, pattern="strait"))


@pytest.mark.parametrize(
    ("extra", "words"),
    [("lout: yes", "no option 'lout', the nearest is 'loud'"), ("loud: perhaps", "valid boolean")],
)
def test_options_are_validated_by_the_providers_model(
    kernel: Kernel, tmp_path: Path, extra: str, words: str
) -> None:
    """A wrong option is a problem at its place in the file."""
    with pytest.raises(SpecError) as caught:
        kernel.load_spec(write_spec(tmp_path, extra=extra))
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (8, 51)
    assert words in problem.message


def test_a_provider_without_options_takes_none(kernel: Kernel, tmp_path: Path) -> None:
    """Options for a provider that declares no model are a problem."""
    file = write_spec(tmp_path)
    file.write_text(file.read_text().replace("provider: echo", "provider: plain"))
    with pytest.raises(SpecError, match="the provider 'plain' takes no options"):
        kernel.load_spec(file)


def test_defaults_hold_where_the_spec_is_silent(tmp_path: Path) -> None:
    """[defaults] replaces provider and model of the silent agent, and what an agent says stands."""
    kernel = make_kernel(tmp_path, provider="plain", model="small")
    silent, outspoken = kernel.load_spec(write_spec(tmp_path)).spec.agents
    assert (silent.config.provider, silent.config.model) == ("plain", "small")
    assert (outspoken.config.provider, outspoken.config.model) == ("echo", "mine")
    plain = make_kernel(tmp_path).load_spec(tmp_path)
    assert (plain.spec.agents[0].config.provider, plain.spec.agents[0].config.model) == ("openai", "gpt-4o")
    assert plain.digest != kernel.load_spec(tmp_path).digest


def test_a_default_model_is_one_of_the_default_provider(tmp_path: Path) -> None:
    """An agent that names another provider and no model does not get the default provider's model."""
    kernel = make_kernel(tmp_path, provider="plain", model="small")
    file = write_spec(tmp_path)
    file.write_text(file.read_text().replace("model: mine, ", "").replace(", model: mine", ""))
    outspoken = kernel.load_spec(file).spec.agents[1]
    assert (outspoken.config.provider, outspoken.config.model) == ("echo", "gpt-4o")


def test_a_default_provider_must_exist(tmp_path: Path) -> None:
    """A spec's silent agent is checked with the provider that it would get."""
    kernel = make_kernel(tmp_path, provider="gone")
    with pytest.raises(SpecError, match="'gone'"):
        kernel.load_spec(write_spec(tmp_path))


def test_names_of_the_caller_are_known_to_prompts(kernel: Kernel, tmp_path: Path) -> None:
    """A placeholder that only --set provides is a problem without it and none with it."""
    file = write_spec(tmp_path)
    file.write_text(
        file.read_text().replace("agent: outspoken", "agent: outspoken\n    prompt_template: '{town}'")
    )
    with pytest.raises(SpecError, match="town"):
        kernel.load_spec(file)
    assert kernel.load_spec(file, frozenset({"town"})).spec.steps[0].prompt_template == "{town}"


def test_the_schema_has_what_plugins_add(kernel: Kernel) -> None:
    """Registered names and provider options are in the JSON Schema of a spec."""
    text = str(kernel.spec_schema())
    for name in ("straight", "echo", "tidy", "never", "loud"):
        assert f"'{name}'" in text


def test_a_broken_config_stops_loading(tmp_path: Path) -> None:
    """Without its defaults no spec has a certain meaning."""
    kernel = make_kernel(tmp_path, providr="x")
    with pytest.raises(ConfigError, match="providr"):
        kernel.load_spec(write_spec(tmp_path))


def test_a_tool_may_be_of_a_plugins_type(kernel: Kernel, tmp_path: Path) -> None:
    """A registered type of tools is taken with its options; another one is refused with the nearest name."""
    path = write_spec(tmp_path)
    whole = path.read_text()
    path.write_text(f"{whole}tools: [{{name: t, tool_type: clock, options: {{zone: UTC}}}}]\n")
    [tool] = kernel.load_spec(path).spec.tools
    assert (tool.tool_type, tool.options) == ("clock", {"zone": "UTC"})
    path.write_text(f"{whole}tools: [{{name: t, tool_type: clok}}]\n")
    with pytest.raises(SpecError, match=r"unknown tool type 'clok'.*clock"):
        kernel.load_spec(path)
