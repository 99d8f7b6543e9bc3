"""Registration: what a hook may hand over, for every kind of component."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel, PluginError, hookimpl
from loopengt_hookspecs import EXTENSION_POINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = sorted(EXTENSION_POINTS.keys() - {"options"})


def plugin(kind: str, body: Callable[[Any], object]) -> SimpleNamespace:
    """Make a plugin with one hook, which calls ``body`` with ``register``."""

    def hook(register: Any) -> None:
        body(register)

    return SimpleNamespace(**{f"loopengt_register_{kind}": hookimpl(hook)})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_registered(kind: str, tmp_path: Path) -> None:
    """A component of each extension point is listed with its summary and handed out as it is."""
    target = object()
    given = plugin(kind, lambda register: register("thing", target, summary="A thing"))
    kernel = Kernel(tmp_path, plugins=[("mine", given)], environ={})
    assert kernel.names(kind) == {"thing": "A thing"}
    assert kernel.get(kind, "thing") is target
    assert kernel.component(kind, "thing").plugin == "mine"


REFUSED: dict[str, tuple[Callable[[Any], object], str]] = {
    "blank name": (lambda register: register("", dict, summary="S"), "not named by a word"),
    "name with a blank": (lambda register: register("a b", dict, summary="S"), "not named by a word"),
    "name that is no text": (lambda register: register(3, dict, summary="S"), "not named by a word"),
    "no summary": (lambda register: register("a", dict, summary=" "), "not one line"),
    "long summary": (lambda register: register("a", dict, summary="one\ntwo"), "not one line"),
    "no target": (lambda register: register("a", None, summary="S"), "not 'module:attribute'"),
    "no reference": (
        lambda register: register("a", "module.attribute", summary="S"),
        "not 'module:attribute'",
    ),
    "call without summary": (lambda register: register("a", dict), "summary"),
    "twice": (lambda r: [r("a", dict, summary="S"), r("a", dict, summary="S")], "twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_breaks_the_contract_fails_the_plugin(case: str, tmp_path: Path) -> None:
    """A registration that is not a word, a line of summary and a target names the component and fails."""
    body, reason = REFUSED[case]
    kernel = Kernel(tmp_path, plugins=[("mine", plugin("gates", body))], environ={})
    assert [record.status for record in kernel.plugins] == ["failed"]
    assert reason in kernel.plugins[0].reason
    assert kernel.names("gates") == {}


def test_registering_is_over_when_the_plugin_is_loaded(tmp_path: Path) -> None:
    """A register callable that was kept says that it came too late, in place of doing nothing."""
    kept: list[Any] = []
    kernel = Kernel(tmp_path, plugins=[("mine", plugin("gates", kept.append))], environ={})
    assert kernel.names("gates") == {}
    with pytest.raises(PluginError, match="'mine' registers the gate 'late' after it was loaded"):
        kept[0]("late", dict, summary="S")


def test_a_hook_need_not_take_register(tmp_path: Path) -> None:
    """As with any pluggy hook, an implementation may leave arguments out."""
    called: list[bool] = []
    given = SimpleNamespace(loopengt_register_gates=hookimpl(lambda: called.append(True)))
    kernel = Kernel(tmp_path, plugins=[("mine", given)], environ={})
    assert kernel.plugins[0].status == "loaded"
    assert called == [True]


def test_a_second_options_model_is_refused(tmp_path: Path) -> None:
    """A plugin has one options model."""
    given = plugin("options", lambda register: [register("a:B"), register("a:C")])
    kernel = Kernel(tmp_path, plugins=[("mine", given)], environ={})
    assert "second options model" in kernel.plugins[0].reason


@pytest.mark.parametrize("name", ["9lives", "disabled", "with blank"])
def test_a_plugin_needs_a_usable_name(name: str, tmp_path: Path) -> None:
    """A name that config and commands could not use is refused."""
    kernel = Kernel(tmp_path, plugins=[(name, SimpleNamespace())], environ={})
    assert "cannot be the name of a plugin" in kernel.plugins[0].reason
