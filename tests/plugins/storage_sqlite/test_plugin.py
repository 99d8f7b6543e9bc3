"""How the plugin registers its storage, and what its options do."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import ValidationError

from loopengt_hookspecs.registration import Components, PluginContext
from loopengt_storage_sqlite import plugin
from loopengt_storage_sqlite.options import SqliteOptions
from loopengt_storage_sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


def _named(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def _context(project: Path, options: SqliteOptions | None = None) -> PluginContext:
    return PluginContext("storage_sqlite", project, cast("Components", None), options)


def test_what_is_registered_can_be_imported() -> None:
    """The plugin registers the storage ``sqlite`` and its options by references that lead to the classes."""
    storages: dict[str, str] = {}
    options: list[str] = []

    def register(name: str, target: Any, *, summary: str) -> None:
        assert summary
        storages[name] = target

    plugin.loopengt_register_storages(register)
    plugin.loopengt_register_options(cast("Any", options.append))
    assert {name: _named(target) for name, target in storages.items()} == {"sqlite": SqliteStorage}
    assert [_named(target) for target in options] == [SqliteOptions]


def test_registering_is_cheap(spawn: Callable[..., subprocess.Popen[str]]) -> None:
    """Importing the plugin imports neither sqlite3, asyncio nor pydantic."""
    heavy = "{'sqlite3', 'asyncio', 'pydantic'}"
    code = f"import sys, loopengt_storage_sqlite.plugin; print({heavy} & {{*sys.modules}})"
    output, errors = spawn(code).communicate(timeout=60)
    assert output.strip() == "set()", errors


def test_the_options_name_file_and_durability(tmp_path: Path) -> None:
    """Without options the database lies in the project's folder at durability full; options change both."""
    default = SqliteStorage.from_context(_context(tmp_path))
    assert (default.path, default.durability) == (tmp_path / ".loopengt" / "loopengt.db", "full")
    options = SqliteOptions(path="data/runs.db", durability="normal")
    other = SqliteStorage.from_context(_context(tmp_path, options))
    assert (other.path, other.durability) == (tmp_path / "data" / "runs.db", "normal")
    absolute = SqliteStorage.from_context(_context(tmp_path, SqliteOptions(path="/var/lib/runs.db")))
    assert absolute.path == Path("/var/lib/runs.db")
    assert str(other.path) in other.describe()


@pytest.mark.parametrize("values", [{"durability": "none"}, {"path": ""}, {"pth": "x"}])
def test_wrong_options_are_refused(values: dict[str, Any]) -> None:
    """Unknown keys and values are errors."""
    with pytest.raises(ValidationError):
        SqliteOptions.model_validate(values)
