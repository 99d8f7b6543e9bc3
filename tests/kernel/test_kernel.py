"""The kernel: components made once and on first need, and what is configured."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import (
    ComponentNotFound,
    ConfigError,
    Kernel,
    PluginContext,
    PluginError,
    StorageError,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def plugin(kind: str, **targets: object) -> SimpleNamespace:
    """Make a plugin that registers targets of one kind by their keyword."""

    def hook(register: Any) -> None:
        for name, target in targets.items():
            register(name, target, summary=f"The {name}")

    return SimpleNamespace(**{f"loopengt_register_{kind}": hookimpl(hook)})


def kernel_of(project: Path, kind: str, config: dict[str, Any] | None = None, **targets: object) -> Kernel:
    """Make a kernel with one plugin, ``mine``."""
    return Kernel(project, plugins=[("mine", plugin(kind, **targets))], config=config or {}, environ={})


class FromContext:
    """A component that wants to know its surroundings."""

    def __init__(self, context: PluginContext) -> None:
        self.context = context

    @classmethod
    def from_context(cls, context: PluginContext) -> FromContext:
        """Make one, as the kernel does."""
        return cls(context)


# Components


def test_a_class_is_instantiated_once_per_kernel(tmp_path: Path) -> None:
    """The same instance is handed out every time; another kernel has another one."""
    plugins = [("mine", plugin("gates", made=SimpleNamespace))]
    one, two = (Kernel(tmp_path, plugins=plugins, environ={}) for _ in range(2))
    assert isinstance(one.get("gates", "made"), SimpleNamespace)
    assert one.get("gates", "made") is one.get("gates", "made")
    assert one.get("gates", "made") is not two.get("gates", "made")


def test_a_class_may_ask_for_its_context(tmp_path: Path) -> None:
    """from_context gets plugin name, project, options and the way to other components."""
    kernel = kernel_of(tmp_path, "gates", made=FromContext, other=dict)
    context = kernel.get("gates", "made").context
    assert (context.plugin, context.project, context.options) == ("mine", tmp_path, None)
    assert context.components.get("gates", "other") == {}
    assert list(context.components.names("gates")) == ["made", "other"]
    assert context.components.setting("engine", "name") == "local"


def test_any_other_object_is_used_as_it_is(tmp_path: Path) -> None:
    """Functions and instances are components themselves."""
    kernel = kernel_of(tmp_path, "patterns", function=test_any_other_object_is_used_as_it_is)
    assert kernel.get("patterns", "function") is test_any_other_object_is_used_as_it_is


@pytest.fixture
def lazy_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of a module that nobody has imported yet."""
    name = "lazily_imported_target"
    (tmp_path / f"{name}.py").write_text("class Outer:\n    class Inner:\n        pass\nvalue = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_a_reference_is_imported_on_first_use(lazy_module: str, tmp_path: Path) -> None:
    """Listing imports nothing; get imports the module, follows dots, and instantiates a class."""
    kernel = kernel_of(tmp_path, "gates", inner=f"{lazy_module}:Outer.Inner", value=f"{lazy_module}:value")
    assert list(kernel.names("gates")) == ["inner", "value"]
    assert [component.target for component in kernel.components] == [
        f"{lazy_module}:Outer.Inner",
        f"{lazy_module}:value",
    ]
    assert lazy_module not in sys.modules
    made = kernel.get("gates", "inner")
    module = sys.modules[lazy_module]
    assert type(made) is module.Outer.Inner
    assert kernel.get("gates", "value") is module.value


class Exits:
    """A component that would end the program."""

    def __init__(self) -> None:
        raise SystemExit("over")


UNUSABLE = {
    "no module": ("no_such_module:x", "No module named 'no_such_module'"),
    "no attribute": ("json:nothing", "has no attribute 'nothing'"),
    "constructor": (ModuleType, "TypeError"),
    "exit": (Exits, "SystemExit: over"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_component_that_cannot_be_made_names_its_plugin(case: str, tmp_path: Path) -> None:
    """Whatever goes wrong is one error with component, plugin, cause and what to do."""
    target, cause = UNUSABLE[case]
    kernel = kernel_of(tmp_path, "stop_conditions", thing=target)
    with pytest.raises(PluginError) as caught:
        kernel.get("stop_conditions", "thing")
    assert caught.value.message.startswith(
        "the stop condition 'thing' of the plugin 'mine' cannot be loaded: "
    )
    assert cause in caught.value.message
    assert "loopengt plugins info mine" in caught.value.remedy
    assert caught.value.__cause__ is not None


def test_a_components_own_words_are_kept(tmp_path: Path) -> None:
    """A LoopengtError that a component raises when it is made reaches the caller as it is."""

    class Refusing:
        def __init__(self) -> None:
            raise StorageError("no space left", remedy="free some")

    with pytest.raises(StorageError, match=r"^no space left\nfree some$"):
        kernel_of(tmp_path, "storages", thing=Refusing).get("storages", "thing")


def test_components_that_need_each_other_are_an_error(tmp_path: Path) -> None:
    """A circle of components is named instead of overflowing the stack."""

    class Left:
        @classmethod
        def from_context(cls, context: PluginContext) -> object:
            return context.components.get("gates", "right")

    class Right:
        @classmethod
        def from_context(cls, context: PluginContext) -> object:
            return context.components.get("gates", "left")

    with pytest.raises(PluginError, match="gate 'left' -> gate 'right' -> gate 'left'"):
        kernel_of(tmp_path, "gates", left=Left, right=Right).get("gates", "left")


def test_what_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    """The message has kind, name and nearest name, and the remedy tells of plugins that are not loaded."""
    plugins = [("mine", plugin("storages", sqlite=dict)), ("broken", plugin("storages", bad=None))]
    kernel = Kernel(tmp_path, plugins=plugins, disabled=[], environ={})
    with pytest.raises(ComponentNotFound) as caught:
        kernel.get("storages", "sqllite")
    assert caught.value.message == "no plugin registers the storage 'sqllite', the nearest is 'sqlite'"
    assert "broken (failed)" in caught.value.remedy
    with pytest.raises(ComponentNotFound, match="no plugin registers the memory 'x'; there are none"):
        kernel.get("memories", "x")
    with pytest.raises(ComponentNotFound, match="no kind of component 'storage', the nearest is 'storages'"):
        kernel.names("storage")


def test_a_kernel_keeps_no_state_outside_itself(tmp_path: Path) -> None:
    """Two kernels in one process do not see each other's plugins."""
    one = kernel_of(tmp_path, "gates", first=dict)
    two = kernel_of(tmp_path, "gates", second=dict)
    assert list(one.names("gates")) == ["first"]
    assert list(two.names("gates")) == ["second"]
    assert list(one.names("gates")) == ["first"]


# What is configured


def test_the_configured_engine_is_made(tmp_path: Path) -> None:
    """[engine] name chooses; without it, the engine named local."""
    local, other = object(), object()
    assert kernel_of(tmp_path, "engines", local=local, other=other).engine() is local
    config = {"engine": {"name": "other"}}
    assert kernel_of(tmp_path, "engines", config, local=local, other=other).engine() is other


def test_a_configured_name_that_does_not_exist_points_at_the_setting(tmp_path: Path) -> None:
    """The error is one of the config: where it was set, and the nearest name."""
    kernel = kernel_of(tmp_path, "engines", {"engine": {"name": "locl"}}, local=object())
    with pytest.raises(
        ConfigError, match=r"config\.toml: engine\.name: no plugin registers the engine 'locl', "
    ):
        kernel.engine()


def test_a_setting_can_be_asked_for_by_name(tmp_path: Path) -> None:
    """setting() returns configured values and defaults, and names what does not exist."""
    kernel = kernel_of(tmp_path, "engines", {"engine": {"middleware": ["log"]}})
    assert kernel.setting("engine", "middleware") == ("log",)
    assert kernel.setting("storage", "name") == "sqlite"
    for section, key in (("engin", "name"), ("engine", "nam"), ("options", "x")):
        with pytest.raises(ConfigError, match=r"there is no section|has no key"):
            kernel.setting(section, key)
