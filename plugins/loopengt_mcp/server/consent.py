"""Consent: what clients have written, and executes more than models and people, is run once a person allows it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from loopengt.errors import ConfigError, UsageError
from loopengt.project import make_state_folder
from loopengt.spec import spec_digest
from loopengt_mcp.server.executing import executes
from loopengt_mcp.server.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from loopengt import Kernel
    from loopengt.spec import LoadedSpec
    from loopengt_mcp.server.loops import Found

__all__ = ["Consents", "meaning"]

FILE = "mcp.json"
_LOCK_SECONDS = 5.0


def meaning(loaded: LoadedSpec) -> str:
    """Return the digest of what a loop means, with the loops below it: any change to that needs new consent."""
    parts = [spec_digest(loaded.spec)]
    for path, spec in sorted(loaded.loops.items()):
        parts += [path, spec_digest(spec)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Consents:
    """Knows which loops clients have written, and what people have allowed.

    Both stand in ``.loopengt/mcp.json``, which no client can write: the folder is hidden from them.

    Args:
        kernel: The project.
        allow_run: The option of that name.
    """

    def __init__(self, kernel: Kernel, allow_run: str) -> None:
        self._kernel = kernel
        self._allow_run = allow_run

    def check_may_run(self) -> None:
        """Refuse to run anything where the project says so.

        Raises:
            UsageError: ``[mcp] allow_run`` is never.
        """
        if self._allow_run == "never":
            raise UsageError(
                "this project lets no client run loops: [mcp] allow_run is never",
                remedy="A person can run them with `loopengt run`, or change it in .loopengt/config.toml.",
            )

    def needed(self, found: Found) -> list[str]:
        """Return what a loop would execute that a person has not allowed yet; empty: it may be run."""
        if self._allow_run == "always":
            return []
        lines = executes(found.loaded)
        if not lines or not self._is_of_client(found):
            return []
        return [] if meaning(found.loaded) in self._read()["allowed"] else lines

    def allow(self, loaded: LoadedSpec) -> str:
        """Allow a loop as it is now, and return the digest of what it means.

        Raises:
            ConfigError: The consent cannot be written.
        """
        digest = meaning(loaded)
        self._add("allowed", [digest])
        return digest

    def written(self, files: Iterable[Path]) -> None:
        """Remember that a client writes files; to be called before it does: else they could count as a person's.

        Raises:
            ConfigError: That cannot be written.
        """
        self._add("written", [shown(self._kernel.project, path) for path in files])

    def _is_of_client(self, found: Found) -> bool:
        """Whether a client has written the loop, or one below it."""
        if found.source is None:
            return True
        written = set(self._read()["written"])
        return not written.isdisjoint({shown(self._kernel.project, found.source), *found.loaded.loops})

    def _add(self, kind: str, entries: list[str]) -> None:
        file = self._kernel.folder / FILE
        draft = file.with_name(f"{FILE}.{os.getpid()}")
        try:
            make_state_folder(file.parent)
            with _alone(file.with_name(f"{FILE}.lock")):
                known = self._read()
                known[kind] = [*(entry for entry in known[kind] if entry not in entries), *entries]
                draft.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
                draft.replace(file)
        except OSError as exc:
            raise ConfigError(f"{file} cannot be written: {exc.strerror}") from exc

    def _read(self) -> dict[str, list[str]]:
        file = self._kernel.folder / FILE
        try:
            known: Any = json.loads(file.read_bytes())
            return {kind: [str(entry) for entry in known.get(kind, [])] for kind in ("written", "allowed")}
        except FileNotFoundError:
            return {"written": [], "allowed": []}
        except (OSError, ValueError, AttributeError, TypeError) as exc:
            # Which loops clients have written is not known: nothing may be run on trust.
            raise ConfigError(
                f"{file} cannot be read: {exc}", remedy=f"Delete it, after a look at the loops: rm {file}"
            ) from exc


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep other servers of the project from writing at the same time: what one of them notes must not be lost.

    Raises:
        ConfigError: Another one does not let go.
    """
    with lock.open("ab") as file:
        until = monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > until:
                    raise ConfigError(
                        f"another process holds {lock}", remedy="End it, or wait for it, and call again."
                    ) from None
                sleep(0.01)
        yield
