"""Registers the memory in SQLite, the summarizers, an embedder and the command memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.embedders import Embedder
    from loopengt_hookspecs.memory import MemoryStore
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.summarizers import Summarizer


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[plugins.memory]``."""
    register("loopengt_memory.options:MemoryOptions")


@hookimpl
def loopengt_register_memories(register: Register[MemoryStore]) -> None:
    """Register the memory store ``sqlite``."""
    register(
        "sqlite",
        "loopengt_memory.store:SqliteMemoryStore",
        summary="Entries in the database of the runs, found by words and by nearness",
    )


@hookimpl
def loopengt_register_embedders(register: Register[Embedder]) -> None:
    """Register the embedder ``openai``."""
    register(
        "openai",
        "loopengt_memory.openai_embedder:OpenAIEmbedder",
        summary="The embeddings of OpenAI, or of a service that is compatible with it",
    )


@hookimpl
def loopengt_register_summarizers(register: Register[Summarizer]) -> None:
    """Register the summarizers ``extractive`` and ``abstractive``."""
    register(
        "extractive",
        "loopengt_memory.summarizing.extractive:ExtractiveSummarizer",
        summary="Keeps the first, the last and the most informative sentences",
    )
    register(
        "abstractive",
        "loopengt_memory.summarizing.abstractive:AbstractiveSummarizer",
        summary="Has an agent write what is shorter",
    )


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register memory."""
    register(
        "memory", "loopengt_memory.commands.group:memory", summary="Search and tidy up what runs remember"
    )
