"""The examples of docs/plugins: how they are loaded, and what each suite needs to know of them."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

from loopengt import Kernel
from loopengt.testing import make_kernel
from loopengt.testing.suites import make_suite
from loopengt_hookspecs import EXTENSION_POINTS

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "plugins" / "examples"

KINDS = sorted(EXTENSION_POINTS)

PLUGIN = "example"
"""Name under which an example is given to kernels."""


@cache
def example(kind: str) -> Any:
    """Import the example of an extension point."""
    name = f"plugin_example_{kind}"
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{kind}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def kernel_with(kind: str, project: Path, **more: Any) -> Kernel:
    """Make a kernel that has an example beside loopengt's own plugins."""
    return make_kernel(project, plugins=[(PLUGIN, example(kind))], **more)


def component_name(kind: str, folder: Path) -> str:
    """Return the name of the one component of its kind that an example registers."""
    kernel = kernel_with(kind, folder)
    record = next(record for record in kernel.plugins if record.name == PLUGIN)
    assert record.status == "loaded", record.reason
    [name] = [PLUGIN] if kind == "options" else record.provides[kind]
    return name


SAMPLES: dict[str, dict[str, Any]] = {
    "agents": {"prompt": "3 and 4", "failing_prompt": "none"},
    "commands": {"reference": "commands:gates", "runs": [([], 0), (["--containing", "comm"], 0)]},
    "gates": {
        "declaration": {"metadata": {"most_words": 2}},
        "good": ["two words"],
        "bad": ["one two three"],
    },
    "judges": {
        "options": {"words": ["please", "thank you"]},
        "good": ["Please do, and thank you."],
        "bad": ["Do it.", {"text": "whatever"}],
    },
    "mcp_features": {"arguments": {"count_files": {"ending": "py"}}},
    "model_adapters": {"connects": False},
    "observers": {"even_disabled": True},
    "options": {"values": {"seconds": 2.5}},
    "stop_conditions": {
        "value": 2.5,
        "holds": {"cost_usd": 2.5},
        "holds_not": {"cost_usd": 2.4},
        "refused": [None, 0, -1, True, "2", [1]],
    },
    "tool_types": {
        "declaration": {"name": "clock", "metadata": {"zone": "UTC"}},
        "refused": [
            {"name": "clock", "metadata": {"zone": zone}} for zone in ("Nowhere/None", "../UTC", 3, "")
        ],
    },
    "tools": {"arguments": {"numbers": ["0.1", "0.2"]}, "failing": [{"numbers": ["x"]}]},
    "triggers": {
        "config": {"times": 2, "seconds": 0.01},
        "refused": [{"times": 0}, {"seconds": 0}, {"days": 1}],
    },
}
"""What a suite is told of an example, where it needs to be told something."""

BESIDE_THE_POINT = {
    "embedders": ["test_failures_are_agent_errors"],  # it cannot fail
    "exporters": ["test_a_service_that_is_not_there_is_an_export_error"],  # it writes documents
    "model_adapters": ["test_failures_are_agent_errors_without_the_key"],  # it reaches no service
    "summarizers": ["test_an_agent_that_fails_is_an_error"],  # it asks no agent
    "triggers": ["test_what_is_forgotten_is_no_occasion"],  # it has nothing to forget
    "tool_types": ["test_failing_calls_raise"],  # it tells the time whatever it is given
}
"""Rules that would be skipped, since they do not concern the example at hand."""


def suite_of(kind: str, folder: Path) -> type:
    """Return the contract suite of an example, as a class that pytest collects."""

    def kernel(project: Path) -> Kernel:
        return kernel_with(kind, project)

    samples = SAMPLES.get(kind, {}) | dict.fromkeys(BESIDE_THE_POINT.get(kind, ()))
    return make_suite(kind, component_name(kind, folder), kernel=kernel, **samples)
