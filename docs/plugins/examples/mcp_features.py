"""A set of MCP features: a tool and a resource about the project's files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from loopengt import PluginContext, UsageError
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.mcp_features import McpFeature, McpFeatures, McpResource, McpTool
from loopengt_hookspecs.registration import Register


class Files:
    def __init__(self, project: Path) -> None:
        self._project = project

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        return cls(context.project)

    def features(self) -> Iterable[McpFeature]:
        about = "Count the project's files with an ending, such as py. Call it before you plan work on all of them."
        yield McpTool("count_files", about, self.count, title="Count files", read_only=True, idempotent=True)
        yield McpResource("project://name", "project_name", "Name of the project's folder", self.name)

    def count(self, ending: str) -> int:
        """Count files by their ending; the annotations are what a client's model sees."""
        if not ending.isalnum():
            raise UsageError(f"{ending!r} is no ending", remedy="give letters and digits, such as py")
        return sum(path.is_file() for path in self._project.rglob(f"*.{ending}"))

    def name(self) -> str:
        return self._project.name


@hookimpl
def loopengt_register_mcp_features(register: Register[McpFeatures]) -> None:
    register("files", Files, summary="Counts the project's files")
