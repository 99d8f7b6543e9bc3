"""What a program inherits from us, and whether it is installed."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import MissingRequirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from loopengt_hookspecs.agents import AgentRequest

__all__ = ["attempt_variables", "base_environment", "find_program", "missing_program"]

# Where programs find themselves, their language, their files and the certificates they trust. Nothing that
# opens a door: no keys, tokens, agents' sockets.
_INHERITED_NAMES = """
PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM COLORTERM NO_COLOR TMPDIR TMP TEMP XDG_CACHE_HOME
XDG_CONFIG_DIRS XDG_CONFIG_HOME XDG_DATA_DIRS XDG_DATA_HOME XDG_STATE_HOME SSL_CERT_FILE
SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS NIX_SSL_CERT_FILE VIRTUAL_ENV
CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_ROOT NVM_DIR VOLTA_HOME CARGO_HOME RUSTUP_HOME GOPATH GOROOT
JAVA_HOME LD_LIBRARY_PATH
"""
_INHERITED = frozenset(_INHERITED_NAMES.split())
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})

_INSTALL = {
    "bun": "npm install -g bun",
    "claude": "npm install -g @anthropic-ai/claude-code",
    "codex": "npm install -g @openai/codex",
    "copilot": "npm install -g @github/copilot",
    "coverage": "pip install coverage",
    "eslint": "npm install -g eslint",
    "gemini": "npm install -g @google/gemini-cli",
    "mypy": "pip install mypy",
    "nox": "pip install nox",
    "opencode": "npm install -g opencode-ai",
    "pnpm": "npm install -g pnpm",
    "pre-commit": "pip install pre-commit",
    "prettier": "npm install -g prettier",
    "pyright": "pip install pyright",
    "pytest": "pip install pytest",
    "ruff": "pip install ruff",
    "tox": "pip install tox",
    "tsc": "npm install -g typescript",
    "uv": "pip install uv",
    "uvx": "pip install uv",
}
_INSTALL_FROM = {
    "agy": "Install the Antigravity CLI from https://antigravity.google/docs/cli/install",
    "cargo": "Install Rust from https://rustup.rs",
    "cursor-agent": "Install the Cursor CLI from https://cursor.com/cli",
    "docker": "Install Docker from https://docs.docker.com/get-docker",
    "gh": "Install the GitHub CLI from https://cli.github.com",
    "git": "Install git from https://git-scm.com/downloads",
    "go": "Install Go from https://go.dev/dl",
    "make": "Install make with your system's package manager, such as: apt install make",
    "node": "Install Node.js from https://nodejs.org",
    "npm": "Install Node.js, which brings npm, from https://nodejs.org",
    "npx": "Install Node.js, which brings npx, from https://nodejs.org",
}
# Words that the shell itself understands: there is no file to look for.
_SHELL_UNDERSTANDS = """
. : [ alias bg break case cd command continue echo eval exec exit export false fg for getopts hash if
jobs kill local printf pwd read readonly return set shift test times trap true type ulimit umask unalias
unset until wait while
"""
_SHELL_WORDS = frozenset(_SHELL_UNDERSTANDS.split())
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./+-]+")


def base_environment(allow: Iterable[str] = ()) -> dict[str, str]:
    """Return the variables of our environment that a program may have.

    An allow-list: where programs, homes, temporary files, caches and certificates are, the language, the
    terminal's kind, and proxies whose address holds no password. Keys and tokens stay out unless named.

    The folder of the running Python interpreter is appended to ``PATH`` when it is not in it: programs that
    are installed beside loopengt in a virtual environment, such as ``pytest``, are found though that
    environment is not activated.

    ``PYTHONDONTWRITEBYTECODE`` is set: Python knows the bytecode of a file by the file's size and the second
    of its last edit, so that tests could run on what was in a file before an agent mended it.

    Args:
        allow: Names of further variables to hand over; one that is not set is left out.
    """
    allowed = _INHERITED | set(allow)
    found = {name: value for name, value in os.environ.items() if name in allowed or _harmless(name, value)}
    path = found.get("PATH") or os.defpath
    beside = str(Path(sys.executable).parent) if sys.executable else ""
    if beside and beside not in path.split(os.pathsep):
        path = f"{path}{os.pathsep}{beside}"
    found["PATH"] = path
    found["PYTHONDONTWRITEBYTECODE"] = "1"
    return found


def attempt_variables(request: AgentRequest) -> dict[str, str]:
    """Return the variables that tell an agent's program about its attempt; by the first, it is found after a crash."""
    return {
        "LOOPENGT_RUN_ID": request.run_id,
        "LOOPENGT_LOOP": request.loop,
        "LOOPENGT_STEP": request.step,
        "LOOPENGT_OCCURRENCE": str(request.occurrence),
        "LOOPENGT_ATTEMPT": str(request.attempt),
        "LOOPENGT_AGENT": request.agent.name,
        "LOOPENGT_IDEMPOTENCY_KEY": request.idempotency_key,
        "LOOPENGT_WORKSPACE": str(request.workspace),
    }


def _harmless(name: str, value: str) -> bool:
    if name.upper() in _PROXIES:
        return "@" not in value
    return name.startswith("LC_")


def find_program(name: str, cwd: Path, env: Mapping[str, str]) -> Path | None:
    """Return the file that a command's first word starts, or None.

    Args:
        name: The word: looked up in ``env["PATH"]`` unless it has a slash.
        cwd: The folder that the command runs in; what is relative is relative to it.
        env: The environment that the command gets.
    """
    folders = [""] if os.sep in name else env.get("PATH", os.defpath).split(os.pathsep)
    for folder in folders:
        path = cwd / folder / name
        if name and path.is_file() and os.access(path, os.X_OK):
            return path
    return None


def missing_program(
    command: Sequence[str] | str, *, cwd: Path, env: Mapping[str, str], needed_by: str
) -> MissingRequirement | None:
    """Return what must be installed before the command can run; None when its program is there.

    Of a shell string only the first word is looked at, and only when it is plain.

    Args:
        command: Argument list, or a string for the shell.
        cwd: The folder that the command runs in.
        env: The environment that the command gets.
        needed_by: Who wants to run it, such as ``agent 'fixer'``.
    """
    name = _first_word(command) if isinstance(command, str) else command[0]
    if not name or find_program(name, cwd, env) is not None:
        return None
    if os.sep in name and (cwd / name).is_file():
        return MissingRequirement(
            f"{needed_by} runs {name}, which is not an executable file",
            remedy=f"chmod +x {shlex.quote(name)}",
        )
    where = f"which is not in {cwd}" if os.sep in name else "which is not installed or not on PATH"
    return MissingRequirement(f"{needed_by} runs {name}, {where}", remedy=_remedy(name))


def _first_word(command: str) -> str:
    word = command.split(maxsplit=1)[0] if command.strip() else ""
    return word if _PLAIN_WORD.fullmatch(word) and word not in _SHELL_WORDS else ""


def _remedy(name: str) -> str:
    if name in _INSTALL:
        return _INSTALL[name]
    if name in _INSTALL_FROM:
        return _INSTALL_FROM[name]
    if os.sep in name:
        return f"Create {name}, or correct the command."
    return f"Install {name} and put its folder on PATH, or give its full path in the command."
