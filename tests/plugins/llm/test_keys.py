"""Where keys are found, what is said when they are not, and that nothing repeats them."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from loopengt.redaction import process_redactor
from loopengt_hookspecs.agents import MissingRequirement
from loopengt_hookspecs.model_adapters import ModelSettings
from loopengt_llm.pool import open_model

from .kit import Bench, KeptCalls, ScriptedModels, role_of


async def key_of(bench: Bench, provider: str, extra: dict[str, Any] | None = None, **options: Any) -> str:
    """The key that reaches the adapter."""
    models, role = ScriptedModels(["ok"]), role_of({"provider": provider, "extra": extra or {}})
    await bench.agent(models, role, **options).invoke(bench.request(role, KeptCalls()))
    return models.settings[0].api_key


def lacks(
    bench: Bench, provider: str, extra: dict[str, Any] | None = None, **options: Any
) -> list[tuple[str, str]]:
    """What an agent says is missing, each with its remedy."""
    role = role_of({"provider": provider, "extra": extra or {}})
    found = bench.agent(ScriptedModels([]), role, **options).missing()
    return [(lack.message, lack.remedy) for lack in found]


def test_a_service_on_this_machine_that_does_not_answer_is_missing(bench: Bench) -> None:
    """Where nothing listens at a local address that is said; where something does, nothing is missing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        assert lacks(bench, "ollama", {"base_url": url}) == []
    ((message, remedy),) = lacks(bench, "ollama", {"base_url": url})
    assert "nothing answers" in message
    assert remedy == "ollama serve"


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("google", "GEMINI_API_KEY"),
        ("google", "GOOGLE_API_KEY"),
        ("huggingface", "HF_TOKEN"),
        ("openrouter", "OPENROUTER_API_KEY"),
    ],
)
async def test_each_service_has_its_variable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, provider: str, variable: str
) -> None:
    """The key is read from the variable that the service's own tools read; without it, that is said."""
    ((message, remedy),) = lacks(bench, provider)
    assert variable in message
    assert remedy.startswith("export ")
    assert remedy.endswith("_API_KEY=...") or variable == "HF_TOKEN"
    with pytest.raises(MissingRequirement, match="agent 'writer' needs the environment variable"):
        await key_of(bench, provider)
    monkeypatch.setenv(variable, " key-0123456789 \n")
    assert lacks(bench, provider) == []
    assert await key_of(bench, provider) == "key-0123456789"


async def test_a_compatible_service_gets_no_key_that_is_not_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenAI's key does not go to any other address unasked, and a local model needs none."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-openai")
    assert await key_of(bench, "openai-compatible", {"base_url": "http://localhost:1/v1"}) == ""
    assert await key_of(bench, "ollama") == ""
    named = {"base_url": "http://localhost:1/v1", "api_key_env": "OPENAI_API_KEY"}
    assert await key_of(bench, "openai-compatible", named) == "key-of-openai"


async def test_the_spec_names_a_key_before_the_config(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all places the nearest to the agent counts, and a variable that is named must be set."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-by-default")
    monkeypatch.setenv("CONFIG_NAMES", "key-of-config")
    monkeypatch.setenv("SPEC_NAMES", "key-of-spec")
    config = {"providers": {"openai": {"api_key_env": "CONFIG_NAMES"}}}
    assert await key_of(bench, "openai", **config) == "key-of-config"
    assert await key_of(bench, "openai", {"api_key": {"env": "SPEC_NAMES"}}, **config) == "key-of-spec"
    assert lacks(bench, "openai", {"api_key_env": "UNSET_ONE"}, **config) == [
        ("agent 'writer' needs the environment variable UNSET_ONE", "export UNSET_ONE=...")
    ]


