"""The kinds of plugins that can be begun: what each registers, and which suite of the test kit it has to pass."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINDS", "Kind", "kind_of_components"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plugin."""

    name: str
    """As a person types it."""
    components: str
    """Kind of the component that it registers, a key of ``EXTENSION_POINTS``."""
    contract: str
    """Type that the hook's ``register`` takes."""
    contract_module: str
    """Module that the type is imported from."""
    summary: str
    """Summary of the component that is written."""
    is_function: bool = False
    """Whether the component is a function and no class."""

    @property
    def module(self) -> str:
        """Name of the module with the implementation."""
        return self.name.replace("-", "_")

    @property
    def words(self) -> str:
        """What a component of the kind is called in sentences."""
        return {
            "mcp-features": "set of MCP features",
            "memory": "memory store",
            "agent": "agent provider",
            "adapter": "IDE adapter",
        }.get(self.name, self.name.replace("-", " "))


_CONTRACTS = "loopengt_hookspecs"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "adapter",
            "adapters",
            "Adapter",
            f"{_CONTRACTS}.adapters",
            "Tells a tool's agent how to run loops",
        ),
        Kind(
            "agent",
            "agents",
            "AgentProvider",
            f"{_CONTRACTS}.agents",
            "Lists what a pattern finds in the prompt",
        ),
        Kind(
            "command",
            "commands",
            "click.Command",
            "click",
            "Count the runs of the project by their status",
            is_function=True,
        ),
        Kind(
            "embedder",
            "embedders",
            "Embedder",
            f"{_CONTRACTS}.embedders",
            "Hashes words into vectors, offline",
        ),
        Kind(
            "engine",
            "engines",
            "Engine",
            f"{_CONTRACTS}.engines",
            "Runs loops locally, if their tokens are limited",
        ),
        Kind(
            "exporter", "exporters", "Exporter", f"{_CONTRACTS}.tracing", "The events of a run as a CSV table"
        ),
        Kind(
            "gate", "gates", "GateKind", f"{_CONTRACTS}.gates", "Fails while the output has forbidden words"
        ),
        Kind(
            "judge",
            "judges",
            "JudgeKind",
            f"{_CONTRACTS}.judges",
            "Scores how well the length of a text fits",
        ),
        Kind(
            "mcp-features",
            "mcp_features",
            "McpFeatures",
            f"{_CONTRACTS}.mcp_features",
            "A tool that searches the project's Markdown files",
        ),
        Kind("memory", "memories", "MemoryStore", f"{_CONTRACTS}.memory", "Keeps entries in one SQLite file"),
        Kind("metric", "metrics", "Metric", f"{_CONTRACTS}.metrics", "Mean attempts of a step"),
        Kind(
            "middleware",
            "middleware",
            "Middleware",
            f"{_CONTRACTS}.middleware",
            "Fails attempts whose prompt is too long",
        ),
        Kind(
            "model-adapter",
            "model_adapters",
            "ModelAdapter",
            f"{_CONTRACTS}.model_adapters",
            "Has a program answer, JSON in and JSON out",
        ),
        Kind(
            "observer",
            "observers",
            "Observer",
            f"{_CONTRACTS}.tracing",
            "Writes one line a step to a log file",
        ),
        Kind(
            "pattern",
            "patterns",
            "Pattern",
            f"{_CONTRACTS}.patterns",
            "Every step in order, and those that failed once more",
            is_function=True,
        ),
        Kind(
            "stop-condition",
            "stop_conditions",
            "StopConditionKind",
            f"{_CONTRACTS}.stop_conditions",
            "When the last output has a text: stopped",
        ),
        Kind("storage", "storages", "Storage", f"{_CONTRACTS}.storage", "Keeps runs in memory"),
        Kind(
            "summarizer",
            "summarizers",
            "Summarizer",
            f"{_CONTRACTS}.summarizers",
            "Keeps the newest texts whole",
        ),
        Kind(
            "template",
            "templates",
            "Template",
            f"{_CONTRACTS}.templates",
            "Writes a text and has it reviewed",
        ),
        Kind("tool", "tools", "Tool", f"{_CONTRACTS}.tools", "Counts the words and lines of a text"),
        Kind(
            "trigger",
            "triggers",
            "TriggerKind",
            f"{_CONTRACTS}.triggers",
            "When there is a new file in a folder",
        ),
    )
}
"""By name. Kinds that no loop and no command can use yet are not among them."""


def kind_of_components(components: str) -> Kind | None:
    """Return the kind that registers such components, or None."""
    return next((kind for kind in KINDS.values() if kind.components == components), None)
