"""Takes out of texts what differs from run to run, such as the workspace's path, and puts it back in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Placeholders", "root_run"]

_CHILD = re.compile(r"((?:\.[0-9a-f]{8})*)$")
"""What the id of a child run has behind that of its parent."""

_NAMES = ("workspace", "project", "run_id")
_MARKED = re.compile(r"\{\{(workspace|project|run_id)\}\}|\{(workspace|project|run_id)\}")


def root_run(run_id: str) -> tuple[str, str]:
    """Split a run's id into that of the run at the top and what its child runs have behind it."""
    match = _CHILD.search(run_id)
    below = match[1] if match is not None else ""
    return run_id.removesuffix(below), below


class Placeholders:
    """Writes ``{workspace}``, ``{project}`` and ``{run_id}`` in place of what they are in one run.

    A text that holds such a word by itself gets it doubled, ``{{workspace}}``, so that it comes back as it was.

    Args:
        workspace: The folder that the run works in.
        project: The project folder.
        run_id: Id of the run; of a child run, that of the run at the top is replaced.
    """

    def __init__(self, workspace: Path, project: Path, run_id: str) -> None:
        self._values = {"workspace": str(workspace), "project": str(project), "run_id": root_run(run_id)[0]}
        paths: dict[str, str] = {}
        for name, path in (("workspace", workspace), ("project", project)):
            for form in (str(path), str(path.resolve())):
                paths.setdefault(form, name)
        # The longest first: a workspace lies in its project. A path ends where a name ends.
        forms = sorted((form for form in paths if len(form) > 1), key=len, reverse=True)
        ends = r"(?![A-Za-z0-9_-]|\.[A-Za-z0-9])"
        parts = [f"(?:{re.escape(form)}){ends}" for form in forms]
        run = rf"(?<![A-Za-z0-9_-]){re.escape(self._values['run_id'])}(?![A-Za-z0-9_-])"
        self._found = re.compile("|".join([*parts, run]))
        self._words = paths | {self._values["run_id"]: "run_id"}

    def take_out(self, value: Any) -> Any:
        """Return a text, or JSON data, with placeholders in its texts."""
        return _mapped(value, self._hide)

    def put_in(self, value: Any) -> Any:
        """Return what ``take_out`` was given, with the values of this run."""
        return _mapped(value, self._show)

    def _hide(self, text: str) -> str:
        if "{" in text:
            for name in _NAMES:
                text = text.replace(f"{{{name}}}", f"{{{{{name}}}}}")
        return self._found.sub(lambda match: f"{{{self._words[match[0]]}}}", text)

    def _show(self, text: str) -> str:
        if "{" not in text:
            return text
        return _MARKED.sub(lambda match: f"{{{match[1]}}}" if match[1] else self._values[match[2]], text)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            change(key) if isinstance(key, str) else key: _mapped(item, change) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value
