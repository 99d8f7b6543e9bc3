"""Options of plugins: from all places of the config, validated by the plugin's own model at first use."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from loopengt import ConfigError, Kernel, PluginError, hookimpl

if TYPE_CHECKING:
    from pathlib import Path


class Tuning(BaseModel):
    """Options of the plugin ``tuned``."""

    model_config = ConfigDict(extra="forbid")

    size: int = 1
    names: list[str] = Field(default_factory=list)
    api_key: str = ""
    deep: dict[str, dict[str, int]] = Field(default_factory=dict)


class Tuned:
    """A component that takes its plugin's options."""

    def __init__(self, options: Tuning) -> None:
        self.options = options

    @classmethod
    def from_context(cls, context: Any) -> Tuned:
        """Make one, as the kernel does."""
        return cls(context.options)


def tuned_plugin(model: object = Tuning) -> SimpleNamespace:
    """A plugin with options, and a storage that receives them."""

    def options(register: Any) -> None:
        register(model)

    def storages(register: Any) -> None:
        register("tuned", Tuned, summary="Keeps its options")

    return SimpleNamespace(
        loopengt_register_options=hookimpl(options), loopengt_register_storages=hookimpl(storages)
    )


def write(project: Path, text: str) -> None:
    """Write the project's config.toml."""
    (project / ".loopengt/config.toml").write_text(text)


def kernel_of(
    project: Path,
    *,
    options: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    model: object = Tuning,
) -> Kernel:
    """Make a kernel with the plugin ``tuned`` and nothing in its environment but what is given."""
    plugins = [("tuned", tuned_plugin(model))]
    return Kernel(project, options=options, environ=environ or {}, plugins=plugins)


def options_of(kernel: Kernel) -> Tuning:
    """The validated options, as a component of the plugin gets them."""
    return kernel.get("storages", "tuned").options  # type: ignore[no-any-return]  # a test's own component


def test_options_come_from_all_places_and_are_validated_by_the_plugins_model(project: Path) -> None:
    """Texts of environment and command line become the model's types; each place overrides single options."""
    write(project, '[plugins.Tuned]\nsize = 2\napi_key = "of_file"\nnames = ["file"]\n')
    environ = {"LOOPENGT_PLUGINS__TUNED__SIZE": "3", "LOOPENGT_PLUGINS__TUNED__NAMES": '["a", "b"]'}
    assert options_of(kernel_of(project)) == Tuning(size=2, names=["file"], api_key="of_file")
    found = options_of(kernel_of(project, environ=environ, options={"tuned.size": "4"}))
    assert found == Tuning(size=4, names=["a", "b"], api_key="of_file")
    assert options_of(kernel_of(project, options={"plugins.tuned.size": "5"})).size == 5


def test_a_deeper_option_changes_one_entry_of_a_table(project: Path) -> None:
    """-o NAME.a.b.c=value sets one value within a table of the file."""
    write(project, "[plugins.tuned.deep.a]\nx = 1\ny = 2\n")
    assert options_of(kernel_of(project, options={"tuned.deep.a.y": "3"})).deep == {"a": {"x": 1, "y": 3}}
    with pytest.raises(ConfigError, match="'x' is not a table"):
        options_of(kernel_of(project, options={"tuned.deep.a.x.z": "3"}))


def test_tables_given_by_the_caller_are_not_changed(tmp_path: Path) -> None:
    """Options of the command line are written into copies."""
    tables = {"plugins": {"tuned": {"deep": {"a": {"x": 1}}}}}
    kernel = Kernel(
        tmp_path,
        config=tables,
        options={"tuned.deep.a.x": "2"},
        plugins=[("tuned", tuned_plugin())],
        environ={},
    )
    assert options_of(kernel).deep == {"a": {"x": 2}}
    assert tables == {"plugins": {"tuned": {"deep": {"a": {"x": 1}}}}}


def test_wrong_options_are_named_with_source_and_nearest_name(project: Path) -> None:
    """Unknown options and wrong types are reported together; a value, which may be a secret, is not shown."""
    write(project, '[plugins.tuned]\nsise = 2\napi_key = ["hush"]\n')
    kernel = kernel_of(project, environ={"LOOPENGT_PLUGINS__TUNED__SIZE": "many"})
    with pytest.raises(ConfigError) as caught:
        kernel.get("storages", "tuned")
    text = str(caught.value)
    assert "LOOPENGT_PLUGINS__TUNED__SIZE: plugins.tuned.size: " in text
    assert (
        "config.toml: plugins.tuned.sise: the plugin 'tuned' has no such option, the nearest is 'size'"
        in text
    )
    assert "config.toml: plugins.tuned.api_key: " in text
    assert "hush" not in text


def test_a_missing_option_is_named(tmp_path: Path) -> None:
    """A required option that nobody sets is reported at first use, not before."""

    class Needy(BaseModel):
        token: str

    kernel = kernel_of(tmp_path, model=Needy)
    assert kernel.names("storages") == {"tuned": "Keeps its options"}
    with pytest.raises(ConfigError, match=r"plugins\.tuned\.token: Field required"):
        kernel.get("storages", "tuned")


@pytest.mark.parametrize("model", ["no_such_module:Options", "json:dumps", object()])
def test_a_model_that_is_none_is_the_plugins_fault(model: object, tmp_path: Path) -> None:
    """What cannot be imported, or validates nothing, is an error that names the plugin."""
    with pytest.raises(PluginError, match="options model of the plugin 'tuned'"):
        kernel_of(tmp_path, model=model).get("storages", "tuned")


def test_options_for_no_plugin_stop_a_run(project: Path) -> None:
    """A table for no plugin, or one that takes no options, is an error when storage or engine is made."""
    write(project, '[plugins.tunde]\nsize = 2\n[storage]\nname = "tuned"\n')
    kernel = kernel_of(project)
    with pytest.raises(
        ConfigError, match=r"\[plugins.tunde\]: there is no plugin 'tunde', the nearest is 'tuned'"
    ):
        kernel.storage()
    assert "there is no plugin 'tunde'" in kernel.problems()[0]
    plain = Kernel(project, plugins=[("tunde", SimpleNamespace())], environ={})
    with pytest.raises(ConfigError, match="the plugin 'tunde' takes no options"):
        plain.engine()


def test_an_empty_table_is_a_table_too(project: Path) -> None:
    """[plugins.NAME] without options names the plugin, and a wrong name is found."""
    write(project, "[plugins.tunde]\n")
    with pytest.raises(ConfigError, match="there is no plugin 'tunde'"):
        kernel_of(project).storage()
