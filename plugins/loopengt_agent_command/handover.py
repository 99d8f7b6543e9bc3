"""What the program is given: its input, its environment, and the files with prompt and feedback."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt.processes import attempt_variables
from loopengt.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt_hookspecs.agents import AgentRequest

__all__ = ["clean", "full_prompt", "variables"]

LONGEST_VARIABLE = 64_000
"""Bytes of text that go into a variable; the kernel takes 128 KiB each, and some 2 MB with the arguments."""


def full_prompt(request: AgentRequest) -> str:
    """The system prompt, when there is one, and the prompt, with a blank line between them."""
    return clean("\n\n".join(part for part in (request.system_prompt, request.prompt) if part))


def clean(text: str) -> str:
    """The text without lone surrogates, which JSON may hold but no program can be given."""
    return text.encode("utf-8", "replace").decode()


@contextmanager
def variables(request: AgentRequest, project: Path) -> Iterator[dict[str, str]]:
    """Make the variables that tell the program about its attempt; their files live as long as the context."""
    with temporary_folder(project) as folder:
        yield {
            **attempt_variables(request),
            **_text("LOOPENGT_PROMPT", request.prompt, Path(folder, "prompt.txt")),
            **_text("LOOPENGT_FEEDBACK", request.feedback, Path(folder, "feedback.txt")),
        }


def _text(name: str, text: str, file: Path) -> dict[str, str]:
    content = clean(text).encode()
    file.write_bytes(content)
    found = {f"{name}_FILE": str(file)}
    if len(content) <= LONGEST_VARIABLE and b"\0" not in content:
        found[name] = content.decode()
    return found
