"""Makes the test classes of a plugin's components: each a suite of the test kit, told how to make the component."""

from __future__ import annotations

import json
import os
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from loopengt.errors import PluginError, UsageError
from loopengt.registry import HOOK_PREFIX
from loopengt_cli_plugins.suites.contracts import contract_of
from loopengt_cli_plugins.suites.samples import attributes_for
from loopengt_hookspecs import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loopengt import Kernel
    from loopengt_cli_plugins.checking.findings import ProbedPlugin

__all__ = ["CASES", "describe", "make_suites", "suite_name", "things_of"]

OPTIONS = "options"

CASES = "LOOPENGT_PLUGINS_TEST_CASES"
"""Name of the environment variable that says, as JSON, what is to be tested."""


def describe(plugins: Iterable[ProbedPlugin], samples: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is to be tested, one object a component.

    Args:
        plugins: The plugins.
        samples: Attributes for the suites, by kind and name.

    Raises:
        UsageError: The samples are not a table of tables.
    """
    return [
        {
            "plugin": plugin.name,
            "value": plugin.value,
            "kind": kind,
            "name": name,
            "samples": _samples(samples, kind, name),
        }
        for plugin in plugins
        for kind, name in things_of(plugin)
    ]


def _samples(samples: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    found = dict(samples)
    for key in (kind, name):
        found = found.get(key, {})
        if not isinstance(found, dict):
            raise UsageError(
                f"[tool.loopengt.samples] says {found!r} of {kind} {name}",
                remedy=f"write a table: [tool.loopengt.samples.{kind}.{name}]",
            )
    return found


def things_of(plugin: ProbedPlugin) -> list[tuple[str, str]]:
    """Return kind and name of all that a plugin registers; the model of its options has the plugin's name."""
    found = [(component.kind, component.name) for component in plugin.components]
    return [*found, (OPTIONS, plugin.name)] if HOOK_PREFIX + OPTIONS in plugin.hooks else found


def suite_name(kind: str, name: str) -> str:
    """Return the name of the test class of a component."""
    return f"Test_{kind}_{name.replace('-', '__')}"


def make_suites() -> dict[str, type]:
    """Make the test classes, by their names, of what the environment variable says."""
    suites: dict[str, type] = {}
    for case in json.loads(os.environ[CASES]):
        contract = contract_of(case["kind"])
        if contract is not None:
            name = suite_name(case["kind"], case["name"])
            maker = Maker(case["plugin"], case["value"], case["kind"], case["name"])
            suites[name] = type(name, (contract,), attributes_for(maker) | case["samples"])
    return suites


class Maker:
    """Makes a component as loopengt does.

    Args:
        plugin: Name of the plugin.
        value: What its entry point says.
        kind: Kind of the component.
        name: Its name.
    """

    def __init__(self, plugin: str, value: str, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name
        self._plugin = plugin
        self._value = value
        self._scratch = Path.cwd()

    def kernel(self, project: Path | None = None, **more: Any) -> Kernel:
        """Return a kernel with loopengt's own plugins and the one under test; ``more`` goes to ``make_kernel``."""
        from loopengt.testing import make_kernel

        module = EntryPoint(self._plugin, self._value, PROJECT).load()
        # pytest is started in a folder that is removed at the end.
        folder = Path(mkdtemp(dir=self._scratch)) if project is None else project
        folder.mkdir(parents=True, exist_ok=True)
        return make_kernel(folder, plugins=[(self._plugin, module)], **more)

    def component(self, project: Path | None = None) -> Any:
        """Return the component, made anew.

        Raises:
            PluginError: It cannot be made.
        """
        kernel = self.kernel(project)
        for record in kernel.plugins:
            if record.name == self._plugin and record.status != "loaded":
                raise PluginError(f"the plugin {record.name!r} is {record.status}: {record.reason}")
        return (
            kernel.options_model(self._plugin) if self.kind == OPTIONS else kernel.get(self.kind, self.name)
        )