async def test_a_key_can_stand_in_a_file(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of the project is read, without the line end; one that others may open is warned of, once."""
    file = bench.home / "key.txt"
    file.write_text("key-in-a-file\n")
    file.chmod(0o600)
    assert await key_of(bench, "openai", {"api_key": {"file": ".loopengt/key.txt"}}) == "key-in-a-file"
    assert capsys.readouterr().err == ""
    file.chmod(0o644)
    config = {"providers": {"openai": {"api_key_file": str(file)}}}
    assert await key_of(bench, "openai", **config) == "key-in-a-file"
    assert await key_of(bench, "openai", **config) == "key-in-a-file"
    logged = capsys.readouterr().err
    assert logged.count("others on this machine may open a key file") == 1
    assert "key-in-a-file" not in logged


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"  \n", "is empty"), (b"\xff\xfe", "is no text")]
)
def test_a_file_without_a_key_is_named(bench: Bench, content: bytes | None, words: str) -> None:
    """A key file that is not there, or holds none, is missing; the remedy says what to put there."""
    if content is not None:
        (bench.home / "key.txt").write_bytes(content)
    ((message, remedy),) = lacks(bench, "openai", {"api_key": {"file": ".loopengt/key.txt"}})
    assert words in message
    assert (
        remedy == "write the key, and nothing else, into .loopengt/key.txt, and: chmod 600 .loopengt/key.txt"
    )


def test_all_that_is_missing_is_said(bench: Bench) -> None:
    """Model, address, key, headers and the adapter's packages are each named with what to do."""
    role = role_of(
        {
            "provider": "openai-compatible",
            "extra": {"api_key_env": "K_UNSET", "headers_env": {"X": "H_UNSET"}},
        }
    )
    config = role.config.model_copy()
    config.model_fields_set.discard("model")
    package = MissingRequirement("pydantic-ai is not installed", remedy="pip install 'loopengt[llm]'")
    agent = bench.agent(ScriptedModels([], lacks=[package]), role.model_copy(update={"config": config}))
    remedies = [lack.remedy for lack in agent.missing()]
    assert ["config.model" in remedies[0], "config.extra.base_url" in remedies[1]] == [True, True]
    assert remedies[2:] == ["export K_UNSET=...", "export H_UNSET=...", "pip install 'loopengt[llm]'"]


def test_a_key_with_a_line_break_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HTTP does not allow in a header is said before it is sent, without the key."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-one\nkey-two")
    ((message, _),) = lacks(bench, "openai")
    assert "characters that HTTP does not allow" in message
    assert "key-one" not in message


async def test_every_key_is_kept_out_of_logs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also a key in a variable with a harmless name, in a file, or in a header, is known to redactors."""
    monkeypatch.setenv("HARMLESS", "from-a-variable")
    monkeypatch.setenv("HEADER", "Bearer from-a-header")
    (bench.home / "key").write_text("from-a-file")
    (bench.home / "key").chmod(0o600)
    await key_of(bench, "openai", {"api_key_env": "HARMLESS", "headers_env": {"X-Auth": "HEADER"}})
    await key_of(bench, "openai", {"api_key": {"file": ".loopengt/key"}})
    text = process_redactor().text("from-a-variable, from-a-header, from-a-file")
    assert text == "[redacted], [redacted], [redacted]"


def test_models_stay_open_until_their_loop_ends(bench: Bench) -> None:
    """Attempts in one event loop share a model, others do not, and each is closed with its loop."""
    models = ScriptedModels(["ok"] * 9)
    other = role_of({"extra": {"base_url": "http://elsewhere/v1"}})

    async def attempts() -> None:
        agents = [(bench.agent(models, role), role) for role in (role_of(), role_of(), other)]
        await asyncio.gather(*(agent.invoke(bench.request(role, KeptCalls())) for agent, role in agents))
        assert models.closed == done

    done = 0
    asyncio.run(attempts())
    assert (len(models.settings), models.closed) == (2, 2)
    done = 2
    asyncio.run(attempts())
    assert (len(models.settings), models.closed) == (4, 4)


def test_a_model_that_cannot_be_closed_keeps_none_open() -> None:
    """A failing close is not the others' harm."""

    class Broken(ScriptedModels):
        async def close(self) -> None:
            raise OSError("the connection is gone")

    broken, sound = Broken([]), ScriptedModels([])

    async def use() -> None:
        for adapter in (broken, sound):
            await open_model(adapter, ModelSettings("ollama", "m"))

    asyncio.run(use())
    assert sound.closed == 1


async def test_a_key_among_the_projects_files_is_refused(bench: Bench) -> None:
    """Runs copy the project's files: a key file there, or behind a link to there, is not read."""
    (bench.project / "key").write_text("key-of-the-project")
    (bench.home / "link").symlink_to(bench.project / "key")
    for shown in ("key", ".loopengt/link"):
        (lack,) = lacks(bench, "openai", {"api_key": {"file": shown}})
        assert "lies among the project's files" in lack[0]
        assert "mv" in lack[1]


def test_the_key_file_is_relative_to_the_project(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Wherever the command is called, the same file is read."""
    (bench.home / "key").write_text("key-of-the-project")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert lacks(bench, "openai", {"api_key": {"file": ".loopengt/key"}}) == []
