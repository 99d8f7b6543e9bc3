"""Config: file, environment and options in rising strength, and errors that say where and what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt import ConfigError, Kernel

if TYPE_CHECKING:
    from pathlib import Path


def write(project: Path, text: str) -> None:
    """Write the project's config.toml."""
    (project / ".loopengt/config.toml").write_text(text)


def kernel_of(
    project: Path, *, options: dict[str, str] | None = None, environ: dict[str, str] | None = None
) -> Kernel:
    """Make a kernel without plugins, with nothing in its environment but what is given."""
    return Kernel(project, options=options, environ=environ or {}, plugins=[])


def test_without_any_setting_the_defaults_hold(tmp_path: Path) -> None:
    """No file, no environment, no options: the documented defaults, and no folder is made."""
    config = kernel_of(tmp_path).config
    assert (config.engine.name, config.engine.middleware) == ("local", ())
    assert (config.storage.name, config.observers.names, config.plugins.disabled) == ("sqlite", (), ())
    assert (config.defaults.provider, config.defaults.model) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_environment_outweighs_the_file_and_an_option_outweighs_both(project: Path) -> None:
    """Each place overrides single settings of the weaker ones, and leaves the others."""
    write(
        project,
        """
        [storage]
        name = "of_file"
        [engine]
        name = "of_file"
        middleware = ["of_file", "second"]
        [observers]
        names = ["of_file"]
        """,
    )
    environ = {
        "LOOPENGT_STORAGE__NAME": "of_environ",
        "LOOPENGT_ENGINE__NAME": "of_environ",
        "LOOPENGT_OBSERVERS__NAMES": "one, two",
    }
    config = kernel_of(project, options={"storage.name": "of_option"}, environ=environ).config
    assert config.storage.name == "of_option"
    assert config.engine.name == "of_environ"
    assert config.engine.middleware == ("of_file", "second")
    assert config.observers.names == ("one", "two")
    assert config.source("storage", "name") == "-o storage.name"
    assert config.source("engine", "name") == "LOOPENGT_ENGINE__NAME"
    assert config.source("engine", "middleware") == str(project / ".loopengt/config.toml")


def test_a_list_can_be_emptied(project: Path) -> None:
    """An empty text and an empty TOML list both override a list of the file."""
    write(project, '[engine]\nmiddleware = ["log"]\n[observers]\nnames = []\n')
    assert kernel_of(project, options={"engine.middleware": ""}).config.engine.middleware == ()
    assert kernel_of(project, options={"engine.middleware": "[]"}).config.engine.middleware == ()
    assert kernel_of(project, options={"engine.middleware": '["a,b"]'}).config.engine.middleware == ("a,b",)


def test_other_variables_are_not_settings(tmp_path: Path) -> None:
    """What begins with LOOPENGT_ and has no double underscore has a meaning of its own."""
    environ = {"LOOPENGT_IDEMPOTENCY_KEY": "x", "LOOPENGT_RUN_ID": "y", "LOOPENGTON__X": "z"}
    assert kernel_of(tmp_path, environ=environ).config.sources == {}


WRONG = {
    "section": (
        "[storag]\nname = 'x'",
        "storag.name: there is no section 'storag', the nearest is 'storage'",
    ),
    "bare key": ("storage = 'x'", "storage: [storage] has no key ''"),
    "key": ("[storage]\nnames = 'x'", "storage.names: [storage] has no key 'names', the nearest is 'name'"),
    "text": ("[storage]\nname = 3", "storage.name: a text is expected, not 3"),
    "blank": ("[storage]\nname = ''", "storage.name: a text is expected, not ''"),
    "list": ("[engine]\nmiddleware = 'log'", "engine.middleware: a list of texts is expected, not 'log'"),
    "items": ("[engine]\nmiddleware = [1]", "engine.middleware: a list of texts is expected, not [1]"),
    "table": ("[storage.name]\nx = 1", "storage.name: a text is expected, not {'x': 1}"),
    "plugin": ("[plugins]\ntuned = 3", "[plugins] has no key 'tuned'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_named_with_its_place(case: str, project: Path) -> None:
    """The message has file, key path, and the nearest name or the expected type."""
    text, words = WRONG[case]
    write(project, text)
    with pytest.raises(ConfigError) as caught:
        _ = kernel_of(project).config
    assert str(caught.value).startswith(f"{project}/.loopengt/config.toml: ")
    assert words in str(caught.value)


def test_all_wrong_settings_are_named_at_once(project: Path) -> None:
    """One error tells of every place, each with its source."""
    write(project, "[storage]\nnam = 'x'\n")
    kernel = kernel_of(project, options={"engine.nme": "x"}, environ={"LOOPENGT_ENGIN__NAME": "x"})
    with pytest.raises(ConfigError) as caught:
        _ = kernel.config
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        str(project / ".loopengt/config.toml"),
        "LOOPENGT_ENGIN__NAME",
        "-o engine.nme",
    ]


SYNTAX = {
    "[storage\nname = 1": ":1:9: ",
    "[storage]\nname = \n": ":2:8: ",
    '[storage]\nname = "x"\nname = "y"\n': ":3:11: ",
    "[storage]\nname = 'x": ":2:10: ",
    "x = " + "[" * 5000: ":1:",
}


@pytest.mark.parametrize("text", SYNTAX, ids=range(len(SYNTAX)))
def test_invalid_toml_is_reported_with_line_and_column(text: str, project: Path) -> None:
    """Syntax errors read file:line:column."""
    write(project, text)
    with pytest.raises(ConfigError) as caught:
        _ = kernel_of(project).config
    assert str(caught.value).startswith(f"{project}/.loopengt/config.toml{SYNTAX[text]}")


def test_a_file_that_is_no_text_is_reported(project: Path) -> None:
    """Bytes that are not UTF-8, and a folder in the file's place, are errors of the config."""
    file = project / ".loopengt/config.toml"
    file.write_bytes(b'[storage]\nname = "\xff"\n')
    with pytest.raises(ConfigError, match="byte 18 is not UTF-8"):
        _ = kernel_of(project).config
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
        _ = kernel_of(project).config


@pytest.mark.parametrize("option", ["storage", ".name", "storage.", "a..b"])
def test_a_malformed_option_is_refused(option: str, tmp_path: Path) -> None:
    """An option without section or key is an error that shows the form."""
    with pytest.raises(ConfigError, match=r"SECTION\.KEY=VALUE"):
        _ = kernel_of(tmp_path, options={option: "x"}).config
