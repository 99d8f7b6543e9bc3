"""Has exporters write runs as documents, and brings documents to a terminal or into a file."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_cli_runs.reading import Recorded

__all__ = ["blamed", "check_target", "exporter_of", "put", "render", "writes_documents"]


def exporter_of(kernel: Kernel, name: str, *, to_write: bool = False) -> Any:
    """Return an exporter.

    Args:
        kernel: The project.
        name: Its name.
        to_write: Name those alone that write documents when there is none of that name.

    Raises:
        UsageError: No loaded plugin has it; the message names the nearest.
        PluginError: It cannot be made, or can neither write nor send.
    """
    from loopengt.errors import PluginError, UsageError
    from loopengt.naming import hint

    known = list(kernel.names("exporters"))
    if name not in known:
        if to_write:
            known = [each for each in known if _writes(kernel, each)]
        raise UsageError(f"there is no exporter {name!r}{hint(name, known)}")
    exporter = kernel.get("exporters", name)
    if not any(callable(getattr(exporter, method, None)) for method in ("export", "send")):
        plugin = kernel.component("exporters", name).plugin
        raise PluginError(f"the exporter {name!r} of the plugin {plugin!r} has neither export() nor send()")
    return exporter


def writes_documents(exporter: Any) -> bool:
    """Whether an exporter writes documents; else it sends runs to a service."""
    return callable(getattr(exporter, "export", None))


def _writes(kernel: Kernel, name: str) -> bool:
    from loopengt.errors import LoopengtError

    try:
        return writes_documents(kernel.get("exporters", name))
    except LoopengtError:
        return False


def render(kernel: Kernel, form: str, exporter: Any, recorded: Recorded) -> Iterable[str]:
    """Have an exporter write a run, and return the document's parts: several of one that is made bit by bit.

    Raises:
        PluginError: It fails; the message names the plugin.
    """
    from loopengt.errors import PluginError

    many = callable(getattr(exporter, "parts", None))
    with blamed(kernel, form):
        made: Any = (exporter.parts if many else exporter.export)(recorded.state, recorded.events)
    if many:
        return _parts(kernel, form, made)
    if not isinstance(made, str):
        plugin = kernel.component("exporters", form).plugin
        raise PluginError(
            f"the exporter {form!r} of the plugin {plugin!r} returned {type(made).__name__}, not text"
        )
    return [made]


def _parts(kernel: Kernel, form: str, made: Iterable[str]) -> Iterator[str]:
    with blamed(kernel, form):
        for part in made:
            if not isinstance(part, str):
                raise TypeError(f"a part of the document is {type(part).__name__}, not text")
            yield part


@contextmanager
def blamed(kernel: Kernel, form: str) -> Iterator[None]:
    """Have what fails within the block be told as a failure of an exporter's plugin.

    Raises:
        PluginError: Something failed; the message names the plugin.
    """
    from loopengt.errors import LoopengtError, PluginError

    try:
        yield
    except LoopengtError:
        raise
    except Exception as exc:
        plugin = kernel.component("exporters", form).plugin
        raise PluginError(
            f"the exporter {form!r} of the plugin {plugin!r} failed: {type(exc).__name__}: {exc}",
            remedy="Another format still shows the run, such as --format json.",
        ) from exc


def check_target(target: Path | None) -> None:
    """Refuse a file that cannot be written, before anything is read.

    Raises:
        UsageError: It is a folder, or its folder is none.
    """
    from loopengt.errors import UsageError

    if target is None:
        return
    if target.is_dir():
        raise UsageError(f"{target} is a folder", remedy="Name a file in it with -o FILE.")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", remedy="Make it, or name another file.")


def put(parts: Iterable[str], target: Path | None, *, coloured: bool = False) -> None:
    """Write a document to stdout or into a file.

    Args:
        parts: The document, in parts.
        target: The file, which has the old content or the new, and never a part; None: stdout.
        coloured: Colour the verdicts, on a terminal.

    Raises:
        LoopengtError: The file cannot be written.
    """
    if target is not None:
        _write((part.encode("utf-8", "replace") for part in parts), target)
        return
    import io
    import sys

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character still shows the rest
    coloured = coloured and sys.stdout.isatty()
    for part in parts:
        click.echo(with_colours(part) if coloured else part, nl=False)


def _write(parts: Iterable[bytes], target: Path) -> None:
    import os
    import secrets

    from loopengt.errors import LoopengtError

    real = target.resolve()  # a link stays one
    draft = real.with_name(f".{real.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        if real.exists() and not real.is_file():  # a pipe or a device can be written, not replaced
            with real.open("wb") as stream:
                stream.writelines(parts)
            return
        with draft.open("xb") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        if real.exists():
            draft.chmod(real.stat().st_mode & 0o7777)
        os.replace(draft, real)
    except OSError as exc:
        raise LoopengtError(f"{target} cannot be written: {exc.strerror or exc}") from exc
    finally:
        with suppress(OSError):
            draft.unlink()


def with_colours(text: str) -> str:
    """Colour the verdicts of a text, unless the person does not want colours."""
    import os
    import re

    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    text = re.sub(r"\bFAIL\b|(?<=  )failed\b|\berror:", lambda found: click.style(found[0], fg="red"), text)
    return re.sub(r"(?<= )pass\b|(?<=  )completed\b", lambda found: click.style(found[0], fg="green"), text)
