"""Takes the loop that a template is to be made of: from a run that worked, or from a file."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import UsageError
from loopengt_cli_template.emitting import emit_yaml

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.storage import Storage

__all__ = ["Taken", "take_loop"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A loop, as text."""

    text: str
    """Its YAML."""
    origin: str
    """Where it comes from, for the template's README."""
    loops: dict[str, str] = field(default_factory=dict)
    """Text of the loops that its steps run, by their path from its folder."""


def take_loop(kernel: Kernel, source: str) -> Taken:
    """Take a loop.

    Args:
        kernel: The project.
        source: A spec's file or folder; else a run's id, a prefix of one, or ``latest``.

    Raises:
        UsageError: There is neither; the run has not worked; or a loop within is outside of the loop's folder.
        SpecError: The file is not valid.
    """
    path = Path(source)
    if path.exists() or path.suffix.lower() in (".yaml", ".yml", ".json"):
        return _of_file(kernel.for_spec(path), path)
    return asyncio.run(_of_run(kernel, source))


def _of_file(kernel: Kernel, path: Path) -> Taken:
    loaded = kernel.load_spec(path)
    text = _text(loaded.path)
    project = kernel.project.resolve()
    file = os.path.relpath(loaded.path.resolve(), project)
    loops = {_relative(key, file): _text(project / key) for key in loaded.loops}
    return Taken(text, f"the loop {loaded.spec.name!r} in {loaded.path.name}", loops)


def _text(path: Path) -> str:
    from loopengt.spec import read_document

    if path.suffix.lower() == ".json":
        return emit_yaml(read_document(path).data)
    return path.read_text(encoding="utf-8-sig")


async def _of_run(kernel: Kernel, name: str) -> Taken:
    from loopengt.cli.retyping import command_line
    from loopengt.finding import check_runs_exist, find_run
    from loopengt.journal import load_run

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        fold, _ = await load_run(storage, row.run_id)
        reason = fold.end.reason.value if fold.end is not None else fold.status.value
        if reason not in ("goal_met", "nothing_to_do"):
            raise UsageError(
                f"the run {row.run_id} has not reached its goal: {reason}",
                remedy=f"See it: {command_line(kernel, 'trace', row.run_id)}\n"
                "A template can be made of a file all the same: -s loop.yaml",
            )
        data = await _recorded(storage, fold.header["spec"])
        if fold.context:
            data["context"] = fold.context
        loops = {
            _relative(key, fold.header.get("file", "")): emit_yaml(await _recorded(storage, digest))
            for key, digest in fold.header.get("loops", {}).items()
        }
    return Taken(emit_yaml(data), f"the run {row.run_id} of the loop {row.loop_name!r}", loops)


async def _recorded(storage: Storage, digest: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(await storage.get_blob(digest))
    return data


def _relative(key: str, file: str) -> str:
    """Return the path of a loop within, from the folder of the loop's file; both are paths in the project."""
    found = os.path.relpath(key, os.path.dirname(file) or ".").replace(os.sep, "/")
    if found.startswith("../"):
        raise UsageError(
            f"the loop {key} lies outside of the folder of {file}", remedy="Move it below that folder."
        )
    return found
